package shard

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/internal/baton"
)

// A read that another node may answer as well, with Config.HedgeReads:
//
//	asked ──▶ answered within the time of 95 of 100 of the node's reads ──▶ settled
//	  │ not yet
//	  ▼
//	asked of a second node too ──▶ one answers ──▶ settled; the other one's reply is dropped
//	                                │ neither does
//	                                ▼
//	                               as the first one's failure without a second

const (
	// leastHedge is the least time after which a second node is asked, however fast the
	// first one's reads are.
	leastHedge = time.Millisecond
	// mostBeaten is how many hedged reads of a node may be left to be answered after
	// another node was heard: so it is known how slow it is, and counts as busy. Who is
	// beaten beyond that is given up.
	mostBeaten = 256
)

// query is one read on a line.
type query struct {
	link *link
	line *baton.Line
	cmd  baton.Command
	run  [1]*baton.Command // cmd, for the line
}

// begin encodes a request for the line of a link, whose gate the caller has entered.
func (a *query) begin(l *link, line *baton.Line, r *request) error {
	a.link, a.line, a.run[0] = l, line, &a.cmd
	a.cmd = baton.Command{Cmd: r.cmd, Args: r.args}
	_, err := line.Start(a.run[:])
	a.cmd.Args = nil // the request is used again
	return err
}

// outcome is what came of a query.
type outcome struct {
	link  *link
	reply any
	again bool
	err   error
}

// take waits for the reply. What it says of the node has been noted afterwards.
func (a *query) take(ctx context.Context, deadline time.Time) (o outcome) {
	o.link = a.link
	a.line.Wait(ctx, &a.cmd, deadline)
	o.reply, o.again, o.err = a.link.concluded(ctx, a.line, true, a.cmd.Reply, a.cmd.Err)
	return o
}

// hedged is attempt for a read that one of several nodes answers: l, or l and another one.
func (a *call) hedged(ctx context.Context, l *link, from readFrom) {
	if l.serving() == nil {
		// Nobody waits for a connection if there is one to another node, as good as this.
		if other := a.v.second(a.shard, from, l); other != nil && (from != fromPreferred || other != a.v.links[a.shard]) {
			l.begin()
			l = other
		}
	}
	began := time.Now()
	line, limit := l.serving(), l.usual.Limit(leastHedge)
	if line == nil || limit == 0 {
		a.attempt(ctx, l, a.v.leads(l, a.shard))
		if answers(a.err) {
			l.usual.Take(time.Since(began))
		}
		return
	}
	if !l.gate.enter() {
		a.l, a.reply, a.err, a.state = l, nil, ErrClosed, settled
		return
	}
	first := a.c.queries.Get().(*query)
	if err := first.begin(l, line, a.r); err != nil {
		o := outcome{link: l}
		_, o.again, o.err = l.concluded(ctx, line, true, nil, err)
		l.gate.leave()
		a.alone(ctx, first, o)
		return
	}
	until := began.Add(limit)
	if !a.deadline.IsZero() && a.deadline.Before(until) {
		until = a.deadline
	}
	if line.Await(ctx, &first.cmd, until) != nil && ctx.Err() == nil && until != a.deadline {
		if second := a.second(from, l); second != nil {
			a.race(ctx, first, second, began)
			return
		}
	}
	o := first.take(ctx, a.deadline)
	if answers(o.err) {
		l.usual.Take(time.Since(began))
	}
	l.gate.leave()
	a.alone(ctx, first, o)
}

// alone ends a call that only the first was asked.
func (a *call) alone(ctx context.Context, first *query, o outcome) {
	a.c.heard(ctx, o.link, a.v.leads(o.link, a.shard), false, o.err)
	a.settle(ctx, o)
	*first = query{}
	a.c.queries.Put(first)
}

// answers reports whether a server has replied, be it an error.
func answers(err error) bool {
	_, replied := err.(redis.Error)
	return err == nil || replied
}

// second asks another node than the first, and returns nil if none can be asked now.
func (a *call) second(from readFrom, first *link) *query {
	l := a.v.second(a.shard, from, first)
	if l == nil || !l.gate.enter() {
		return nil
	}
	if line := l.serving(); line != nil {
		s := new(query)
		if s.begin(l, line, a.r) == nil {
			return s
		}
	}
	l.gate.leave()
	return nil
}

// second returns who is asked beside the first: of the nodes that may answer and have a
// connection the one with the least under way; where replicas are preferred the primary
// only if there is no other. nil: nobody.
func (v *view) second(shard int, from readFrom, first *link) (best *link) {
	primary := v.links[shard]
	spare := from == fromReplica || from == fromPreferred
	for _, l := range v.readers[shard].known {
		switch {
		case l == first, spare && l == primary:
		case l.serving() == nil:
			l.begin() // for the next
		case best == nil || l.busy() < best.busy():
			best = l
		}
	}
	if best == nil && from == fromPreferred && primary != first && primary.serving() != nil {
		return primary
	}
	return best
}

// race is two queries under way for one read. Whoever answers first is heard.
type race struct {
	ctx      context.Context // of the queries; it ends for who is given up
	stop     context.CancelFunc
	outcomes chan outcome
	left     atomic.Int32 // who takes part: the two, and the caller
	unhook   func() bool  // set by the caller before it leaves; nil: nothing to do
}

func (r *race) leave() {
	if r.left.Add(-1) > 0 {
		return
	}
	r.stop()
	if r.unhook != nil {
		r.unhook()
	}
}

// race has two nodes answer, whose gates are entered and which are left when they have
// answered, or failed.
func (a *call) race(ctx context.Context, first, second *query, began time.Time) {
	r := &race{outcomes: make(chan outcome, 2)}
	r.ctx, r.stop = context.WithCancel(context.Background())
	r.left.Store(3)
	defer r.leave()
	c, v, shard, deadline := a.c, a.v, a.shard, a.deadline
	run := func(k *query, timed bool) {
		k.link.racing.Add(1)
		go func() {
			o := k.take(r.ctx, deadline)
			if timed && answers(o.err) {
				k.link.usual.Take(time.Since(began))
			}
			c.heard(r.ctx, k.link, v.leads(k.link, shard), false, o.err)
			k.link.racing.Add(-1)
			k.link.gate.leave()
			r.outcomes <- o
			r.leave()
		}()
	}
	run(first, true)
	run(second, false)
	var failed outcome
	for n := range 2 {
		select {
		case o := <-r.outcomes:
			loser := first.link
			if o.link == loser {
				loser = second.link
			}
			if a.settle(ctx, o); a.state == settled && answers(o.err) {
				if n == 0 {
					r.beaten(c, loser)
				}
				return
			}
			if failed.link != first.link {
				failed = o
			}
		case <-ctx.Done():
			r.stop()
			o := outcome{link: first.link}
			_, _, o.err = o.link.concluded(ctx, first.line, true, nil, &baton.Error{Err: ctx.Err(), Sent: true})
			a.settle(ctx, o)
			return
		}
	}
	if se, ok := failed.err.(*ShardError); ok {
		se.Err = blame(ctx, se.Err) // the queries had no context of the caller's
	}
	a.settle(ctx, failed)
}

// settle makes what came of a query the call's.
func (a *call) settle(ctx context.Context, o outcome) {
	a.l, a.reply, a.err = o.link, o.reply, o.err
	a.state = troubled(ctx, o.err, o.again, runsScript(a.cmd))
}

// beaten says that the other one was heard. Its reply is waited for, unless too many are
// or the client is closed.
func (r *race) beaten(c *Client, loser *link) {
	if loser.racing.Load() > mostBeaten {
		r.stop()
		return
	}
	r.unhook = context.AfterFunc(c.life, r.stop)
}
