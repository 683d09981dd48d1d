package shard

import (
	"context"
	"fmt"
	"testing"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/shardtest"
)

var bg = context.Background()

// start makes a client over n new servers; change may be nil.
func start(tb testing.TB, n int, change func(*Config)) (*Client, []*shardtest.Server) {
	tb.Helper()
	servers := shardtest.RedisN(tb, n)
	return over(tb, servers, change), servers
}

// over makes a client over servers, named shard-0 and so on.
func over(tb testing.TB, servers []*shardtest.Server, change func(*Config)) *Client {
	tb.Helper()
	var cfg Config
	for i, s := range servers {
		cfg.Shards = append(cfg.Shards, Shard{Name: fmt.Sprintf("shard-%d", i), Primary: s.Addr})
	}
	if change != nil {
		change(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.Close(); err != nil && err != ErrClosed {
			tb.Errorf("close: %v", err)
		}
	})
	return c
}

// key returns a key that the named shard owns, another one for each i.
func key(c *Client, shard string, i int) string {
	for n := 0; ; n++ {
		k := fmt.Sprintf("key:%d", n)
		if c.ShardFor(k) != shard {
			continue
		}
		if i == 0 {
			return k
		}
		i--
	}
}

// single connects to one redis-server, which knows of no shards.
func single(tb testing.TB) redis.Conn {
	tb.Helper()
	conn, err := redis.Dial("tcp", shardtest.Redis(tb).Addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	return conn
}

// must fails the test unless a command succeeds.
func must(tb testing.TB) func(reply any, err error) any {
	return func(reply any, err error) any {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return reply
	}
}

func TestDoSpreadsKeysOverShards(t *testing.T) {
	c, servers := start(t, 4, nil)
	for i := range 400 {
		k := fmt.Sprintf("user:%d", i)
		must(t)(c.Do(bg, "SET", k, i))
	}
	for i := range 400 {
		k := fmt.Sprintf("user:%d", i)
		if n, err := redis.Int(c.Do(bg, "GET", k)); n != i || err != nil {
			t.Fatalf("GET %s: %d, %v", k, n, err)
		}
		var home int
		fmt.Sscanf(c.ShardFor(k), "shard-%d", &home)
		if n, err := redis.Int(servers[home].Do("EXISTS", k)); n != 1 || err != nil {
			t.Fatalf("%s is not on %s: %v", k, c.ShardFor(k), err)
		}
	}
	for i, s := range servers {
		if n, _ := redis.Int(s.Do("DBSIZE")); n < 40 {
			t.Errorf("shard-%d holds %d of 400 keys", i, n)
		}
	}
}
