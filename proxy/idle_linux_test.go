package proxy_test

import (
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/shardtest"
)

// TestIdleClients connects 10,000 clients that have all asked for something,
// prints what each costs the proxy's process while it is idle, and has them ask
// again. The kernel's socket buffers are not in the figure.
func TestIdleClients(t *testing.T) {
	clients := 10_000
	if raced {
		clients = 1_000
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Max < uint64(clients)+200 {
		t.Fatalf("a process may have %d descriptors here, want %d: run `ulimit -n 20000`", limit.Max, clients+200)
	}
	most := map[engine.Driver]int{engine.Epoll: 2 << 10, engine.Goroutine: 40 << 10}
	each(t, func(t *testing.T, d engine.Driver) {
		servers := shardtest.RedisN(t, 4)
		s := serveApart(t, d, servers, "backlog: 4096")
		keysOf(t, &s.serving, servers, 8) // so that what every proxy needs is there
		before := s.memory(t, "VmRSS")

		conns := make([]net.Conn, clients)
		began := time.Now()
		for i := range conns {
			c, err := net.Dial(s.network, s.addr)
			if err != nil {
				t.Fatalf("client %d: %v", i+1, err)
			}
			c.(*net.TCPConn).SetLinger(0) // leave no port in TIME_WAIT
			defer c.Close()
			c.SetDeadline(time.Now().Add(time.Minute))
			conns[i] = c
			exchange(t, c, "*2\r\n$3\r\nGET\r\n$4\r\nnone\r\n", "$-1\r\n")
		}
		t.Logf("%d clients connected and served in %v", clients, time.Since(began).Round(time.Millisecond))
		time.Sleep(500 * time.Millisecond)
		each := (s.memory(t, "VmRSS") - before) / clients
		t.Logf("%d idle clients: %d bytes of the proxy's memory each", clients, each)
		if each > most[d] && !raced {
			t.Errorf("want at most %d", most[d])
		}
		began = time.Now()
		for _, c := range conns {
			exchange(t, c, "PING\r\n", "+PONG\r\n")
		}
		t.Logf("all served again, one after another, in %v", time.Since(began).Round(time.Millisecond))
	})
}
