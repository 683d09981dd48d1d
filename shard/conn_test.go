package shard

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/shardtest"
)

// idioms are what code written for redigo does with pool.Get(). Each returns
// what it saw; a redigo pool on one server and Get over three shards must
// show the same.
var idioms = []struct {
	name string
	run  func(c redis.Conn) []any
}{
	{"do and convert", func(c redis.Conn) []any {
		s, err := redis.String(c.Do("SET", "a", "1"))
		n, err2 := redis.Int(c.Do("INCR", "a"))
		_, err3 := redis.String(c.Do("GET", "missing"))
		return []any{s, err, n, err2, err3 == redis.ErrNil}
	}},
	{"flat args and scan struct", func(c redis.Conn) []any {
		type user struct {
			Name string `redis:"name"`
			Age  int    `redis:"age"`
		}
		_, err := c.Do("HSET", redis.Args{}.Add("u:1").AddFlat(&user{"Ann", 41})...)
		v, err2 := redis.Values(c.Do("HGETALL", "u:1"))
		var u user
		err3 := redis.ScanStruct(v, &u)
		return []any{err, err2, err3, u}
	}},
	{"send, flush, receive", func(c redis.Conn) []any {
		var out []any
		for i := range 20 {
			out = append(out, c.Send("SET", fmt.Sprint("p", i), i), c.Send("GET", fmt.Sprint("p", i)))
		}
		out = append(out, c.Flush())
		for range 40 {
			r, err := c.Receive()
			out = append(out, r, err)
		}
		return out
	}},
	{"errors among replies", func(c redis.Conn) []any {
		c.Send("SET", "str", "x")
		c.Send("INCR", "str")
		c.Send("NOSUCH", "a")
		c.Send("GET", "str")
		c.Flush()
		var out []any
		for range 4 {
			r, err := c.Receive()
			out = append(out, r, err)
		}
		return append(out, c.Err())
	}},
	{"do after send returns the last reply and the first error", func(c redis.Conn) []any {
		c.Send("SET", "s1", 1)
		c.Send("LPUSH", "s1", 1)
		r, err := c.Do("GET", "s1")
		r2, err2 := c.Do("GET", "s1")
		return []any{r, err, r2, err2}
	}},
	{"first of two errors", func(c redis.Conn) []any {
		c.Send("SET", "s2", 1)
		c.Send("LPUSH", "s2", 1)
		c.Send("NOSUCH")
		r, err := c.Do("GET", "s2")
		return []any{r, err}
	}},
	{"do nothing", func(c redis.Conn) []any {
		r, err := c.Do("")
		c.Send("SET", "n1", 1)
		c.Send("INCR", "n1")
		c.Send("LPOP", "n1")
		r2, err2 := c.Do("")
		r3, err3 := c.Do("")
		return []any{r, err, r2, err2, r3, err3}
	}},
	{"flush twice, then receive across", func(c redis.Conn) []any {
		c.Send("SET", "f1", 1)
		c.Flush()
		c.Send("GET", "f1")
		c.Send("GET", "f2")
		c.Flush()
		c.Send("INCR", "f1")
		last, err := c.Do("GET", "f1")
		return []any{last, err}
	}},
	{"an error reply is also the reply", func(c redis.Conn) []any {
		r, err := c.Do("GET")
		return []any{r, err}
	}},
	{"mget into a slice", func(c redis.Conn) []any {
		c.Do("MSET", redis.Args{}.Add("m1", 1, "m2", "two", "m3", 3)...)
		s, err := redis.Strings(c.Do("MGET", "m3", "nope", "m1", "m2"))
		var a, b int
		v, _ := redis.Values(c.Do("MGET", "m1", "m3"))
		_, err2 := redis.Scan(v, &a, &b)
		return []any{s, err, a, b, err2}
	}},
	{"mget in a pipeline", func(c redis.Conn) []any {
		c.Send("MSET", "m1", 1, "m2", 2)
		c.Send("MGET", "m1", "m2", "m3")
		c.Send("DEL", "m1", "m2", "m3")
		c.Send("DBSIZE")
		r, err := c.Do("")
		return []any{reflect.ValueOf(r).Len(), r.([]any)[1], r.([]any)[2], err}
	}},
	{"script", func(c redis.Conn) []any {
		s := redis.NewScript(1, `return {KEYS[1], ARGV[1], redis.call("INCR", KEYS[1])}`)
		v, err := redis.Strings(s.Do(c, "script:1", "x"))
		v2, err2 := redis.Strings(s.Do(c, "script:1", "y"))
		err3 := s.Send(c, "script:1", "z")
		v3, err4 := redis.Values(c.Do(""))
		return []any{v, err, v2, err2, err3, v3, err4}
	}},
	{"timeouts and contexts by helper", func(c redis.Conn) []any {
		r, err := redis.DoWithTimeout(c, time.Second, "ECHO", "x")
		r2, err2 := redis.DoContext(c, context.Background(), "SET", "t", 1)
		c.Send("GET", "t")
		c.Send("GET", "t")
		c.Flush()
		r3, err3 := redis.ReceiveWithTimeout(c, time.Second)
		r4, err4 := redis.ReceiveContext(c, context.Background())
		return []any{r, err, r2, err2, r3, err3, r4, err4}
	}},
	{"buffers may be used again after send", func(c redis.Conn) []any {
		b := []byte("first")
		c.Send("SET", "buf", b)
		copy(b, "other")
		c.Send("GET", "buf")
		v, err := redis.Values(c.Do(""))
		return []any{v, err}
	}},
	{"one sends, one receives", func(c redis.Conn) []any {
		got := make(chan []any)
		go func() {
			var out []any
			for range 50 {
				r, err := c.Receive()
				out = append(out, r, err)
			}
			got <- out
		}()
		for i := range 50 {
			c.Send("SET", fmt.Sprint("both", i), i)
			c.Flush()
		}
		return <-got
	}},
	{"transaction", func(c redis.Conn) []any {
		c.Send("MULTI")
		c.Send("INCR", "{t}a")
		c.Send("INCRBY", "{t}b", 5)
		c.Send("LPUSH", "{t}a", "wrong")
		c.Send("GET", "{t}b")
		r, err := c.Do("EXEC")
		r2, err2 := c.Do("GET", "{t}a")
		return []any{r, err, r2, err2}
	}},
	{"transaction, one by one", func(c redis.Conn) []any {
		var out []any
		for _, line := range []string{
			"MULTI", "PING", "SET {t}x 1", "MULTI", "WATCH {t}x", "GET {t}x", "EXEC", "EXEC", "DISCARD",
			"MULTI", "SET {t}x 2", "DISCARD", "GET {t}x",
			"MULTI", "SET {t}x 3", "NOSUCH", "EXEC", "GET {t}x",
			"MULTI", "GET", "EXEC", "MULTI", "EXEC", "MULTI", "EXEC now", "EXEC",
			"WATCH {t}x {t}y", "SET {t}y 1", "MULTI", "GET {t}x", "EXEC", "GET {t}y",
			"WATCH {t}x", "SET {t}x 4", "UNWATCH", "MULTI", "UNWATCH", "GET {t}x", "EXEC",
			"WATCH", "WATCH {t}x", "GET {t}x", "MULTI", "BLPOP {t}none 0", "RPUSH {t}l 1", "BLPOP {t}l {t}none 0", "EXEC",
			"WATCH {t}x", "SET {t}x 5", "RESET", "MULTI", "GET {t}x", "EXEC",
		} {
			f := strings.Fields(line)
			r, err := c.Do(f[0], redis.Args{}.AddFlat(f[1:])...)
			out = append(out, line, r, err)
		}
		return out
	}},
	{"a transaction in the order of Send", func(c redis.Conn) []any {
		for range 50 {
			c.Send("INCR", "{o}n")
			c.Send("MULTI")
			c.Send("GET", "{o}n")
			c.Send("EXEC")
			c.Send("INCR", "{o}n")
		}
		v, err := redis.Values(c.Do(""))
		return []any{v, err}
	}},
	{"script in a transaction", func(c redis.Conn) []any {
		s := redis.NewScript(1, `return redis.call("INCR", KEYS[1])`)
		c.Send("MULTI")
		s.Send(c, "script:3")
		r, err := c.Do("EXEC")
		return []any{r, err}
	}},
	{"blocking", func(c redis.Conn) []any {
		c.Send("RPUSH", "q", "one", "two")
		c.Send("BLPOP", "q", 0)
		c.Send("BRPOP", "q", 0)
		c.Send("BLPOP", "q", 0.01)
		c.Send("PING")
		v, err := redis.Values(c.Do(""))
		s, err2 := redis.Strings(c.Do("BLPOP", "q", 0.01))
		return []any{v, err, s, err2}
	}},
	{"pub/sub", func(c redis.Conn) []any {
		var out []any
		psc := redis.PubSubConn{Conn: c}
		hear := func(n int) {
			for range n {
				out = append(out, psc.Receive())
			}
		}
		out = append(out, psc.Subscribe("a", "b", "c"), psc.PSubscribe("x*"), psc.Subscribe("b"))
		hear(5)
		out = append(out, psc.Ping("hello"))
		hear(1)
		r, err := c.Do("GET", "k")
		out = append(out, r, err, psc.Unsubscribe("a"), psc.Unsubscribe("none"))
		hear(2)
		out = append(out, psc.PUnsubscribe(), psc.Unsubscribe("b", "c"), psc.Unsubscribe())
		hear(4)
		r, err = c.Do("SET", "k", "an ordinary one again")
		return append(out, r, err, c.Err())
	}},
	{"ping with test on borrow", func(c redis.Conn) []any {
		r, err := c.Do("PING")
		return []any{r, err}
	}},
	{"close", func(c redis.Conn) []any {
		c.Send("SET", "left", 1)
		c.Flush()
		err := c.Close()
		_, err2 := c.Do("GET", "a")
		return []any{err, err2 != nil, c.Err() != nil, c.Close()}
	}},
}

func TestGetIsADropInForRedigo(t *testing.T) {
	pool := &redis.Pool{MaxIdle: 2, Dial: func() (redis.Conn, error) { return nil, errors.New("not set") }}
	addr := shardtest.Redis(t).Addr
	pool.Dial = func() (redis.Conn, error) { return redis.Dial("tcp", addr) }
	defer pool.Close()
	c, _ := start(t, 3, nil)
	for _, idiom := range idioms {
		t.Run(strings.ReplaceAll(idiom.name, " ", "_"), func(t *testing.T) {
			direct, sharded := pool.Get(), c.Get()
			defer direct.Close()
			defer sharded.Close()
			want, got := idiom.run(direct), idiom.run(sharded)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("\nredigo: %q\nsharded: %q", want, got)
			}
		})
	}
}

func TestReceiveWithoutSend(t *testing.T) {
	c, _ := start(t, 1, func(c *Config) { c.Timeout = 50 * time.Millisecond })
	conn := c.Get()
	if _, err := conn.Receive(); !errors.Is(err, ErrTimeout) {
		t.Errorf("Receive: %v", err)
	}
	ctx, cancel := context.WithCancel(bg)
	cancel()
	if _, err := redis.ReceiveContext(conn, ctx); err != context.Canceled {
		t.Errorf("ReceiveContext: %v", err)
	}
	if s, err := redis.String(conn.Do("ECHO", "x")); s != "x" || err != nil {
		t.Errorf("the connection is of no use afterwards: %v, %v", s, err)
	}
}

func TestConnOverADeadShard(t *testing.T) {
	c, servers := start(t, 2, nil)
	dead, up := key(c, "shard-1", 0), key(c, "shard-0", 0)
	servers[1].Kill()
	conn := c.Get()
	defer conn.Close()
	for range 2 {
		for _, k := range []string{up, dead, up} {
			conn.Send("SET", k, k)
		}
		if err := conn.Flush(); err != nil {
			t.Fatal(err)
		}
		for i, k := range []string{up, dead, up} {
			_, err := conn.Receive()
			if k == up && err != nil || k == dead && !isShardError(err, "shard-1", true) {
				t.Errorf("reply %d: %v", i, err)
			}
		}
	}
	if conn.Err() != nil {
		t.Errorf("Err: %v", conn.Err())
	}
}

func TestConnsPairReplies(t *testing.T) {
	c, _ := start(t, 3, nil)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			for j := range 50 {
				conn := c.Get()
				for k := range j {
					conn.Send("ECHO", "local")
					conn.Send("SET", fmt.Sprint(i, "/", k), fmt.Sprint(i, "/", j, "/", k))
					conn.Send("GET", fmt.Sprint(i, "/", k))
				}
				conn.Flush()
				take := j
				if j%5 == 0 {
					take = j / 2 // closed with replies left
				}
				for k := range take {
					conn.Receive()
					conn.Receive()
					if s, err := redis.String(conn.Receive()); s != fmt.Sprint(i, "/", j, "/", k) || err != nil {
						t.Errorf("%d/%d/%d: %s, %v", i, j, k, s, err)
					}
				}
				conn.Close()
			}
		})
	}
	wg.Wait()
}
