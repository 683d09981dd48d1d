package shard

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/command"
)

// What a node refuses is held and sent again, to the node that has the shard then,
// until it is executed or the call's time is over:
//
//	attempt ──▶ settled: the answer
//	   ▲           │ refused, frozen     until the call's time is over
//	   │           │ node cannot be reached   while it has been away for newsWithin, if another may take its place
//	   │           │ connection lost     once
//	   └───────────┘ the topology has news, or againAfter

const (
	// againAfter is how long what was refused waits, without news, for the next attempt.
	againAfter = 20 * time.Millisecond
	// heldFor is how long a call without a time limit is held.
	heldFor = 5 * time.Second
	// newsWithin is how long after a node went away its calls wait for another to take
	// its place. Then they fail at once, until one has.
	newsWithin = time.Second
)

// errFrozen is of a write that waited for a failover longer than its time.
var errFrozen = fmt.Errorf("a failover is under way: %w", ErrTimeout)

// news tells those who wait that the topology has changed.
type news struct {
	mu   sync.Mutex // protects next
	next chan struct{}
}

// after returns a channel that is closed when the topology changes next.
func (n *news) after() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.next == nil {
		n.next = make(chan struct{})
	}
	return n.next
}

func (n *news) tell() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.next != nil {
		close(n.next)
		n.next = nil
	}
}

// until returns when a call with this deadline is held no longer: there must be time for
// an answer, or the caller would hear that the command may have been executed.
func until(deadline time.Time) time.Time {
	if deadline.IsZero() {
		return time.Now().Add(heldFor)
	}
	return deadline.Add(-againAfter)
}

// pause waits until the topology is as fit wants it, at most againAfter, and returns the
// view to use then. More than that is waited, up to the end, only while stay says so. It
// returns nil when ctx or the client has ended, or the end is there.
func (c *Client) pause(ctx context.Context, end time.Time, fit, stay func(v *view) bool) *view {
	soon := time.Now().Add(againAfter)
	for {
		changed := c.news.after()
		v, err := c.current()
		now := time.Now()
		switch {
		case err != nil || ctx.Err() != nil || c.life.Err() != nil || !now.Before(end):
			return nil
		case stay(v): // whatever else
		case fit(v) || !now.Before(soon):
			return v
		}
		wait := againAfter // topologies change without news in a cache
		if left := end.Sub(now); left < wait {
			wait = left
		}
		t := time.NewTimer(wait)
		select {
		case <-changed:
		case <-t.C:
		case <-ctx.Done():
		case <-c.life.Done():
		}
		t.Stop()
	}
}

// to returns the link to the node that has a shard of another view, nil if it has left.
func (v *view) to(shard int, of *view) *link {
	if i := v.index(shard, of); i >= 0 {
		return v.links[i]
	}
	return nil
}

// frozen reports whether writes to a shard of another view have to wait.
func (v *view) frozen(shard int, of *view) bool {
	i := v.index(shard, of)
	return i >= 0 && v.Shards[i].Frozen
}

// call is one command for one shard that needs more than one attempt.
type call struct {
	c        *Client
	v        *view // the call began with
	shard    int   // there
	cmd      *command.Command
	r        *request
	deadline time.Time

	l     *link // of the last attempt
	reply any
	err   error
	state trouble
}

// attempt sends the command over a link. i is its shard if that leads to the primary, or -1.
func (a *call) attempt(ctx context.Context, l *link, i int) {
	a.l = l
	if !l.gate.enter() {
		a.reply, a.err, a.state = nil, ErrClosed, settled
		return
	}
	var again bool
	a.reply, again, a.err = l.try(ctx, a.deadline, readOnly(a.cmd), a.r.cmd, a.r.args)
	l.gate.leave()
	a.c.heard(ctx, l, i, !readOnly(a.cmd), a.err)
	a.state = troubled(ctx, a.err, again, runsScript(a.cmd))
}

// heard notes what came of an attempt over a link. i is its shard if that leads to the
// primary, or -1.
func (c *Client) heard(ctx context.Context, l *link, i int, wrote bool, err error) {
	if i >= 0 {
		c.answered(ctx, l, i, wrote, err)
	} else if err != nil {
		c.doubt(l.shard)
	}
}

// hold is persist for a call whose first attempt was made without all this.
func hold(ctx context.Context, a *call) (any, error) {
	held := *a // so that what is not held takes no memory
	return held.persist(ctx)
}

// persist attempts until the call is settled, or not to be held any longer. What was
// attempted already has a state.
func (a *call) persist(ctx context.Context) (any, error) {
	end := until(a.deadline)
	losses := 0
	for a.state != settled {
		at := a.l
		if a.state == lost {
			if losses++; losses > 1 {
				if a.err.(*ShardError).sent {
					break
				}
				a.state = down
			}
		}
		if !a.c.keeps(at, a.state, a.err) {
			break
		}
		v := a.c.pause(ctx, end, func(v *view) bool {
			return a.state == lost || a.state == frozen || v.to(a.shard, a.v) != at
		}, func(v *view) bool { return !readOnly(a.cmd) && v.frozen(a.shard, a.v) })
		if v == nil {
			break
		}
		i := v.index(a.shard, a.v)
		if i < 0 {
			break // nobody has it any more
		}
		a.attempt(ctx, v.links[i], i)
	}
	if a.state != settled {
		return a.reply, a.l.gaveUp(ctx, a.state, a.err)
	}
	return a.reply, a.err
}

// gaveUp is the error of a call that is held no longer, whose last attempt came to this.
func (l *link) gaveUp(ctx context.Context, state trouble, err error) error {
	e, replied := err.(redis.Error)
	switch {
	case state == refusal && replied:
		return l.refusedBy(e)
	case state == frozen && ended(ctx) != nil:
		return l.unsent(ctx, ended(ctx))
	case state == frozen:
		return l.frozen()
	}
	return err
}

func (l *link) frozen() *ShardError {
	return &ShardError{Shard: l.shard, Node: l.node.Addr, Err: errFrozen, SafeToRetry: true}
}

// keeps reports whether a call is held, whose last attempt came to this. For a node that
// cannot be reached another may take its place soon, or never: see newsWithin. In a cache
// others take the shard's keys.
func (c *Client) keeps(l *link, state trouble, err error) bool {
	_, dial := err.(*ShardError)
	switch {
	case state == refusal && dial:
		return !c.cfg.AutoEject
	case state != down:
		return true
	case c.cfg.AutoEject || len(c.pool.Sentinels) == 0 && !c.replicated(l.shard):
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failures == 0 || time.Since(l.since) < newsWithin
}

// replicated reports whether a shard has replicas, as far as is known.
func (c *Client) replicated(shard string) bool {
	s := c.topo.Snapshot()
	i := s.Index(shard)
	return i >= 0 && len(s.Shards[i].Replicas) > 0
}
