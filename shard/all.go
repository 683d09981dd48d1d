package shard

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"
)

// scanPart is a SCAN for the shard whose turn it is. With n shards, cursor c
// of shard i is c*n+i to the caller, so it needs no state here and goes on in
// any client, or proxy, of the same shards.
func (v *view) scanPart(r *request) (part, error) {
	n := uint64(len(v.links))
	cursor, err := strconv.ParseUint(string(r.At(1)), 10, 64)
	if err != nil {
		return part{}, redis.Error("ERR invalid cursor")
	}
	args := append([]any{strconv.FormatUint(cursor/n, 10)}, r.args[1:]...)
	return part{shard: int(cursor % n), readOnly: true, cmd: r.cmd, args: args}, nil
}

// scanned puts the shard into the cursor of a SCAN's reply.
func (v *view) scanned(p *part) (any, error) {
	if p.err != nil {
		return answer(p.err)
	}
	page, ok := p.reply.([]any)
	if !ok || len(page) != 2 {
		return nil, unexpected(v, p)
	}
	next, err := redis.Uint64(page[0], nil)
	if err == nil {
		next, err = nextCursor(next, p.shard, len(v.links))
	}
	if err != nil {
		return nil, &ShardError{v.Shards[p.shard].Name, v.Shards[p.shard].Primary.Addr, err, true}
	}
	page[0] = strconv.AppendUint(nil, next, 10)
	return page, nil
}

// nextCursor returns the caller's cursor after shard i of n answered with
// cursor c. A shard that is done is followed by the next one, the last by 0.
func nextCursor(c uint64, i, n int) (uint64, error) {
	if c == 0 {
		return uint64((i + 1) % n), nil
	}
	if c > (math.MaxUint64-uint64(i))/uint64(n) {
		return 0, fmt.Errorf("cursor %d of shard %d of %d does not fit 64 bits", c, i, n)
	}
	return c*uint64(n) + uint64(i), nil
}

// ForEachShard calls fn for every shard at the same time, each with a
// connection of its own, and returns their errors joined, each with the name
// of its shard. The connection is an ordinary redigo one: nothing is routed,
// any command goes, and Config.Timeout bounds each reply. It goes back to the
// shard's pool when fn returns. When ctx ends, waiting for a connection ends;
// fn must look at ctx itself.
func (c *Client) ForEachShard(ctx context.Context, fn func(ctx context.Context, shard string, conn redis.Conn) error) error {
	v, err := c.current(time.Now())
	if err != nil {
		return err
	}
	if !c.gate.enter() {
		return ErrClosed
	}
	defer c.gate.leave()
	errs := make([]error, len(v.links))
	var wg sync.WaitGroup
	for i, l := range v.links {
		wg.Go(func() {
			conn, err := l.pool.GetContext(ctx)
			if err != nil {
				l.report()
				errs[i] = &ShardError{l.shard, l.node.Addr, err, true}
				return
			}
			defer conn.Close()
			if err := fn(ctx, l.shard, conn); err != nil {
				errs[i] = fmt.Errorf("shard '%s' at %s: %w", l.shard, l.node.Addr, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
