package proxy_test

import (
	"context"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/shardtest"
)

// cacheOf is a file with one pool over memcached servers.
func cacheOf(servers []*shardtest.Server, lines ...string) string {
	return strings.Replace(poolOf(servers, lines...), "  redis: true\n", "", 1)
}

// memcachedN starts n servers.
func memcachedN(t *testing.T, n int, opts ...shardtest.Option) []*shardtest.Server {
	t.Helper()
	all := make([]*shardtest.Server, n)
	for i := range all {
		all[i] = shardtest.Memcached(t, opts...)
	}
	return all
}

// TestMemccapable has libmemcached's test of servers find nothing wrong with the proxy.
func TestMemccapable(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		for _, n := range []int{1, 4} {
			t.Run(itoa(n)+" servers", func(t *testing.T) {
				t.Parallel()
				s := serve(t, d, cacheOf(memcachedN(t, n)))
				host, port, _ := net.SplitHostPort(s.addr)
				ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
				defer cancel()
				out, err := exec.CommandContext(ctx, "memccapable", "-a", "-h", host, "-p", port).CombinedOutput()
				passed := strings.Count(string(out), "[pass]")
				if err != nil || passed != 27 {
					t.Errorf("%d of 27 passed, %v:\n%s", passed, err, out)
				}
			})
		}
	})
}
