package proxy_test

import (
	"testing"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/shardtest"
)

// TestEvalshaOverNewConnections: a script that was loaded through the proxy is
// known over connections that its request is the first to need, those to a server
// that has been started again among them.
func TestEvalshaOverNewConnections(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		servers := shardtest.RedisN(t, 4)
		s := serve(t, d, poolOf(servers))
		keys := keysOf(t, s, servers, 1)
		c := s.dial(t)
		digest, err := redis.String(c.Do("SCRIPT", "LOAD", "return KEYS[1]"))
		if err != nil {
			t.Fatal(err)
		}
		evalsha := func(what string, c redis.Conn) {
			t.Helper()
			for i := range servers {
				if got, err := redis.String(c.Do("EVALSHA", digest, 1, keys[i][0])); got != keys[i][0] {
					t.Errorf("%s, shard %s: got %q, %v", what, names[i], got, err)
				}
			}
		}
		evalsha("at first", c)
		evalsha("another database", s.dial(t, redis.DialDatabase(1)))
		for _, server := range servers {
			server.Kill()
			if err := server.Restart(); err != nil {
				t.Fatal(err)
			}
		}
		evalsha("another database, servers started again", s.dial(t, redis.DialDatabase(2)))
	})
}
