package examples_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shardring/shardring/ring"
	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/shardtest"
)

// TestAudit runs the commands of audit/README.md, which print what it says, but
// for the numbers.
func TestAudit(t *testing.T) {
	find(t, "redis-cli", installTools)
	dir := t.TempDir()
	servers := shardtest.RedisN(t, 4)
	real := ports(map[string]string{"7001": servers[0].Addr, "7002": servers[1].Addr, "7003": servers[2].Addr, "7004": servers[3].Addr})
	for _, name := range []string{"pools.yml", "bigger.yml"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(real.Replace(readFile(t, "audit/"+name))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file, err := config.Load(filepath.Join(dir, "pools.yml"))
	if err != nil {
		t.Fatal(err)
	}
	before, err := ring.New(file.Pools[0].Ring)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2000 {
		key := fmt.Sprint("user:", i)
		if _, err := servers[before.OwnerString(key)].Do("SET", key, strings.Repeat("x", 100)); err != nil {
			t.Fatal(err)
		}
	}

	console(t, "audit/README.md", dir, real, 8)
	if _, err := os.Stat(filepath.Join(dir, "change.svg")); err != nil {
		t.Error(err)
	}
}
