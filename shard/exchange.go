package shard

import (
	"context"
	"errors"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/internal/baton"
)

// part is one command for one shard, and what became of it.
type part struct {
	shard    int // index in the view
	readOnly bool
	cmd      string
	args     []any

	reply any
	err   error // nil, a redis.Error, a *ShardError or ErrClosed

	line  *baton.Line
	call  *baton.Call
	again bool
}

// lane is one shard's side of an exchange.
type lane struct {
	line  *baton.Line
	last  *baton.Call // of those not yet known to be done
	begun int
	used  bool
	err   error
}

// patience is how long an exchange waits for one shard before it looks at
// the others, so that a stuck one does not make their replies late.
const patience = 20 * time.Millisecond

// flushEvery is after how many commands for a shard an exchange has them
// written, while it encodes more.
const flushEvery = 256

// exchange executes parts, in one round trip for all shards at once: every
// part is sent before any reply is waited for. Parts of one shard are
// executed in their order. Those that may be sent again are, once, in order.
// The caller is inside the client's gate.
func (c *Client) exchange(ctx context.Context, v *view, parts []part, deadline time.Time) {
	c.pass(ctx, v, parts, deadline)
	var again []int
	for i := range parts {
		if parts[i].again {
			again = append(again, i)
		}
	}
	if again == nil || ctx.Err() != nil {
		return
	}
	second := make([]part, len(again))
	for j, i := range again {
		p := &parts[i]
		second[j] = part{shard: p.shard, readOnly: p.readOnly, cmd: p.cmd, args: p.args}
	}
	c.pass(ctx, v, second, deadline)
	for j, i := range again {
		parts[i] = second[j]
	}
}

// pass sends all parts once and collects what came of them.
func (c *Client) pass(ctx context.Context, v *view, parts []part, deadline time.Time) {
	lanes := c.launch(ctx, v, parts, deadline)
	await(ctx, lanes, deadline)
	for i := range parts {
		c.collect(ctx, v, &parts[i], deadline)
	}
}

// launch sends all parts and waits for no reply.
func (c *Client) launch(ctx context.Context, v *view, parts []part, deadline time.Time) []lane {
	lanes := make([]lane, len(v.links))
	gone := ctx.Err()
	for i := range parts {
		if l := &lanes[parts[i].shard]; !l.used {
			l.used, l.err = true, gone
			if gone == nil && v.links[parts[i].shard].serving() == nil {
				v.links[parts[i].shard].begin() // all dials at once; get waits for them
			}
		}
	}
	for i := range lanes {
		if lanes[i].used && gone == nil {
			lanes[i].line, lanes[i].err = v.links[i].get(ctx, deadline)
		}
	}
	for i := range parts {
		p, l := &parts[i], &lanes[parts[i].shard]
		if p.err = l.err; p.err == nil {
			p.line = l.line
			p.call, p.err = l.start(ctx, p, deadline)
		}
	}
	for i := range lanes {
		if lanes[i].last != nil {
			lanes[i].line.Flush()
		}
	}
	return lanes
}

// collect waits for a part's reply and settles what became of it.
func (c *Client) collect(ctx context.Context, v *view, p *part, deadline time.Time) {
	if p.call != nil {
		p.reply, p.err = p.line.Wait(ctx, p.call, deadline)
		p.call = nil
	}
	if _, replied := p.err.(redis.Error); p.err != nil && !replied && p.err != ErrClosed {
		p.err, p.again = v.links[p.shard].judge(ctx, p.line, p.err, p.readOnly)
	}
	c.answered(p.shard, p.err)
}

// drop gives a part's reply up.
func (p *part) drop() {
	if p.call != nil {
		p.line.Drop(p.call)
		p.call = nil
	}
}

// start begins a part's call. A backlog of this exchange's own making is
// waited for.
func (l *lane) start(ctx context.Context, p *part, deadline time.Time) (*baton.Call, error) {
	call, err := l.line.Start(p.cmd, p.args)
	if errors.Is(err, ErrBacklog) && l.last != nil {
		l.line.Flush()
		l.line.Await(ctx, l.last, deadline)
		call, err = l.line.Start(p.cmd, p.args)
	}
	if err != nil {
		return nil, err
	}
	l.last = call
	if l.begun++; l.begun%flushEvery == 0 {
		l.line.Flush()
	}
	return call, nil
}

// await waits until the last call of every lane is done, the context ends or
// the deadline passes.
func await(ctx context.Context, lanes []lane, deadline time.Time) {
	open := 0
	for i := range lanes {
		if lanes[i].last != nil {
			open++
		}
	}
	for open > 0 {
		for i := range lanes {
			l := &lanes[i]
			if l.last == nil {
				continue
			}
			until := deadline
			if open > 1 {
				if t := time.Now().Add(patience); deadline.IsZero() || t.Before(deadline) {
					until = t
				}
			}
			if l.line.Await(ctx, l.last, until) == nil {
				l.last = nil
				open--
			}
		}
		if ctx.Err() != nil || !deadline.IsZero() && !time.Now().Before(deadline) {
			return
		}
	}
}
