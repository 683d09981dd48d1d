package proxy

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/proxy/session"
	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/watch"
)

// Options are settings of a Proxy that are not in its configuration file.
type Options struct {
	Driver engine.Driver // "": the fastest of this system
	Loops  int           // 0: what the file says, else engine.DefaultLoops
	Grace  time.Duration // how long a stop waits for replies under way; 0: 5 s
	Log    *slog.Logger  // nil: slog.Default()
}

// Proxy serves the pools of one configuration file.
type Proxy struct {
	file   *config.File
	engine *engine.Engine
	pools  []*session.Shared
	addrs  []net.Addr
	log    *slog.Logger
	began  time.Time
}

// New listens on every pool's address; clients are served once Run is called.
// On an error nothing is listened on.
func New(file *config.File, opt Options) (*Proxy, error) {
	if opt.Log == nil {
		opt.Log = slog.Default()
	}
	if opt.Loops == 0 {
		opt.Loops = file.Proxy.Loops
	}
	p := &Proxy{file: file, log: opt.Log, began: time.Now()}
	cfg := engine.Config{Loops: opt.Loops, Driver: opt.Driver, Grace: opt.Grace, Log: opt.Log}
	fail := func(err error) (*Proxy, error) {
		for _, pool := range cfg.Pools {
			pool.Listener.Close()
		}
		return nil, err
	}
	for _, pool := range file.Pools {
		if !pool.Redis {
			return fail(fmt.Errorf("pool %s: memcached pools are not served yet; redis pools say redis: true", pool.Name))
		}
		shared, err := session.Share(pool)
		if err != nil {
			return fail(err)
		}
		shared.Zone = file.Proxy.Zone
		ln, err := listen(pool)
		if err != nil {
			return fail(fmt.Errorf("pool %s: %w", pool.Name, err))
		}
		cfg.Pools = append(cfg.Pools, engine.Pool{Shared: shared, Listener: ln})
		p.addrs = append(p.addrs, ln.Addr())
		p.pools = append(p.pools, shared)
	}
	e, err := engine.New(cfg)
	if err != nil {
		return fail(err)
	}
	p.engine = e
	return p, nil
}

// Addr returns the address that a pool listens on, by its position in the file:
// the port the kernel chose where the file says 0.
func (p *Proxy) Addr(pool int) net.Addr { return p.addrs[pool] }

// Run serves until ctx is done. Then it accepts no client and reads no request
// any more, delivers the replies under way, and returns. It is called once.
func (p *Proxy) Run(ctx context.Context) error {
	for i, pool := range p.file.Pools {
		p.log.Info("listening", "pool", pool.Name, "addr", p.addrs[i].String(), "shards", len(pool.Shards),
			"distribution", string(pool.Ring.Placement), "loops", p.engine.Loops())
	}
	var beside sync.WaitGroup
	for _, sh := range p.pools {
		beside.Go(func() { learn(ctx, sh, p.log) })
		beside.Go(func() { watch.New(sh.Config, sh.Topology, watch.Options{Log: p.log, Changed: p.engine.Wake}).Run(ctx) })
	}
	p.engine.Run(ctx)
	beside.Wait()
	for _, pool := range p.file.Pools {
		if pool.Listen.Network == "unix" {
			os.Remove(pool.Listen.Address)
		}
	}
	p.log.Info("stopped")
	return nil
}
