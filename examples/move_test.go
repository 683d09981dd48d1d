package examples_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/shardring/shardring/shard/shardtest"
)

// TestMove runs the commands of move/README.md beside a proxy that serves its file.
func TestMove(t *testing.T) {
	find(t, "redis-cli", installTools)
	servers := shardtest.RedisN(t, 3)
	addrs := map[string]string{"7001": servers[0].Addr, "7002": servers[1].Addr, "7009": servers[2].Addr}
	for _, said := range []string{"6380", "9380"} {
		port, err := shardtest.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		addrs[said] = fmt.Sprint("127.0.0.1:", port)
	}
	dir, real := t.TempDir(), ports(addrs)
	file := filepath.Join(dir, "pools.yml")
	if err := os.WriteFile(file, []byte(real.Replace(readFile(t, "move/pools.yml"))), 0o600); err != nil {
		t.Fatal(err)
	}
	shardtest.Run(t, shardtest.Spec{
		Name: "shardproxy", Program: build(t, "../cmd/shardproxy"), Args: []string{"run", "-c", file},
		Ready: func(string) error { return shardtest.ReadyRedis(addrs["6380"]) },
	})
	for i := range 200 {
		if _, err := servers[1].Do("SET", fmt.Sprint("user:", i), "x"); err != nil {
			t.Fatal(err)
		}
	}
	console(t, "move/README.md", dir, real, 6)
}
