package shard

import (
	"context"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"
)

// Wait waits until the shards of the keys, or without keys all shards, have
// copied what they had answered before to so many replicas, or until timeout (0:
// no limit). It returns the number of replicas that have all of it, on the shard
// where that are fewest: less than replicas means that the time was up.
//
// All writes count that a shard had answered when Wait was called, whoever made
// them, so it holds for a client that goroutines share: first Do, then Wait. Do
// with WAIT asks all shards.
func (c *Client) Wait(ctx context.Context, replicas int, timeout time.Duration, keys ...string) (int, error) {
	v, err := c.current()
	if err != nil {
		return 0, err
	}
	var shards []int
	seen := make([]bool, len(v.links))
	for _, k := range keys {
		if i := v.Ring.OwnerString(k); !seen[i] {
			shards, seen[i] = append(shards, i), true
		}
	}
	// A timeout that rounds to 0 would be none.
	ms := (timeout + time.Millisecond - 1).Milliseconds()
	return redis.Int(c.wait(ctx, v, shards, []any{replicas, ms}))
}

// wait is WAIT on some shards, on all for none, and returns the least number.
func (c *Client) wait(ctx context.Context, v *view, shards []int, args []any) (any, error) {
	if shards == nil {
		for i := range v.links {
			shards = append(shards, i)
		}
	}
	if !c.gate.enter() {
		return nil, ErrClosed
	}
	defer c.gate.leave()
	ctx, done := c.untilClose(ctx)
	defer done()
	counts := make([]int64, len(shards))
	errs := make([]error, len(shards))
	var wg sync.WaitGroup
	for k, i := range shards {
		wg.Go(func() {
			counts[k], errs[k] = redis.Int64(c.waitFor(ctx, v.links[i], args))
			c.answered(ctx, v.links[i], i, false, errs[k])
		})
	}
	wg.Wait()
	least := counts[0]
	for k, err := range errs {
		if e, ok := err.(redis.Error); ok && len(v.links) > 1 {
			err = named(e, v.links[shards[k]].shard)
		}
		if err != nil {
			return answer(err)
		}
		least = min(least, counts[k])
	}
	return least, nil
}

func (c *Client) waitFor(ctx context.Context, l *link, args []any) (any, error) {
	deadline := c.deadline(ctx, time.Now(), c.cfg.Timeout)
	p, err := l.borrow(ctx, deadline)
	if err != nil {
		return nil, err
	}
	defer p.close()
	// WAIT is for what its connection has seen. Any command there, if only a
	// PING, makes a server take it for having seen all up to now.
	if _, err := p.do(ctx, deadline, "PING"); err != nil {
		return nil, err
	}
	r := &request{cmd: "WAIT", args: args}
	limit := time.Duration(0)
	if cmd, err := c.table.Resolve(r); err == nil {
		limit = silence(cmd, r, c.cfg.Timeout)
	}
	reply, err := p.block(ctx, limit, true, r.cmd, args...)
	if err == nil && ctx.Err() != nil {
		return nil, l.unsent(ctx, ctx.Err()) // not a number to rely on: it was made to answer
	}
	return reply, err
}
