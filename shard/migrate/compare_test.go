package migrate_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/migrate"
	"github.com/shardring/shardring/shard/shardtest"
)

// said are commands, with a blank between their words.
func said(s *shardtest.Server, commands ...string) error {
	conn, err := redis.Dial("tcp", s.Addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, c := range commands {
		words := strings.Fields(c)
		args := make([]any, len(words)-1)
		for i, w := range words[1:] {
			args[i] = w
		}
		if _, err := conn.Do(words[0], args...); err != nil {
			return fmt.Errorf("%s: %w", c, err)
		}
	}
	return nil
}

// TestCompared: a target that has other data than the source is not switched to, whatever
// the key's type, also where the number of elements is the same, and in each database.
func TestCompared(t *testing.T) {
	for _, c := range []struct{ fill, change, want string }{
		{"SET s abc", "SET s abd", `key "s" differs`},
		{"RPUSH l a b c", "LSET l 1 x", `key "l" differs`},
		{"HSET h f 1 g 2", "HSET h g 3", `key "h" differs`},
		{"ZADD z 0.1 a 2 b", "ZADD z 0.3 a", `key "z" differs`},
		{"XADD x 1-1 f v", "XTRIM x MAXLEN 0", `key "x" differs`},
		{"SET e v EX 1000", "PERSIST e", `key "e" differs`},
		{"SELECT 3;SADD t a b c", "SELECT 3;SREM t a;SADD t x", `key "t" differs`},
		{"DEBUG POPULATE 3000", "FLUSHALL", "the source has 3000 keys in database 0, the target 0"},
		{"SET k v", "SELECT 2;DEBUG POPULATE 3000", "the source has 0 keys in database 2, the target 3000"},
	} {
		t.Run(c.fill, func(t *testing.T) {
			t.Parallel()
			path, from, to := pool(t, "", shardtest.Args("--enable-debug-command", "yes"))
			if err := said(from, strings.Split(c.fill, ";")...); err != nil {
				t.Fatal(err)
			}
			change := func(s migrate.Step) error {
				if s != migrate.Compare {
					return nil
				}
				return said(to, append([]string{"CONFIG SET replica-read-only no"}, strings.Split(c.change, ";")...)...)
			}
			_, err := run(t, migrate.Options{Config: path, To: to.Addr, Before: change})
			if want := c.want + ": the target is not a copy of the source"; err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		})
	}
}
