package proxy_test

import (
	"fmt"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/shardtest"
)

// TestProxyThatStalls stops the proxy itself (SIGSTOP) under load, for longer than the
// shards have to answer. They have answered, and no client hears otherwise.
func TestProxyThatStalls(t *testing.T) {
	const limit, stops = 100 * time.Millisecond, 8
	each(t, func(t *testing.T, d engine.Driver) {
		servers := shardtest.RedisN(t, 4)
		s := serveApart(t, d, servers, "timeout: "+limit.String())
		keys := keysOf(t, &s.serving, servers, 64)
		load := startLoad(t, &s.serving, keys, 8)
		resumed := time.Time{}
		for range stops {
			time.Sleep(50 * time.Millisecond)
			s.Pause()
			time.Sleep(3 * limit)
			s.Resume()
			resumed = time.Now()
		}
		time.Sleep(3 * limit)
		events := load.end()
		for i, list := range events {
			all := summarize(list, time.Time{}, time.Now())
			if all.bad > 0 {
				t.Errorf("shard %s: %d of %d pipelines failed: %s", names[i], all.bad, all.bad+all.good, all.text)
			}
			if after := summarize(list, resumed, time.Now()); after.good == 0 {
				t.Errorf("shard %s: nothing was answered after the last of %d stops", names[i], stops)
			}
		}
	})
}

// TestHungDial: a server that takes no connection is given up after a second, and holds up
// no stop.
func TestHungDial(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		s := serve(t, d, fmt.Sprintf("cache:\n  redis: true\n  listen: 127.0.0.1:0\n  shards:\n    - {name: one, primary: %q}\n", fullListener(t)))
		c := s.talk(t)
		began := time.Now()
		c.expect("GET k", "-ERR shard 'one' at …")
		within(t, "an answer", time.Since(began), 3*time.Second)
		c.expect("GET k", "-ERR shard 'one' at …")
		time.Sleep(500 * time.Millisecond) // the longest back-off
		c.say("GET k")
		c.Close()
		within(t, "a stop while it is dialled", s.stop(), 2*time.Second)
	})
}

// fullListener returns the address of a listener whose queue is full: who dials it waits.
func fullListener(t *testing.T) string {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", name.(*unix.SockaddrInet4).Port)
	for range 8 {
		c, err := net.DialTimeout("tcp", addr, 100*time.Millisecond)
		if err != nil {
			return addr
		}
		t.Cleanup(func() { c.Close() })
	}
	t.Fatal("the listener's queue does not fill")
	return ""
}
