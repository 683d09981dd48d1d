package proxy_test

import (
	"strings"
	"testing"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/shardtest"
)

// TestDatabases: clients choose among the servers' databases, unless redis_db fixes
// one, which is then 0 to them too.
func TestDatabases(t *testing.T) {
	const refused = "ERR DB index is out of range"
	each(t, func(t *testing.T, d engine.Driver) {
		server := shardtest.Redis(t)
		for _, c := range []struct {
			lines    []string
			database string // of SELECT
			want     string // its reply
			in       int    // where keys then are
		}{
			{nil, "0", "OK", 0},
			{nil, "1", "OK", 1},
			{nil, "16", refused, 0}, // the server has 16
			{nil, "-1", refused, 0},
			{[]string{"redis_db: 2"}, "0", "OK", 2},
			{[]string{"redis_db: 2"}, "2", "OK", 2},
			{[]string{"redis_db: 2"}, "1", refused, 2},
		} {
			s := serve(t, d, poolOf([]*shardtest.Server{server}, c.lines...))
			client := s.dial(t)
			got, err := redis.String(client.Do("SELECT", c.database))
			if err != nil {
				got = err.Error()
			}
			if !strings.HasPrefix(got, c.want) {
				t.Errorf("%v: SELECT %s said %q, want %q", c.lines, c.database, got, c.want)
			}
			if _, err := client.Do("SET", "key", "value"); err != nil {
				t.Fatal(err)
			}
			direct, err := redis.Dial("tcp", server.Addr, redis.DialDatabase(c.in))
			if err != nil {
				t.Fatal(err)
			}
			if n, err := redis.Int(direct.Do("DEL", "key")); n != 1 {
				t.Errorf("%v: after SELECT %s no key is in database %d of the server: %v", c.lines, c.database, c.in, err)
			}
			direct.Close()
		}
	})
}
