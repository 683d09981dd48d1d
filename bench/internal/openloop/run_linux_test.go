package openloop

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/shard/shardtest"
)

const ping, pong = "*1\r\n$4\r\nPING\r\n", "+PONG\r\n"

func pings(addr string) Config {
	return Config{Addr: addr, Conns: 4, Rate: 1000, Requests: 500, Request: [][]byte{[]byte(ping)}, Reply: []byte(pong)}
}

// serve answers clients until the test ends.
func serve(t *testing.T, answer func(net.Conn)) (addr string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				answer(c)
			}()
		}
	}()
	return l.Addr().String()
}

func TestRedisServer(t *testing.T) {
	redis := shardtest.Redis(t)
	cfg := pings(redis.Addr)
	cfg.Requests, cfg.Rate = 5000, 10_000
	// More than a socket's buffers take: what is left is written when epoll
	// says so, and read in pieces.
	big := strings.Repeat("x", 1<<20)
	echo := Config{Addr: redis.Addr, Conns: 2, Rate: 1e6, Requests: 20,
		Request: [][]byte{[]byte("*2\r\n$4\r\nECHO\r\n$1048576\r\n" + big + "\r\n")}, Reply: []byte("$1048576\r\n" + big + "\r\n")}
	for _, c := range []Config{cfg, echo} {
		r, err := Run(context.Background(), c)
		if err != nil {
			t.Fatal(err)
		}
		if n := r.Latency.TotalCount(); n != int64(c.Requests) {
			t.Errorf("%d latencies of %d requests", n, c.Requests)
		}
		if n := r.Late.TotalCount(); n != int64(c.Requests) {
			t.Errorf("%d times of writing of %d requests", n, c.Requests)
		}
		// It counts from when the request was due, not from when it was written.
		if r.Latency.Max() < r.Late.Max() {
			t.Errorf("the greatest latency is %v, a request was written %v late", time.Duration(r.Latency.Max()), time.Duration(r.Late.Max()))
		}
		if least := time.Duration(float64(c.Requests-1) / c.Rate * 1e9); r.Elapsed < least {
			t.Errorf("took %v, the last request was due at %v", r.Elapsed, least)
		}
	}
}

// A server that stalls for 300 ms delays all requests that are due meanwhile,
// not only one of each connection.
func TestStallCountsForAllThatWereDue(t *testing.T) {
	begin := time.Now()
	addr := serve(t, func(c net.Conn) {
		request := make([]byte, len(ping))
		for r := bufio.NewReader(c); ; {
			if _, err := io.ReadFull(r, request); err != nil {
				return
			}
			if at := time.Since(begin); at > 100*time.Millisecond && at < 400*time.Millisecond {
				time.Sleep(400*time.Millisecond - at)
			}
			if _, err := io.WriteString(c, pong); err != nil {
				return
			}
		}
	})
	r, err := Run(context.Background(), pings(addr))
	if err != nil {
		t.Fatal(err)
	}
	slow := 0
	for _, bar := range r.Latency.Distribution() {
		if bar.From > int64(100*time.Millisecond) {
			slow += int(bar.Count)
		}
	}
	// Due in the first 200 ms of the stall.
	if slow < 150 || slow > 300 {
		t.Errorf("%d requests took more than 100 ms, want about 200", slow)
	}
	if at99 := time.Duration(r.Late.ValueAtPercentile(99)); at99 > 50*time.Millisecond {
		t.Errorf("the stall held up the generator: p99 of its lateness is %v", at99)
	}
}

func TestRunFails(t *testing.T) {
	drop := serve(t, func(net.Conn) {})
	silent := serve(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	wrong := serve(t, func(c net.Conn) {
		for r := bufio.NewReader(c); ; {
			if _, err := r.Peek(1); err != nil {
				return
			}
			_, _ = r.Discard(r.Buffered())
			_, _ = io.WriteString(c, "-LOADING\r\n")
		}
	})
	for addr, want := range map[string]string{drop: "connection", silent: "500 of 500 requests not answered 50ms", wrong: "LOADING"} {
		cfg := pings(addr)
		cfg.Drain = 50 * time.Millisecond
		if _, err := Run(context.Background(), cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := Run(ctx, pings(silent)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("after the context's end: error %v", err)
	}
}

func TestConfigErrorsNameTheField(t *testing.T) {
	for field, spoil := range map[string]func(*Config){
		"Addr":     func(c *Config) { c.Addr = "localhost:1" },
		"Conns":    func(c *Config) { c.Conns = 0 },
		"Rate":     func(c *Config) { c.Rate = 0 },
		"Requests": func(c *Config) { c.Requests = 0 },
		"Request":  func(c *Config) { c.Request = append(c.Request, []byte("x")) },
		"Reply":    func(c *Config) { c.Reply = nil },
		"Drain":    func(c *Config) { c.Drain = -1 },
	} {
		cfg := pings("127.0.0.1:1")
		spoil(&cfg)
		if _, err := Run(context.Background(), cfg); err == nil || !strings.Contains(err.Error(), "openloop: "+field+" ") {
			t.Errorf("%s spoiled: error %v", field, err)
		}
	}
}
