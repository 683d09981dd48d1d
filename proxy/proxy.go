package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/proxy/session"
	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/watch"
)

// Options are settings of a Proxy that are not in its configuration file.
type Options struct {
	Driver engine.Driver  // "": the fastest of this system
	Loops  int            // 0: what the file says, else engine.DefaultLoops
	Grace  time.Duration  // how long a stop waits for replies under way; 0: 5 s
	Log    *slog.Logger   // nil: slog.Default()
	Level  *slog.LevelVar // set to log_level of every file that is taken; nil: Log's own stays
	Watch  bool           // read the file again when it changes, whatever it says
}

// Proxy serves the pools of one configuration file, which may change: see Reload.
type Proxy struct {
	opt    Options
	engine *engine.Engine
	admin  net.Listener // nil: none
	log    *slog.Logger
	began  time.Time
	ending atomic.Bool // Run's context is done

	mu        sync.Mutex // protects the following fields: one change at a time
	first     *config.File
	file      *config.File // in effect
	epoch     uint64       // files taken, the first one included
	pools     []*pool      // that are served, in the order of the file
	attending func(*pool)  // begins what a pool needs beside the loops, once Run was called
}

// pool is a pool that is served.
type pool struct {
	cfg    *config.Pool
	shared *session.Shared
	ln     net.Listener
	opened *config.Pool       // whose settings the listener has
	leave  context.CancelFunc // ends what it has beside the loops
	left   chan struct{}      // closed when that has ended; nil: there is nothing
}

// New listens on every pool's address; clients are served once Run is called.
// Pools without listen are the library's. On an error nothing is listened on.
func New(file *config.File, opt Options) (*Proxy, error) {
	if opt.Log == nil {
		opt.Log = slog.Default()
	}
	if opt.Loops == 0 {
		opt.Loops = file.Proxy.Loops
	}
	p := &Proxy{opt: opt, first: file, file: file, epoch: 1, log: opt.Log, began: time.Now()}
	fail := func(err error) (*Proxy, error) {
		for _, pl := range p.pools {
			pl.ln.Close()
		}
		if p.admin != nil {
			p.admin.Close()
		}
		return nil, err
	}
	cfgs, err := served(file)
	if err != nil {
		return nil, err
	}
	for _, c := range cfgs {
		pl, err := newPool(c, file.Proxy.Zone)
		if err == nil {
			err = pl.listen()
		}
		if err != nil {
			return fail(err)
		}
		p.pools = append(p.pools, pl)
	}
	if a := file.Proxy.Admin; !a.IsZero() {
		if p.admin, err = listenAt(a, 0, false); err != nil {
			return fail(fmt.Errorf("admin: %w", err))
		}
	}
	if p.engine, err = engine.New(engine.Config{
		Pools: enginePools(p.pools), Loops: opt.Loops, Driver: opt.Driver, Grace: opt.Grace, Log: opt.Log,
	}); err != nil {
		return fail(err)
	}
	return p, nil
}

// served returns the pools of a file that the proxy serves.
func served(file *config.File) ([]*config.Pool, error) {
	var pools []*config.Pool
	for _, c := range file.Pools {
		switch {
		case c.Listen.IsZero(): // for the library only
		default:
			pools = append(pools, c)
		}
	}
	if len(pools) == 0 {
		return nil, errors.New(file.Path + ": no pool has listen:, so there is nothing to serve")
	}
	return pools, nil
}

// newPool returns a pool that does not listen yet.
func newPool(cfg *config.Pool, zone string) (*pool, error) {
	shared, err := session.Share(cfg)
	if err != nil {
		return nil, err
	}
	shared.Zone = zone
	return &pool{cfg: cfg, shared: shared, leave: func() {}}, nil
}

func (pl *pool) listen() error {
	ln, err := listenAt(pl.cfg.Listen, pl.cfg.Backlog, pl.cfg.ReusePort)
	if err != nil {
		return fmt.Errorf("pool %s: %w", pl.cfg.Name, err)
	}
	pl.ln, pl.opened = ln, pl.cfg
	return nil
}

func enginePools(pools []*pool) []engine.Pool {
	all := make([]engine.Pool, len(pools))
	for i, pl := range pools {
		all[i] = engine.Pool{Shared: pl.shared, Listener: pl.ln}
	}
	return all
}

// Addr returns the address that a pool listens on, by its position among those that
// are served: the port the kernel chose where the file says 0.
func (p *Proxy) Addr(pool int) net.Addr {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pools[pool].ln.Addr()
}

// AdminAddr returns the address of the admin's pages, nil if there is none.
func (p *Proxy) AdminAddr() net.Addr {
	if p.admin == nil {
		return nil
	}
	return p.admin.Addr()
}

// Run serves until ctx is done. Then it accepts no client and reads no request
// any more, delivers the replies under way, and returns. It is called once.
func (p *Proxy) Run(ctx context.Context) error {
	var beside sync.WaitGroup // what runs beside the loops
	p.mu.Lock()
	p.attending = func(pl *pool) {
		own, leave := context.WithCancel(ctx)
		before, left, cfg, shared := pl.left, make(chan struct{}), pl.cfg, pl.shared
		pl.leave, pl.left = leave, left
		beside.Go(func() {
			defer close(left)
			if before != nil {
				<-before
			}
			p.attend(own, cfg, shared)
		})
	}
	for _, c := range p.file.Pools {
		if c.Listen.IsZero() {
			p.log.Info("not served: it has no listen", "pool", c.Name)
		}
	}
	for _, pl := range p.pools {
		p.announce(pl)
		p.attending(pl)
	}
	follows := p.opt.Watch || p.file.Proxy.Watch
	p.mu.Unlock()

	if follows {
		beside.Go(func() { p.watch(ctx) })
	}
	defer context.AfterFunc(ctx, func() { p.ending.Store(true) })()
	endAdmin := p.serveAdmin()
	p.engine.Run(ctx)

	p.mu.Lock()
	p.attending = nil
	for _, pl := range p.pools {
		pl.leave()
		removeSocket(pl.ln)
	}
	p.mu.Unlock()
	endAdmin()
	beside.Wait()
	p.log.Info("stopped")
	return nil
}

// attend does what a pool needs beside the loops, until ctx is done: when the proxy
// ends, the pool is removed or has other settings than cfg.
func (p *Proxy) attend(ctx context.Context, cfg *config.Pool, shared *session.Shared) {
	var both sync.WaitGroup
	if cfg.Redis {
		both.Go(func() { learn(ctx, shared, p.log) })
	}
	both.Go(func() { watch.New(cfg, shared.Topology, watch.Options{Log: p.log, Changed: p.engine.Wake}).Run(ctx) })
	both.Wait()
}

func (p *Proxy) announce(pl *pool) {
	p.log.Info("listening", "pool", pl.cfg.Name, "addr", pl.ln.Addr().String(), "shards", len(pl.cfg.Shards),
		"distribution", string(pl.cfg.Ring.Placement), "loops", p.engine.Loops())
}

// removeSocket removes the path of a unix socket that is not listened on any more.
func removeSocket(ln net.Listener) {
	if a, ok := ln.Addr().(*net.UnixAddr); ok {
		os.Remove(a.Name)
	}
}

// poolNamed returns the pool of that name, or nil. mu is held.
func (p *Proxy) poolNamed(name string) *pool {
	if i := slices.IndexFunc(p.pools, func(pl *pool) bool { return pl.cfg.Name == name }); i >= 0 {
		return p.pools[i]
	}
	return nil
}
