package watch_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shardring/shardring/ring"
	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/shardtest"
	"github.com/shardring/shardring/shard/topology"
	"github.com/shardring/shardring/shard/watch"
)

// watched is a pool of one shard, "users", and its Watcher.
type watched struct {
	t    *testing.T
	topo *topology.Pool
	log  *lockedBuffer
}

const shardName = "users"

func addr(s *shardtest.Server) config.Address { return config.Address{Network: "tcp", Addr: s.Addr} }

// pool is a configuration of one shard. change may be nil.
func pool(primary *shardtest.Server, replicas []*shardtest.Server, change func(*config.Pool)) *config.Pool {
	cfg := &config.Pool{
		Name: "store", Redis: true,
		Ring:           ring.Config{Placement: ring.Murmur3, Shards: []ring.Shard{{Name: shardName, Weight: 1}}},
		Shards:         []config.Shard{{Name: shardName, Weight: 1}},
		HealthInterval: 100 * time.Millisecond, ConnectTimeout: 500 * time.Millisecond, MaxReplicaLag: 10 * time.Second,
	}
	if primary != nil {
		cfg.Shards[0].Primary = addr(primary)
	}
	for _, r := range replicas {
		cfg.Shards[0].Replicas = append(cfg.Shards[0].Replicas, config.Replica{Address: addr(r), Weight: 1})
	}
	if change != nil {
		change(cfg)
	}
	return cfg
}

// start runs a Watcher until the test ends.
func start(t *testing.T, cfg *config.Pool) *watched {
	t.Helper()
	topo, err := topology.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w := &watched{t: t, topo: topo, log: &lockedBuffer{}}
	log := slog.New(slog.NewTextHandler(w.log, nil))
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { watch.New(cfg, topo, watch.Options{Log: log}).Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		if t.Failed() {
			t.Logf("log of the watcher:\n%s", w.log)
		}
	})
	return w
}

func (w *watched) nodes() topology.Nodes { return w.topo.Snapshot().Shards[0].Nodes }

// until waits for a condition on the shard's nodes, and returns how long it took.
func (w *watched) until(within time.Duration, what string, ok func(topology.Nodes) bool) time.Duration {
	w.t.Helper()
	for begun := time.Now(); ; time.Sleep(time.Millisecond) {
		if ok(w.nodes()) {
			return time.Since(begun)
		}
		if time.Since(begun) > within {
			w.t.Fatalf("not in %v: %s; nodes %+v", within, what, w.nodes())
		}
	}
}

func (w *watched) untilPrimary(within time.Duration, s *shardtest.Server) time.Duration {
	w.t.Helper()
	return w.until(within, "primary "+s.Addr, func(n topology.Nodes) bool { return n.Primary.Addr == s.Addr })
}

func (w *watched) untilReadable(within time.Duration, s *shardtest.Server, want bool) time.Duration {
	w.t.Helper()
	return w.until(within, fmt.Sprintf("%s readable: %v", s.Addr, want), func(n topology.Nodes) bool {
		return readable(n, s) == want
	})
}

func readable(n topology.Nodes, s *shardtest.Server) bool {
	for _, r := range n.Replicas {
		if r.Addr == s.Addr {
			return r.Readable
		}
	}
	return false
}

// steady fails if the condition ends within a time.
func (w *watched) steady(for_ time.Duration, what string, ok func(topology.Nodes) bool) {
	w.t.Helper()
	for end := time.Now().Add(for_); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if n := w.nodes(); !ok(n) {
			w.t.Fatalf("no longer: %s; nodes %+v", what, n)
		}
	}
}

func do(t *testing.T, s *shardtest.Server, cmd string, args ...any) any {
	t.Helper()
	v, err := s.Do(cmd, args...)
	if err != nil {
		t.Fatalf("%s %v at %s: %v", cmd, args, s.Addr, err)
	}
	return v
}

func replicaOf(t *testing.T, s, of *shardtest.Server) {
	t.Helper()
	host, port, _ := strings.Cut(of.Addr, ":")
	do(t, s, "REPLICAOF", host, port)
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
