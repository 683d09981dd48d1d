package proxy_test

import (
	"slices"
	"strings"
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

// TestEvalshaAfterEval: what one shard knows by an EVAL, all know, as a client of one
// server expects. ioredis sends EVAL first and then EVALSHA, whatever the keys.
func TestEvalshaAfterEval(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		servers := shardtest.RedisN(t, 4)
		s := serve(t, d, poolOf(servers))
		keys := keysOf(t, s, servers, 1)
		c := s.dial(t)
		const body = "return KEYS[1]"
		c.Send("EVAL", body, 1, keys[0][0])
		for i := range servers {
			c.Send("EVALSHA", redis.NewScript(1, body).Hash(), 1, keys[i][0])
		}
		replies, err := redis.Strings(c.Do(""))
		if want := []string{keys[0][0], keys[0][0], keys[1][0], keys[2][0], keys[3][0]}; !slices.Equal(replies, want) {
			t.Errorf("got %v, %v; want %v", replies, err, want)
		}
		if _, err := c.Do("SCRIPT", "FLUSH"); err != nil {
			t.Fatal(err)
		}
		if got, err := redis.String(c.Do("EVALSHA", redis.NewScript(1, body).Hash(), 1, keys[0][0])); err == nil || !strings.HasPrefix(err.Error(), "NOSCRIPT") {
			t.Errorf("after SCRIPT FLUSH: got %q, %v", got, err)
		}
	})
}
