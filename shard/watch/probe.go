package watch

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/shardring/shardring/shard/topology"
)

// prober asks one node of one shard, again and again, and reports. It has one
// goroutine, run.
type prober struct {
	wire  *wire
	shard string
	node  topology.Node
	say   func(context.Context, report)

	wake chan struct{} // has an element: ask at once
	hunt atomic.Bool   // ask every huntEvery
	end  context.CancelFunc
}

func newProber(w *wire, shard string, n topology.Node, say func(context.Context, report)) *prober {
	return &prober{wire: w, shard: shard, node: n, say: say, wake: make(chan struct{}, 1)}
}

// ask has the node probed at once; if a probe is under way, after it.
func (p *prober) ask() { poke(p.wake) }

// chase has the node probed all the time, or no longer.
func (p *prober) chase(on bool) {
	if p.hunt.Swap(on) != on && on {
		p.ask()
	}
}

func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

func (p *prober) run(ctx context.Context) {
	h := health{interval: p.wire.interval}
	var c *conn
	defer func() {
		if c != nil {
			c.close()
		}
	}()
	for ctx.Err() == nil {
		r := report{shard: p.shard, node: p.node, asked: time.Now()}
		had := c != nil
		c, r.err = p.once(ctx, c, h.state == Down, &r)
		if r.err != nil && had && h.state != Down {
			// A connection may have been lost while nobody used it: only a new one tells.
			r.asked = time.Now()
			c, r.err = p.once(ctx, c, false, &r)
		}
		if ctx.Err() != nil {
			return
		}
		r.at = time.Now()
		if r.err != nil {
			h.failed(r.at)
		} else {
			h.answered(r.at)
		}
		r.state = h.state
		p.say(ctx, r)
		pause := h.next(rand.Float64())
		if p.hunt.Load() {
			pause = huntEvery
		}
		wait(ctx, pause, p.wake)
	}
}

// once probes over c, or over a new connection if that is nil. It returns the
// connection, nil if it is of no use any more.
func (p *prober) once(ctx context.Context, c *conn, down bool, r *report) (*conn, error) {
	if c == nil {
		var err error
		if c, err = p.wire.open(ctx, p.node, p.wire.login, down); err != nil {
			return nil, err
		}
		r.asked = time.Now() // the round trip is that of the probe
	}
	a, err := c.probe(p.wire.within)
	if err != nil {
		c.close()
		return nil, err
	}
	r.answer, r.reached = a, c.reached()
	return c, nil
}

// wait waits for d, or until it is woken or ctx ends.
func wait(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-wake:
	case <-ctx.Done():
	}
}
