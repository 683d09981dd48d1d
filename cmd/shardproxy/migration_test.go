package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/shardtest"
)

// TestMigration: what the real nutcracker wrote is found through shardproxy with
// the same file, and the other way round, 100,000 keys each way.
func TestMigration(t *testing.T) {
	const keys = 100_000
	servers := shardtest.RedisN(t, 5)
	yml := fmt.Sprintf(`
users:
  listen: ${ADDR}
  hash: fnv1a_64
  distribution: ketama
  redis: true
  timeout: 10000
  servers:
    - %s:1 users-a
    - %s:2 users-b
    - %s:1
    - %s:5 users-with-a-longer-name
    - %s:3 b
`, servers[0].Addr, servers[1].Addr, servers[2].Addr, servers[3].Addr, servers[4].Addr)
	nutcracker := shardtest.Nutcracker(t, yml)
	ours := serve(t, yml)

	for _, way := range []struct {
		name, from, to string
	}{
		{"nutcracker to shardproxy", nutcracker.Addr, ours.Addr},
		{"shardproxy to nutcracker", ours.Addr, nutcracker.Addr},
	} {
		t.Run(way.name, func(t *testing.T) {
			key := func(i int) string { return fmt.Sprintf("%s:%d", strings.ReplaceAll(way.name, " ", "-"), i) }
			batches(t, way.from, keys, func(c redis.Conn, i int) error {
				return c.Send("SET", key(i), i)
			}, func(i int, reply any, err error) error {
				if err != nil || reply != "OK" {
					return fmt.Errorf("SET %s: %v, %v", key(i), reply, err)
				}
				return nil
			})
			found := 0
			batches(t, way.to, keys, func(c redis.Conn, i int) error {
				return c.Send("GET", key(i))
			}, func(i int, reply any, err error) error {
				if n, err := redis.Int(reply, err); err != nil || n != i {
					return fmt.Errorf("GET %s: %v, %v", key(i), reply, err)
				}
				found++
				return nil
			})
			if found != keys {
				t.Errorf("%d of %d keys found", found, keys)
			}
		})
	}

	// Every server has some of them: it was not all one shard.
	total := int64(0)
	for _, s := range servers {
		n, err := redis.Int64(s.Do("DBSIZE"))
		if err != nil || n < keys/50 {
			t.Errorf("%s has %d keys, %v", s.Addr, n, err)
		}
		total += n
	}
	if total != 2*keys {
		t.Errorf("%d keys on all servers, want %d", total, 2*keys)
	}
}

// batches sends n requests to addr, many at a time, and checks their replies.
// It gives up at the tenth wrong one.
func batches(t *testing.T, addr string, n int, send func(c redis.Conn, i int) error, check func(i int, reply any, err error) error) {
	t.Helper()
	c, err := redis.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const batch = 500
	wrong := 0
	for from := 0; from < n; from += batch {
		to := min(from+batch, n)
		for i := from; i < to; i++ {
			if err := send(c, i); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Flush(); err != nil {
			t.Fatal(err)
		}
		for i := from; i < to; i++ {
			reply, err := c.Receive()
			if c.Err() != nil {
				t.Fatalf("request %d: %v", i, c.Err())
			}
			if err := check(i, reply, err); err != nil {
				t.Error(err)
				if wrong++; wrong == 10 {
					t.FailNow()
				}
			}
		}
	}
}
