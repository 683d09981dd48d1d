package shardtest

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// TB is the part of testing.TB that this package needs.
type TB interface {
	Helper()
	Name() string
	Failed() bool
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// Redis starts a redis-server that persists nothing and ends with the test.
func Redis(tb TB, opts ...Option) *Server {
	tb.Helper()
	return Run(tb, RedisSpec(opts...))
}

// RedisN starts n redis-servers.
func RedisN(tb TB, n int, opts ...Option) []*Server {
	tb.Helper()
	servers := make([]*Server, n)
	for i := range servers {
		servers[i] = Redis(tb, opts...)
	}
	return servers
}

// Sentinel starts a redis-sentinel with these lines of configuration. See
// SentinelSpec.
func Sentinel(tb TB, lines string, opts ...Option) *Server {
	tb.Helper()
	return Run(tb, SentinelSpec(lines, opts...))
}

// Replica starts a redis-server that copies another one, and returns when both say
// so.
func Replica(tb TB, of *Server, opts ...Option) *Server {
	tb.Helper()
	host, port, _ := strings.Cut(of.Addr, ":")
	s := Redis(tb, append([]Option{Args("--replicaof", host, port)}, opts...)...)
	_, own, _ := strings.Cut(s.Addr, ":")
	for end := time.Now().Add(defaultStartTimeout); ; time.Sleep(probeInterval) {
		role, err := s.Do("ROLE")
		primary, perr := of.Do("INFO", "replication")
		if strings.Contains(fmt.Sprintf("%s", role), " connected ") && strings.Contains(fmt.Sprintf("%s", primary), "port="+own+",state=online") {
			return s
		}
		if time.Now().After(end) {
			tb.Fatalf("%s does not copy %s: role %s, %v; primary's %s, %v", s.Addr, of.Addr, role, err, primary, perr)
			return nil
		}
	}
}

// Memcached starts a memcached that ends with the test.
func Memcached(tb TB, opts ...Option) *Server {
	tb.Helper()
	return Run(tb, MemcachedSpec(opts...))
}

// Nutcracker starts a nutcracker with this nutcracker.yml, in which
// "listen: ${ADDR}" stands for the server's address. See NutcrackerSpec.
func Nutcracker(tb TB, yml string, opts ...Option) *Server {
	tb.Helper()
	return Run(tb, NutcrackerSpec(yml, opts...))
}

// HAProxy starts an haproxy with this configuration, in which "bind ${ADDR}"
// stands for the server's address.
func HAProxy(tb TB, cfg string, opts ...Option) *Server {
	tb.Helper()
	return Run(tb, HAProxySpec(cfg, opts...))
}

// Run starts any program for a test. The test fails at once if it does not
// start; when the test ends the server is closed, and its log is shown if the
// test has failed.
func Run(tb TB, spec Spec) *Server {
	tb.Helper()
	s, err := Start(context.Background(), spec)
	if err != nil {
		tb.Fatalf("%v", err)
		return nil
	}
	s.tb = tb
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("close %s: %v", s.spec.Name, err)
		}
		if tb.Failed() {
			tb.Logf("log of %s on %s:\n%s", s.spec.Name, s.Addr, s.Log())
		}
	})
	return s
}
