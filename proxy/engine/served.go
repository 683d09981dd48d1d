package engine

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shardring/shardring/proxy/session"
)

// served is a pool of an engine.
type served struct {
	shared *session.Shared
	gate   *gate
	on     []*session.Pool // by loop; each loop uses its own only
}

func (s *served) name() string { return s.shared.Config().Name }

// join adds the pool to a loop, on its goroutine.
func (s *served) join(b *base) *session.Pool {
	s.on[b.index] = b.core.AddPool(s.shared)
	return s.on[b.index]
}

// door is where clients come in, and the pool that they come to. The first loop
// owns it.
type door struct {
	ln     net.Listener
	to     atomic.Pointer[served]
	once   sync.Once
	closed chan struct{} // when ln is
}

// closeSoon has Accept return those who are waiting and then time out.
func (d *door) closeSoon() {
	if ln, ok := d.ln.(interface{ SetDeadline(time.Time) error }); ok && ln.SetDeadline(time.Now().Add(acceptRest)) == nil {
		return
	}
	d.close()
}

// acceptRest is how long a listener that is given up accepts those who are connected.
const acceptRest = 20 * time.Millisecond

// close leaves the path of a unix socket: it may be another listener's by now.
func (d *door) close() {
	d.once.Do(func() {
		if u, ok := d.ln.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(false)
		}
		d.ln.Close()
		close(d.closed)
	})
}

var errStopping = errors.New("the engine stops")

// plan returns pools and their doors: those that there are, and new ones. mu is
// held, or nobody else knows the engine.
func (e *Engine) plan(pools []Pool) (next []*served, doors []*door) {
	for _, p := range pools {
		s := e.served(p.Shared)
		if s == nil {
			s = &served{shared: p.Shared, gate: &gate{room: &e.room}, on: make([]*session.Pool, e.cfg.Loops)}
		}
		i := slices.IndexFunc(e.doors, func(d *door) bool { return d.ln == p.Listener })
		var d *door
		if i >= 0 {
			d = e.doors[i]
		} else {
			d = &door{ln: p.Listener, closed: make(chan struct{})}
			d.to.Store(s)
		}
		next, doors = append(next, s), append(doors, d)
	}
	return next, doors
}

// served returns the pool with this Shared, nil if there is none.
func (e *Engine) served(sh *session.Shared) *served {
	for _, s := range e.pools {
		if s.shared == sh {
			return s
		}
	}
	return nil
}

// Serve has the engine serve these pools from now on. Those that it has not had
// are added, and those of before that are not among them end: they take no more
// clients, answer what has been asked, and cut off who stays for longer than Grace.
// A listener may be another than before, or another pool's of before; clients that
// are connected stay where they are. New limits of clients are taken from the pools'
// settings.
//
// It returns when every loop has done so and has the topology and the settings of
// when Serve was called. On an error nothing has changed, and listeners that are new
// are the caller's still. It is called while Run is under way; one call waits for the
// other.
func (e *Engine) Serve(pools []Pool) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	next, doors := e.plan(pools)
	fresh := without(next, e.pools)
	leaving := without(e.pools, next)
	opened, shut := without(doors, e.doors), without(e.doors, doors)

	e.onEach(func(b *base) {
		b.core.Refresh()
		for _, s := range fresh {
			s.join(b)
		}
	})
	if err := e.openAll(opened); err != nil {
		e.onEach(func(b *base) { b.end(fresh) })
		return err
	}
	e.measure(next)
	e.call(e.loops[0], func() {
		for i, d := range doors {
			d.to.Store(next[i])
		}
		for _, d := range shut {
			e.loops[0].shut(d)
		}
	})
	for _, d := range shut { // so that its address is free
		select {
		case <-d.closed:
		case <-e.ended:
		}
	}
	e.onEach(func(b *base) {
		b.end(leaving)
		b.pools = b.pools[:0]
		for _, s := range next {
			b.pools = append(b.pools, s.on[b.index])
		}
	})
	e.pools, e.doors = next, doors
	return nil
}

// openAll opens every door or none.
func (e *Engine) openAll(doors []*door) error {
	err := errStopping
	e.call(e.loops[0], func() {
		err = nil
		for i, d := range doors {
			if err = e.loops[0].open(d); err != nil {
				for _, d := range doors[:i] {
					e.loops[0].shut(d)
				}
				return
			}
		}
	})
	if err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	return nil
}

func (e *Engine) onEach(f func(*base)) {
	for _, l := range e.loops {
		b := l.state()
		e.call(l, func() { f(b) })
	}
}

func (b *base) end(pools []*served) {
	for _, s := range pools {
		b.core.RemovePool(s.on[b.index], b.engine.cfg.Grace)
	}
}

// Clients returns the number of clients connected to a pool, for a function that Each
// calls.
func (e *Engine) Clients(sh *session.Shared) int {
	if s := e.served(sh); s != nil {
		return int(s.gate.n.Load())
	}
	return 0
}

// without returns the elements of a that are not in b.
func without[T comparable](a, b []T) []T {
	return slices.DeleteFunc(slices.Clone(a), func(v T) bool { return slices.Contains(b, v) })
}
