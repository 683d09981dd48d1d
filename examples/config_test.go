package examples_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/shardtest"
)

// TestFiles: the configuration files are accepted, and by `shardproxy check`.
func TestFiles(t *testing.T) {
	t.Setenv("REDIS_PASSWORD", "open sesame")
	shardproxy := build(t, "../cmd/shardproxy")
	for path, pools := range map[string][]string{
		"config/pools.yml":          {"cache", "throwaway", "accounts"},
		"nutcracker/nutcracker.yml": {"sessions", "fragments"},
	} {
		t.Run(filepath.Base(path), func(t *testing.T) {
			file, err := config.Load(path)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, p := range file.Pools {
				names = append(names, p.Name)
			}
			if fmt.Sprint(names) != fmt.Sprint(pools) {
				t.Errorf("pools %v, want %v", names, pools)
			}
			out := run(t, "", shardproxy, "check", "-c", path)
			for _, name := range pools {
				if !strings.Contains(out, name) {
					t.Errorf("check does not speak of pool %s:\n%s", name, out)
				}
			}
			if strings.Contains(out, "open sesame") {
				t.Error("check prints the password")
			}
		})
	}
}

// TestNutcrackerFile runs a nutcracker and shardproxy on one nutcracker.yml and
// the same servers, as nutcracker/README.md says: 100,000 keys of each pool that
// are written through one are found through the other, both ways.
func TestNutcrackerFile(t *testing.T) {
	yml, err := os.ReadFile("nutcracker/nutcracker.yml")
	if err != nil {
		t.Fatal(err)
	}
	servers := shardtest.RedisN(t, 4)
	text := string(yml)
	for i, s := range servers {
		text = strings.ReplaceAll(text, fmt.Sprintf("127.0.0.1:%d:", 7001+i), s.Addr+":")
	}
	old := shardtest.Nutcracker(t, strings.NewReplacer("127.0.0.1:22121", "${ADDR}", "127.0.0.1:22122", "${ADDR.fragments}").Replace(text))
	ours := strings.NewReplacer("127.0.0.1:22121", "127.0.0.1:0", "127.0.0.1:22122", "127.0.0.1:0").Replace(text)
	addrs := listen(t, engine.DefaultDriver(), ours)
	for pool, pair := range [][2]string{{old.Addr, addrs[0]}, {old.AddrOf("fragments"), addrs[1]}} {
		for way, name := range []string{"nutcracker to shardproxy", "shardproxy to nutcracker"} {
			t.Run(fmt.Sprintf("pool %d %s", pool, name), func(t *testing.T) {
				from, to := dial(t, pair[way]), dial(t, pair[1-way])
				for batch := range 100 {
					copied(t, from, to, fmt.Sprintf("nc:%d:%d", way, batch))
				}
			})
		}
	}
}

// copied writes 1,000 keys through one proxy and reads them through another.
func copied(t *testing.T, from, to redis.Conn, prefix string) {
	t.Helper()
	var keys redis.Args
	for i := range 1000 {
		key := fmt.Sprintf("%s:%d:{%d}", prefix, i, i%50)
		keys = keys.Add(key)
		from.Send("SET", key, key)
	}
	from.Flush()
	for range keys {
		if _, err := from.Receive(); err != nil {
			t.Fatal(err)
		}
	}
	values, err := redis.Strings(to.Do("MGET", keys...))
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range values {
		if v != keys[i] {
			t.Fatalf("%s is %q on the other side", keys[i], v)
		}
	}
}

func dial(t *testing.T, addr string) redis.Conn {
	t.Helper()
	c, err := redis.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}
