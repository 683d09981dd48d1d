package shardtest

import "context"

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
