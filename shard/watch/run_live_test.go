package watch_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shardring/shardring/ring"
	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/shardtest"
	"github.com/shardring/shardring/shard/topology"
	"github.com/shardring/shardring/shard/watch"
)

// TestMemcached: a shard of a cache that was ejected is back when its server answers
// a probe, and not before.
func TestMemcached(t *testing.T) {
	a := shardtest.Memcached(t)
	w := start(t, pool(a, nil, func(c *config.Pool) {
		c.Redis, c.AutoEjectHosts, c.ServerFailureLimit, c.ServerRetryTimeout = false, true, 1, 200*time.Millisecond
	}))
	a.Kill()
	w.topo.ReportFailure(0, time.Now())
	out := func(topology.Nodes) bool { return w.topo.State(0) == topology.Ejected }
	w.steady(time.Second, "ejected while it is down", out)
	a.Restart()
	w.until(5*time.Second, "back", func(n topology.Nodes) bool { return !out(n) })
	w.topo.ReportFailure(0, time.Now())
	w.steady(150*time.Millisecond, "ejected for its time, though it answers", out)
	w.until(5*time.Second, "back again", func(n topology.Nodes) bool { return !out(n) })
}

// TestQuiet: while nothing happens no snapshots are made.
func TestQuiet(t *testing.T) {
	a := shardtest.Redis(t)
	b := shardtest.Replica(t, a)
	w := start(t, pool(a, []*shardtest.Server{b}, nil))
	w.untilReadable(5*time.Second, b, true)
	time.Sleep(time.Second)
	epoch := w.topo.Snapshot().Epoch
	for i := range 200 {
		do(t, a, "SET", "k", i)
		time.Sleep(10 * time.Millisecond)
	}
	if made := w.topo.Snapshot().Epoch - epoch; made > 1 { // one if the machine is busy
		t.Errorf("%d snapshots in 2s of writes", made)
	}
}

// TestRunEnds: it returns at once, also while nodes and Sentinels hang, and leaves no
// connection.
func TestRunEnds(t *testing.T) {
	a, b, hung := shardtest.Redis(t), shardtest.Redis(t), shardtest.Sentinel(t, "")
	cfg := pool(a, []*shardtest.Server{b}, listing(hung))
	topo, err := topology.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var open atomic.Int64
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		open.Add(1)
		return &counted{Conn: c, open: &open}, nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		watch.New(cfg, topo, watch.Options{Dial: dial}).Run(ctx)
		close(ended)
	}()
	time.Sleep(300 * time.Millisecond)
	if open.Load() != 4 { // two nodes, and the Sentinel twice
		t.Errorf("%d connections, want 4", open.Load())
	}
	b.Pause()
	hung.Pause()
	time.Sleep(300 * time.Millisecond)
	cancel()
	select {
	case <-ended:
	case <-time.After(2 * time.Second):
		t.Fatal("Run does not end")
	}
	if open.Load() != 0 {
		t.Errorf("%d connections are left", open.Load())
	}
}

type counted struct {
	net.Conn
	open   *atomic.Int64
	closed atomic.Bool
}

func (c *counted) Close() error {
	if !c.closed.Swap(true) {
		c.open.Add(-1)
	}
	return c.Conn.Close()
}

// TestDialsAreBounded: 100 hosts that do not answer are dialled a few at a time.
func TestDialsAreBounded(t *testing.T) {
	cfg := &config.Pool{Name: "many", Redis: true, Ring: ring.Config{Placement: ring.Murmur3}, HealthInterval: 10 * time.Millisecond, ConnectTimeout: 20 * time.Millisecond}
	for i := range 100 {
		name := fmt.Sprint("s", i)
		cfg.Ring.Shards = append(cfg.Ring.Shards, ring.Shard{Name: name, Weight: 1})
		cfg.Shards = append(cfg.Shards, config.Shard{Name: name, Weight: 1, Primary: config.Address{Network: "tcp", Addr: fmt.Sprintf("10.1.1.%d:6379", i)}})
	}
	topo, err := topology.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var now, most, all atomic.Int64
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		all.Add(1)
		for n := now.Add(1); ; {
			if m := most.Load(); n <= m || most.CompareAndSwap(m, n) {
				break
			}
		}
		defer now.Add(-1)
		<-ctx.Done()
		return nil, errors.New("no route")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	watch.New(cfg, topo, watch.Options{Dial: dial, Log: quiet()}).Run(ctx)
	if most.Load() > 16 || all.Load() < 200 {
		t.Errorf("%d dials, at most %d at a time; want all nodes twice, and at most 16 at a time", all.Load(), most.Load())
	}
}

// TestUnknownMaster: a Sentinel that does not know the shard is complained of once.
func TestUnknownMaster(t *testing.T) {
	a := shardtest.Redis(t)
	s := shardtest.Sentinel(t, "")
	w := start(t, pool(a, nil, listing(s)))
	time.Sleep(time.Second)
	if n := strings.Count(w.log.String(), "sentinel does not answer"); n != 1 || !strings.Contains(w.log.String(), "No such master") {
		t.Errorf("%d complaints:\n%s", n, w.log)
	}
	if w.nodes().Primary.Addr != a.Addr {
		t.Errorf("%+v: want the listed primary to stay", w.nodes())
	}
}
