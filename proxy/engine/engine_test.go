package engine

import (
	"context"
	"net"
	"testing"

	"github.com/shardring/shardring/proxy/session"
	"github.com/shardring/shardring/ring"
	"github.com/shardring/shardring/shard/config"
)

// What is posted to a loop is called, or its sender is told that it will not be, also
// while the loop ends.
func TestPostWhileALoopEnds(t *testing.T) {
	drivers := []Driver{Goroutine}
	if d := DefaultDriver(); d != Goroutine {
		drivers = append(drivers, d)
	}
	for _, d := range drivers {
		t.Run(string(d), func(t *testing.T) {
			for range 20 {
				e := idleEngine(t, d)
				ctx, cancel := context.WithCancel(context.Background())
				ended := make(chan struct{})
				go func() { e.Run(ctx); close(ended) }()
				called, taken := 0, 0 // called is the loop's until it has ended
				post := func() bool {
					ok := e.loops[1].post(func() { called++ })
					if ok {
						taken++
					}
					return ok
				}
				for range 100 {
					post()
				}
				cancel()
				for range 1000 {
					post()
				}
				<-ended
				for range 100 {
					if post() {
						t.Fatal("an engine that has ended takes mail")
					}
				}
				if called != taken {
					t.Fatalf("%d functions were taken, %d called", taken, called)
				}
			}
		})
	}
}

// idleEngine returns an engine of two loops with a pool whose only node is nowhere.
func idleEngine(t *testing.T, d Driver) *Engine {
	t.Helper()
	p := idlePool(t, "p")
	e, err := New(Config{Pools: []Pool{p}, Loops: 2, Driver: d})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// idlePool returns a pool whose only node is nowhere.
func idlePool(t *testing.T, name string) Pool {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := &config.Pool{Name: name, Redis: true, Shards: []config.Shard{{Name: "s", Weight: 1, Primary: config.Address{Network: "tcp", Addr: "127.0.0.1:1"}}}}
	cfg.Ring = ring.Config{Placement: ring.Murmur3, Shards: []ring.Shard{{Name: "s", Weight: 1}}}
	shared, err := session.Share(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return Pool{Shared: shared, Listener: ln}
}
