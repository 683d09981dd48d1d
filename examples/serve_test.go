package examples_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/proxy"
	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/shardtest"
)

// shards is a proxy and the servers behind it.
type shards struct {
	addr    string // the proxy's
	servers []*shardtest.Server
}

// serve runs a proxy in front of four servers until the test ends.
func serve(t *testing.T, d engine.Driver) *shards {
	t.Helper()
	s := &shards{servers: shardtest.RedisN(t, 4)}
	s.addr = listen(t, d, s.pools("127.0.0.1:0"))[0]
	return s
}

// listen serves the pools of a file until the test ends, and returns their
// addresses.
func listen(t *testing.T, d engine.Driver, yml string) (addrs []string) {
	t.Helper()
	file, err := config.Parse("pools.yml", []byte(yml))
	if err != nil {
		t.Fatal(err)
	}
	p, err := proxy.New(file, proxy.Options{Driver: d, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	for i := range file.Pools {
		addrs = append(addrs, p.Addr(i).String())
	}
	return addrs
}

// pools is a file with one pool, cache, over the servers.
func (s *shards) pools(listen string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "cache:\n  listen: %s\n  redis: true\n  timeout: 30s\n  shards:\n", listen)
	for i, server := range s.servers {
		fmt.Fprintf(&b, "    - {name: cache-%d, primary: %s}\n", i+1, server.Addr)
	}
	return b.String()
}

// each runs a test under both drivers.
func each(t *testing.T, f func(t *testing.T, s *shards)) {
	drivers := []engine.Driver{engine.Goroutine}
	if runtime.GOOS == "linux" {
		drivers = []engine.Driver{engine.Epoll, engine.Goroutine}
	}
	for _, d := range drivers {
		t.Run(string(d), func(t *testing.T) { f(t, serve(t, d)) })
	}
}

// saw fails the test unless every server was sent each of the commands.
func (s *shards) saw(t *testing.T, commands ...string) {
	t.Helper()
	for i, server := range s.servers {
		stats, err := redis.String(server.Do("INFO", "commandstats"))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range commands {
			if !strings.Contains(stats, "cmdstat_"+c+":") {
				t.Errorf("shard cache-%d was sent no %s", i+1, strings.ToUpper(c))
			}
		}
	}
}

// find returns the path of a program, or fails the test with the line that
// installs it.
func find(t *testing.T, program, install string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatalf("no %s found, install it: %s", program, install)
	}
	return path
}

// run runs a program to its end with this input, and returns what it printed.
func run(t *testing.T, input string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
