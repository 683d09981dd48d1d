package proxy_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/proxy"
	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/shardtest"
)

// drivers are those that this system has.
func drivers() []engine.Driver {
	if runtime.GOOS != "linux" {
		return []engine.Driver{engine.Goroutine}
	}
	return []engine.Driver{engine.Epoll, engine.Goroutine}
}

// each runs a test under every driver.
func each(t *testing.T, f func(t *testing.T, d engine.Driver)) {
	for _, d := range drivers() {
		t.Run(string(d), func(t *testing.T) { f(t, d) })
	}
}

// names are the shards' names in poolOf, in the order of the servers.
var names = []string{"one", "two", "three", "four"}

// poolOf is a file with one pool over the servers and further lines of it.
func poolOf(servers []*shardtest.Server, lines ...string) string {
	var b strings.Builder
	b.WriteString("cache:\n  redis: true\n")
	if !strings.Contains(strings.Join(lines, "\n"), "listen:") {
		b.WriteString("  listen: 127.0.0.1:0\n")
	}
	for _, l := range lines {
		b.WriteString("  " + l + "\n")
	}
	b.WriteString("  shards:\n")
	for i, s := range servers {
		fmt.Fprintf(&b, "    - {name: %s, primary: %q}\n", names[i], s.Addr)
	}
	return b.String()
}

// serving is a proxy in this process.
type serving struct {
	network, addr string
	stop          func() time.Duration // ends it, and returns how long that took
}

// serve runs a proxy until the test ends.
func serve(t *testing.T, d engine.Driver, yml string) *serving {
	t.Helper()
	return serveLoops(t, d, 2, yml)
}

// eachLoops runs a test under every driver, with one loop and with two.
func eachLoops(t *testing.T, f func(t *testing.T, d engine.Driver, loops int)) {
	each(t, func(t *testing.T, d engine.Driver) {
		for loops := 1; loops <= 2; loops++ {
			t.Run(itoa(loops)+" loops", func(t *testing.T) { f(t, d, loops) })
		}
	})
}

func serveLoops(t *testing.T, d engine.Driver, loops int, yml string) *serving {
	t.Helper()
	file, err := config.Parse("test.yml", []byte(yml))
	if err != nil {
		t.Fatal(err)
	}
	p, err := proxy.New(file, proxy.Options{Driver: d, Loops: loops, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	stop := sync.OnceValue(func() time.Duration {
		began := time.Now()
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("run: %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("run has not returned 20 s after its context was done")
		}
		return time.Since(began)
	})
	t.Cleanup(func() { stop() })
	return &serving{network: p.Addr(0).Network(), addr: p.Addr(0).String(), stop: stop}
}

// dial connects a client that gives up after a generous while.
func (s *serving) dial(t *testing.T, opts ...redis.DialOption) redis.Conn {
	t.Helper()
	opts = append([]redis.DialOption{redis.DialReadTimeout(20 * time.Second), redis.DialWriteTimeout(20 * time.Second)}, opts...)
	c, err := redis.Dial(s.network, s.addr, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// keysOf returns n keys that each of the shards of a pool made by poolOf owns,
// by shard: it writes them through the proxy, each with itself as its value,
// and asks the servers where they are.
func keysOf(t *testing.T, s *serving, servers []*shardtest.Server, n int) [][]string {
	t.Helper()
	c := s.dial(t)
	for i := range 16 * n {
		if _, err := c.Do("SET", fmt.Sprintf("key:%d", i), fmt.Sprintf("key:%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	owned := make([][]string, len(servers))
	for i, server := range servers {
		keys, err := redis.Strings(server.Do("KEYS", "key:*"))
		if err != nil {
			t.Fatal(err)
		}
		if len(keys) < n {
			t.Fatalf("shard %s owns %d of %d keys, want %d", names[i], len(keys), 16*n, n)
		}
		owned[i] = keys[:n]
	}
	return owned
}

// itoa is for messages.
func itoa(n int) string { return strconv.Itoa(n) }

// within reports a duration, and fails the test if it is over the limit.
func within(t *testing.T, what string, took, limit time.Duration) {
	t.Helper()
	if raced {
		limit *= 5
	}
	t.Logf("%s: %v (limit %v)", what, took.Round(100*time.Microsecond), limit)
	if took > limit {
		t.Errorf("%s took %v, want at most %v", what, took, limit)
	}
}

// exchange writes a request and expects this reply.
func exchange(t *testing.T, c net.Conn, request, reply string) {
	t.Helper()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(reply))
	if n, err := io.ReadFull(c, got); err != nil || string(got) != reply {
		t.Fatalf("%q was answered %q, %v; want %q", request, got[:n], err, reply)
	}
}
