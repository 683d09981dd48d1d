package proxy

import (
	"context"
	"testing"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/shardtest"
)

// TestStats: over several loops, with both drivers, what clients did and what
// reached the servers is counted once each.
func TestStats(t *testing.T) {
	for _, driver := range []engine.Driver{engine.DefaultDriver(), engine.Goroutine} {
		t.Run(string(driver), func(t *testing.T) {
			servers := shardtest.RedisN(t, 2)
			file, err := config.Parse("stats.yml", []byte("a:\n  listen: 127.0.0.1:0\n  redis: true\n  servers:\n    - "+
				servers[0].Addr+":1 one\n    - "+servers[1].Addr+":1 two\n"))
			if err != nil {
				t.Fatal(err)
			}
			p, err := New(file, Options{Driver: driver, Loops: 3})
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- p.Run(ctx) }()

			const clients, each = 5, 100
			var conns []redis.Conn
			for range clients {
				c, err := redis.Dial("tcp", p.Addr(0).String())
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				conns = append(conns, c)
				for range each {
					if _, err := c.Do("SET", "key", "value"); err != nil {
						t.Fatal(err)
					}
				}
			}
			s := p.Stats()
			if len(s.Pools) != 1 || len(s.Pools[0].Shards) != 2 {
				t.Fatalf("%+v", s)
			}
			a := s.Pools[0]
			if a.Name != "a" || a.Clients != clients || a.Accepted != clients || a.Requests != clients*each || a.ClientEOF != 0 {
				t.Errorf("%+v", a)
			}
			requests, replies, replyBytes := uint64(0), uint64(0), uint64(0)
			for i, name := range []string{"one", "two"} {
				sh := a.Shards[i]
				if sh.Name != name || sh.Sent != 0 || sh.Waiting != 0 || sh.UnsentBytes != 0 {
					t.Errorf("%+v", sh)
				}
				requests += sh.Requests
				replies += sh.Replies
				replyBytes += sh.ReplyBytes
			}
			if requests != clients*each || replies != requests || replyBytes != requests*uint64(len("+OK\r\n")) {
				t.Errorf("%d requests, %d replies of %d bytes", requests, replies, replyBytes)
			}

			for _, c := range conns {
				c.Close()
			}
			stop()
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if s := p.Stats(); len(s.Pools) != 0 {
				t.Errorf("after Run: %+v", s)
			}
		})
	}
}
