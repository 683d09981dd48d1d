package shard

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gomodule/redigo/redis"
)

// TestMaxInFlight: a node that hangs is owed no more commands than it may be, and whoever
// would be the next learns so at once. Other nodes are not concerned, nor is who waits for
// an element.
func TestMaxInFlight(t *testing.T) {
	c, servers := start(t, 2, func(c *Config) {
		c.MaxInFlight, c.Timeout = 5, 20*time.Second
		c.Shards[0].Replicas = []Replica{{Addr: "127.0.0.1:1"}} // a call might be held for it
	})
	slow, count, fast := key(c, "shard-0", 0), key(c, "shard-0", 20), key(c, "shard-1", 0)
	var waits, calls sync.WaitGroup
	ctx, cancel := context.WithCancel(bg)
	defer waits.Wait()
	defer cancel()
	for i := range 8 {
		waits.Go(func() { c.Do(ctx, "BLPOP", key(c, "shard-0", 1+i), 0) })
	}
	await(t, "eight wait", func() bool {
		info, _ := redis.String(servers[0].Do("INFO", "clients"))
		return strings.Contains(info, "blocked_clients:8")
	})
	must(t)(c.Do(bg, "MSET", slow, "s", fast, "f"))
	if err := servers[0].Pause(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		calls.Go(func() {
			if v, err := redis.String(c.Do(bg, "GET", slow)); v != "s" || err != nil {
				t.Errorf("under way: %q, %v", v, err)
			}
		})
	}
	calls.Go(func() {
		if _, err := c.Pipeline().Add("GET", slow).Add("INCR", count).Exec(bg); err != nil {
			t.Errorf("a pipeline under way: %v", err)
		}
	})
	line := c.view.Load().links[0].serving()
	await(t, "five under way", func() bool { return line.Owed() == 5 })
	want := fmt.Sprintf("shard 'shard-0' at %s: too many commands are under way: 5 (MaxInFlight)", servers[0].Addr)
	for name, f := range map[string]func() error{
		"GET":       func() error { _, err := c.Do(bg, "GET", slow); return err },
		"INCR":      func() error { _, err := c.Do(bg, "INCR", count); return err },
		"MGET":      func() error { _, err := c.Do(bg, "MGET", fast, slow); return err },
		"a request": func() error { _, err := c.Pipeline().Add("GET", slow).Exec(bg); return err },
	} {
		begun := time.Now()
		err := f()
		var se *ShardError
		if !errors.Is(err, ErrTooMany) || !errors.As(err, &se) || se.Shard != "shard-0" || !se.SafeToRetry || se.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
		if took := time.Since(begun); took > time.Second {
			t.Errorf("%s: refused after %v", name, took)
		}
	}
	if v, err := redis.String(c.Do(bg, "GET", fast)); v != "f" || err != nil {
		t.Errorf("another shard: %q, %v", v, err)
	}
	if err := servers[0].Resume(); err != nil {
		t.Fatal(err)
	}
	calls.Wait()
	if n, err := redis.Int(c.Do(bg, "GET", count)); n != 1 || err != nil {
		t.Errorf("counted %d, %v; want 1", n, err)
	}
}

// TestPipelineLargerThanMaxInFlight: it waits for its own; a Conn whose replies nobody
// takes keeps nobody out.
func TestPipelineLargerThanMaxInFlight(t *testing.T) {
	c, _ := start(t, 2, func(c *Config) { c.MaxInFlight = 7 })
	p := c.Pipeline()
	for range 1000 {
		p.Add("INCR", "n").Add("INCR", "m")
	}
	replies, err := p.Exec(bg)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range replies {
		if n, _ := redis.Int(r.Value, nil); n != 1+i/2 {
			t.Fatalf("reply %d: %v", i, r)
		}
	}
	lazy := c.Get()
	defer lazy.Close()
	for range 21 { // three times the limit
		lazy.Send("INCR", "n")
	}
	if err := lazy.Flush(); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if n, err := redis.Int(c.Do(bg, "INCR", "n")); n != 1022+i || err != nil {
			t.Fatalf("beside a lazy Conn: %d, %v", n, err)
		}
		if _, err := c.Pipeline().Add("GET", "n").Add("GET", "n").Exec(bg); err != nil {
			t.Fatalf("a pipeline beside a lazy Conn: %v", err)
		}
	}
	for i := range 21 {
		if n, err := redis.Int(lazy.Receive()); n != 1001+i || err != nil {
			t.Fatalf("the lazy Conn: %d, %v", n, err)
		}
	}
}

// TestMaxInFlightBeforeAConnection: no more calls wait for one that is being made.
func TestMaxInFlightBeforeAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := unreachable(t, 500*time.Millisecond, func(c *Config) { c.MaxInFlight = 3 })
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if _, err := c.Do(bg, "GET", "k"); !errors.Is(err, errNoRoute) {
					t.Errorf("who waits: %v", err)
				}
			})
		}
		synctest.Wait()
		begun := time.Now()
		if _, err := c.Do(bg, "GET", "k"); !errors.Is(err, ErrTooMany) || !isShardError(err, "a", true) || time.Since(begun) != 0 {
			t.Errorf("one more: %v after %v", err, time.Since(begun))
		}
		wg.Wait()
		c.Close()
	})
}

// TestMaxInFlightOfAFile: a file's 0 is no limit, as in the proxy.
func TestMaxInFlightOfAFile(t *testing.T) {
	for said, want := range map[string]int{"": 65536, "max_in_flight: 0": 0, "max_in_flight: 12": 12} {
		c := fromFile(t, said)
		if c.cfg.MaxInFlight != want {
			t.Errorf("%q: %d, want %d", said, c.cfg.MaxInFlight, want)
		}
	}
}

// fromFile returns a client of a pool in a file that says this of it.
func fromFile(t *testing.T, said string) *Client {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pools.yml")
	text := "pool:\n  redis: true\n  " + said + "\n  shards:\n    - {name: one, primary: 127.0.0.1:1}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Open(file, "pool")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}
