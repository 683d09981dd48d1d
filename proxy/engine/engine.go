package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shardring/shardring/proxy/session"
)

// Driver is a way to drive the core.
type Driver string

const (
	Epoll     Driver = "epoll"     // event loops; Linux only
	Goroutine Driver = "goroutine" // goroutines for each socket; everywhere
)

// DefaultDriver returns the faster one that there is on this system.
func DefaultDriver() Driver {
	if runtime.GOOS == "linux" {
		return Epoll
	}
	return Goroutine
}

// Config says what to serve and how.
type Config struct {
	Pools  []Pool
	Loops  int            // event loops; 0: DefaultLoops()
	Driver Driver         // "": DefaultDriver()
	Limits session.Limits // zero value: session.DefaultLimits()
	Grace  time.Duration  // how long a stop waits for replies under way; 0: 5 s
	Log    *slog.Logger   // nil: slog.Default()
}

// Pool is one listener and what is behind it. Each pool has a Shared of its own, by
// which it is known, and so has each a Listener. The engine closes the listener.
type Pool struct {
	Shared   *session.Shared
	Listener net.Listener
}

// DefaultLoops returns the number of loops that serves best on this machine's
// cores when clients and servers run on them too: one for every four, at least
// one. On two cores one loop beats two, which batch half as well.
func DefaultLoops() int { return max(1, runtime.GOMAXPROCS(0)/4) }

// Engine is a set of loops that serve the same pools.
type Engine struct {
	cfg   Config // its Pools are those at first
	loops []loop
	load  []atomic.Int64 // clients, by loop
	room  room
	wg    sync.WaitGroup
	ended chan struct{} // closed when no loop runs any more

	mu    sync.Mutex // protects the following fields: one change at a time
	pools []*served
	doors []*door // by pool
}

// loop is what the two drivers have in common.
type loop interface {
	// run serves until stop was called and everything is answered, or grace
	// has passed.
	run(grace time.Duration)
	// post has f called on the loop's goroutine, in a turn of its own. It
	// reports false when the loop has ended: f is not called then.
	post(f func()) bool
	// stop begins the end; it is called on the loop's goroutine.
	stop()
	// close gives back what a loop that never ran holds.
	close()
	// open has the loop accept clients, shut lets it accept those who are waiting
	// and then no more. They are called on the loop's goroutine, or before run.
	open(d *door) error
	shut(d *door)
	state() *base
}

// New prepares an engine. On an error the listeners are the caller's still.
func New(cfg Config) (*Engine, error) {
	if len(cfg.Pools) == 0 {
		return nil, errors.New("engine: no pools")
	}
	if cfg.Loops < 0 || cfg.Loops > 1024 {
		return nil, fmt.Errorf("engine: %d loops: want 1 to 1024, or 0 for the default", cfg.Loops)
	}
	if cfg.Loops == 0 {
		cfg.Loops = DefaultLoops()
	}
	if cfg.Driver == "" {
		cfg.Driver = DefaultDriver()
	}
	if cfg.Limits == (session.Limits{}) {
		cfg.Limits = session.DefaultLimits()
	}
	if cfg.Grace == 0 {
		cfg.Grace = 5 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	e := &Engine{cfg: cfg, load: make([]atomic.Int64, cfg.Loops), ended: make(chan struct{})}
	e.pools, e.doors = e.plan(cfg.Pools)
	e.measure(e.pools)
	for i := range cfg.Loops {
		l, err := e.newLoop(i)
		if err != nil {
			return nil, e.abandon(fmt.Errorf("engine: loop %d: %w", i, err))
		}
		e.loops = append(e.loops, l)
	}
	for _, d := range e.doors { // the first loop accepts, and shares out
		if err := e.loops[0].open(d); err != nil {
			return nil, e.abandon(fmt.Errorf("engine: %w", err))
		}
	}
	return e, nil
}

func (e *Engine) abandon(err error) error {
	for _, l := range e.loops {
		l.close()
	}
	return err
}

func (e *Engine) newLoop(i int) (loop, error) {
	switch e.cfg.Driver {
	case Epoll:
		return newEpollLoop(e, i)
	case Goroutine:
		return newGoroutineLoop(e, i), nil
	}
	return nil, fmt.Errorf("driver %q: want %q or %q", e.cfg.Driver, Epoll, Goroutine)
}

// Run serves until ctx is done; then it accepts nothing more, answers the
// requests it has read, and returns.
func (e *Engine) Run(ctx context.Context) {
	for _, l := range e.loops {
		e.wg.Go(func() { l.run(e.cfg.Grace) })
	}
	<-ctx.Done()
	for _, l := range e.loops {
		l.post(l.stop)
	}
	e.wg.Wait()
	close(e.ended)
}

// Wake has every loop begin a turn, in which it looks at the topology: one without
// news would sleep on.
func (e *Engine) Wake() {
	for _, l := range e.loops {
		l.post(func() {})
	}
}

// Loops returns the number of loops.
func (e *Engine) Loops() int { return len(e.loops) }

// least returns the loop with the fewest clients: where a new one goes.
func (e *Engine) least() int {
	best := 0
	for i := range e.load {
		if e.load[i].Load() < e.load[best].Load() {
			best = i
		}
	}
	return best
}

// base is what every loop holds.
type base struct {
	engine *Engine
	index  int
	core   *session.Core
	pools  []*session.Pool // in the order of the engine's
	log    *slog.Logger
}

func (b *base) state() *base { return b }

func newBase(e *Engine, i int) base {
	b := base{engine: e, index: i, log: e.cfg.Log}
	b.core = session.NewCore(e.cfg.Limits, func() int64 { return time.Now().UnixNano() })
	b.core.Join(i, peers{e})
	b.core.Notice = e.cfg.Log.Info
	b.core.Begin(clock())
	for _, s := range e.pools {
		b.pools = append(b.pools, s.join(&b))
	}
	return b
}

// peers are an engine's cores.
type peers struct{ *Engine }

func (p peers) Len() int { return p.cfg.Loops }

func (p peers) Post(i int, f func(*session.Core)) bool {
	l := p.loops[i]
	return l.post(func() { f(l.state().core) })
}

var started = time.Now()

// clock returns ns on a clock that never goes back and that all loops share.
func clock() int64 { return int64(time.Since(started)) }

// Each calls f on every loop, one loop after another, with the loop's pools; so
// counters are read without a lock. It returns when all have been called; the pools
// do not change meanwhile.
func (e *Engine) Each(f func(loop int, core *session.Core, pools []*session.Pool)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, l := range e.loops {
		b := l.state()
		e.call(l, func() { f(b.index, b.core, b.pools) })
	}
}

// call has f called on a loop and waits for that. It reports false if the loop has
// ended before.
func (e *Engine) call(l loop, f func()) bool {
	done := make(chan struct{})
	if !l.post(func() { f(); close(done) }) {
		return false
	}
	select {
	case <-done:
		return true
	case <-e.ended: // posted too late: nobody will call it
		return false
	}
}
