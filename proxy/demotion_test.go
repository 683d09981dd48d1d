package proxy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/proxy/engine"
)

// TestBlockedPopFollows: who waits for an element at a node that becomes a replica waits
// at its successor.
func TestBlockedPopFollows(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		primary, replicas, yml := withReplicas(t, 1, "timeout: 5s")
		s := serve(t, d, yml)
		c, other := s.dial(t), s.dial(t)
		must(t, other, "SET", "k", "v")
		must(t, other, "WAIT", 1, 5000)
		got := make(chan error, 1)
		go func() {
			v, err := redis.Strings(c.Do("BLPOP", "list", 15))
			if err == nil && (len(v) != 2 || v[1] != "element") {
				t.Errorf("BLPOP: %q", v)
			}
			got <- err
		}()
		soon(t, "it waits", func() bool {
			info, _ := redis.String(primary.Do("INFO", "clients"))
			return strings.Contains(info, "blocked_clients:1")
		})
		host, port, _ := strings.Cut(replicas[0].Addr, ":")
		for _, step := range []struct {
			at interface {
				Do(string, ...any) (any, error)
			}
			args []any
		}{{replicas[0], []any{"NO", "ONE"}}, {primary, []any{host, port}}} {
			if _, err := step.at.Do("REPLICAOF", step.args...); err != nil {
				t.Fatal(err)
			}
		}
		must(t, other, "RPUSH", "list", "element") // held until the proxy has followed
		select {
		case err := <-got:
			if err != nil {
				t.Errorf("BLPOP: %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("BLPOP still waits")
		}
	})
}
