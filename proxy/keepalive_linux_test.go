package proxy_test

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/shardtest"
)

// keepAliveIn returns when the kernel probes the peer of a connection from local to
// remote, both of this machine; 0: never.
func keepAliveIn(t *testing.T, local, remote net.Addr) time.Duration {
	t.Helper()
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	hex := func(a net.Addr) string {
		return fmt.Sprintf("0100007F:%04X", a.(*net.TCPAddr).Port)
	}
	for _, line := range strings.Split(string(table), "\n") {
		f := strings.Fields(line)
		if len(f) < 6 || f[1] != hex(local) || f[2] != hex(remote) {
			continue
		}
		kind, when, _ := strings.Cut(f[5], ":")
		if kind != "02" { // not the timer of keep-alive
			return 0
		}
		ticks, err := strconv.ParseInt(when, 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		return time.Duration(ticks) * time.Second / 100
	}
	t.Fatalf("no connection from %v to %v", local, remote)
	return 0
}

// TestClientKeepAlive: the proxy's end of a client's connection has the pool's time.
func TestClientKeepAlive(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		servers := shardtest.RedisN(t, 1)
		r := reloads(t, d, poolOf(servers))
		for _, c := range []struct {
			line string
			want time.Duration
		}{{"timeout: 5s", time.Minute}, {"client_keepalive: 7s", 7 * time.Second}, {"client_keepalive: 0", 0}} {
			r.take(poolOf(servers, c.line))
			client := r.talk(t)
			client.expect("PING", "+PONG")
			time.Sleep(50 * time.Millisecond) // until the reply is acknowledged, the timer is another
			got := keepAliveIn(t, client.RemoteAddr(), client.LocalAddr())
			if got > c.want || got < c.want-2*time.Second {
				t.Errorf("%s: probed in %v, want %v", c.line, got, c.want)
			}
		}
	})
}
