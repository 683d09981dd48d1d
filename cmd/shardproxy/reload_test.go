package main

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shardring/shardring/shard/shardtest"
)

// TestRunReloads: SIGHUP has the file read again, --watch does without one. A file
// that is wrong is refused with its place, and serving goes on.
func TestRunReloads(t *testing.T) {
	servers := shardtest.RedisN(t, 2)
	for _, way := range []string{"SIGHUP", "--watch"} {
		t.Run(way, func(t *testing.T) {
			args := []string{"--log-format", "text"}
			if way == "--watch" {
				args = append(args, way)
			}
			p := serve(t, poolOf("${ADDR}", servers[:1]), args...)
			change := func(yml string, log ...string) {
				t.Helper()
				if err := os.WriteFile(p.ConfigPath(), []byte(yml), 0o600); err != nil {
					t.Fatal(err)
				}
				if way == "SIGHUP" {
					if err := p.Signal(syscall.SIGHUP); err != nil {
						t.Fatal(err)
					}
				}
				for _, want := range log {
					for deadline := time.Now().Add(10 * time.Second); !strings.Contains(p.Log(), want); time.Sleep(5 * time.Millisecond) {
						if time.Now().After(deadline) {
							t.Fatalf("not logged: %q in\n%s", want, p.Log())
						}
					}
				}
			}
			if _, err := p.Do("SET", "k", "v"); err != nil {
				t.Fatal(err)
			}
			by := map[string]string{"SIGHUP": "by=SIGHUP", "--watch": "by=watch"}[way]
			change(strings.Replace(poolOf(p.Addr, servers[:1]), "redis:", "timeout: 1s\n  redis:", 1),
				`msg="configuration taken" `+by, "epoch=2", `changes="pool cache: timeout 5s -> 1s"`)
			change(poolOf(p.Addr, servers[:1])+"  tiemout: 1s\n",
				`msg="configuration refused, that of before stays" `+by, p.ConfigPath()+`:6:3: unknown key \"tiemout\"`)
			change(poolOf(p.Addr, servers), "of the keyspace would move to other shards")
			change("shardproxy: {accept_moved_keys: true}\n"+poolOf(p.Addr, servers), "shard cache-2 added at "+servers[1].Addr)
			if _, err := p.Do("PING"); err != nil {
				t.Error(err)
			}
		})
	}
}
