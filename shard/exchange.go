package shard

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/internal/baton"
)

// part is one command for one shard, and what became of it. Its Err, when it
// is settled, is nil, a redis.Error, a *ShardError or ErrClosed.
type part struct {
	baton.Command
	shard    int // index in the view
	readOnly bool
	script   bool
	spreads  bool  // a replica may answer it
	replica  bool  // one did, or was to
	tries    uint8 // on replicas
	state    trouble
	losses   uint8
	link     *link // where it was sent, or would have been
}

func newPart(shard int, cmd *command.Command, name string, args []any) part {
	return part{
		Command: baton.Command{Cmd: name, Args: args}, shard: shard,
		readOnly: readOnly(cmd), script: runsScript(cmd), spreads: spreads(cmd),
	}
}

// lane is one shard's side of an exchange.
type lane struct {
	link  *link
	line  *baton.Line
	err   error            // why rest was not started
	all   []*baton.Command // for this shard
	rest  []*baton.Command // of these, the ones that are not started
	last  []*baton.Command // of each run that was started
	open  bool             // not known to be answered
	pure  bool             // all may be answered by a replica
	avoid *link            // a replica that did not answer
	held  bool             // a write waits for a failover, and what follows for it
}

// patience is how long an exchange waits for one shard before it looks at
// the others, so that a stuck one does not make their replies late.
const patience = 20 * time.Millisecond

// longestRun is after how many commands for a shard an exchange has them
// written, while it encodes more.
const longestRun = 256

// exchange executes the parts, in one round trip for all shards at once:
// every part is sent before any reply is waited for. Parts of one shard are
// executed in their order. Those that may be sent again are, in order: see
// hold.go and regroup. The caller is inside the client's gate.
func (b *batch) exchange(ctx context.Context, deadline time.Time) {
	if b.pass(ctx, deadline) {
		b.persist(ctx, deadline)
	}
}

// pass sends all parts once and settles what came of them. It reports whether some are
// in trouble.
func (b *batch) pass(ctx context.Context, deadline time.Time) (troubled bool) {
	b.launch(ctx, deadline)
	b.count(1)
	b.await(ctx, deadline)
	for i := range b.lanes {
		l := &b.lanes[i]
		for _, last := range l.last {
			l.line.Wait(ctx, last, deadline)
		}
	}
	b.count(-1)
	for i := range b.parts {
		b.settle(ctx, &b.parts[i])
		troubled = troubled || b.parts[i].state != settled
	}
	return troubled
}

// count notes what is under way at replicas, or is not any more.
func (b *batch) count(sign int64) {
	for i := range b.lanes {
		if l := &b.lanes[i]; l.pure && len(l.all) > 0 && b.c.cfg.Balance == config.LeastRequests {
			l.link.batched.Add(sign * int64(len(l.all)))
		}
	}
}

// launch sends all parts and waits for no reply.
func (b *batch) launch(ctx context.Context, deadline time.Time) {
	for len(b.lanes) < len(b.v.links) {
		b.lanes = append(b.lanes, lane{})
	}
	for i := range b.parts {
		p := &b.parts[i]
		l := &b.lanes[p.shard]
		if l.held = l.held || !p.readOnly && b.v.Shards[p.shard].Frozen; l.held {
			p.state = frozen
			continue
		}
		l.pure = p.spreads && (l.pure || len(l.all) == 0)
		if l.all = append(l.all, &p.Command); p.replica {
			l.avoid = p.link
		}
		if p.tries > 1 {
			l.pure = false
		}
	}
	gone := ctx.Err()
	for i := range b.lanes {
		l := &b.lanes[i]
		if len(l.all) == 0 {
			continue
		}
		if l.link = b.v.links[i]; l.pure {
			l.err = b.choose(ctx, i)
		}
		if gone == nil && l.err == nil && l.link.serving() == nil {
			l.link.begin() // all dials at once; get waits for them
		}
	}
	for i := range b.lanes {
		l := &b.lanes[i]
		if l.rest, l.err = l.all, cmp.Or(gone, l.err); len(l.rest) > 0 && l.err == nil {
			if l.line, l.err = l.link.get(ctx, deadline); l.err == nil {
				l.start()
			}
		}
	}
	for i := range b.lanes {
		b.lanes[i].finish(ctx, deadline)
	}
}

// choose has the commands of a lane, which all may be, answered by a replica, all by the
// same one.
func (b *batch) choose(ctx context.Context, shard int) error {
	l := &b.lanes[shard]
	from := b.c.readsFrom(ctx, l.link.shard, shard)
	if from == fromPrimary {
		return nil
	}
	to := b.c.pick(b.v, shard, from, l.avoid)
	switch {
	case to != nil:
		l.link = to
	case from == fromReplica:
		return ErrNoReplica
	}
	return nil
}

// frozen reports whether a part has to wait for a failover.
func (b *batch) frozen(v *view) bool {
	for i := range b.parts {
		if p := &b.parts[i]; !p.readOnly && v.frozen(p.shard, b.v) {
			return true
		}
	}
	return false
}

// start begins as many of the rest as there is room for.
func (l *lane) start() {
	for l.err = nil; len(l.rest) > 0 && l.err == nil; {
		var n int
		n, l.err = l.line.Start(l.rest[:min(len(l.rest), longestRun)])
		if n > 0 {
			l.last = append(l.last, l.rest[n-1])
			l.rest = l.rest[n:]
			l.line.Flush()
		}
	}
}

// full reports whether there was no room for the rest.
func (l *lane) full() bool { return errors.Is(l.err, ErrBacklog) || errors.Is(l.err, ErrTooMany) }

// finish begins the rest, or fails it. Where this exchange itself has filled the room,
// that is waited for.
func (l *lane) finish(ctx context.Context, deadline time.Time) {
	for left := 0; l.full() && len(l.last) > 0 && len(l.rest) != left; {
		left = len(l.rest)
		l.line.Await(ctx, l.last[len(l.last)-1], deadline)
		l.start()
	}
	for _, cmd := range l.rest {
		cmd.Err = l.err
	}
	l.rest = nil
}

// reset makes a lane ready for another exchange.
func (l *lane) reset() {
	clear(l.all)
	clear(l.last)
	*l = lane{all: l.all[:0], last: l.last[:0]}
}

// take waits for a part that was launched and settles what became of it.
func (b *batch) take(ctx context.Context, p *part, deadline time.Time) {
	if p.Started() {
		b.lanes[p.shard].line.Wait(ctx, &p.Command, deadline)
	}
	b.settle(ctx, p)
}

// settle decides about a part that is answered or has failed, or was not sent.
func (b *batch) settle(ctx context.Context, p *part) {
	if p.state == frozen {
		p.link = b.v.links[p.shard]
		p.Err = p.link.frozen()
		return
	}
	l := &b.lanes[p.shard]
	p.link = l.link
	if p.replica = p.link != b.v.links[p.shard]; p.replica {
		p.tries++
	}
	if p.Err != nil {
		again := false
		if _, replied := p.Err.(redis.Error); !replied && p.Err != ErrClosed {
			p.Err, again = p.link.judge(ctx, l.line, p.Err, p.readOnly)
		}
		p.state = troubled(ctx, p.Err, again, p.script)
	}
	if !p.replica {
		b.c.answered(ctx, p.link, p.shard, !p.readOnly, p.Err)
	} else if p.Err != nil {
		b.c.doubt(p.link.shard)
	}
}

// drop gives up the replies that have not been taken.
func (b *batch) drop() {
	for i := range b.parts {
		if p := &b.parts[i]; p.Started() {
			b.lanes[p.shard].line.Drop(&p.Command)
		}
	}
}

// await waits until every lane is answered, the context ends or the deadline
// passes.
func (b *batch) await(ctx context.Context, deadline time.Time) {
	open := 0
	for i := range b.lanes {
		if l := &b.lanes[i]; len(l.last) > 0 {
			l.open = true
			open++
		}
	}
	for open > 0 {
		for i := range b.lanes {
			l := &b.lanes[i]
			if !l.open {
				continue
			}
			until := deadline
			if open > 1 {
				if t := time.Now().Add(patience); deadline.IsZero() || t.Before(deadline) {
					until = t
				}
			}
			if l.line.Await(ctx, l.last[len(l.last)-1], until) == nil {
				l.open = false
				open--
			}
		}
		if ctx.Err() != nil || !deadline.IsZero() && !time.Now().Before(deadline) {
			return
		}
	}
}
