package shard

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/command"
)

// scanPart is a SCAN for the shard whose turn it is, with its own cursor.
func (v *view) scanPart(cmd *command.Command, r *request) (part, error) {
	shard, own, err := command.SplitCursor(r.At(1), len(v.links))
	if err != nil {
		return part{}, redis.Error(err.Error())
	}
	args := append([]any{strconv.FormatUint(own, 10)}, r.args[1:]...)
	return newPart(shard, cmd, r.cmd, args), nil
}

// scanned puts the shard into the cursor of a SCAN's reply.
func (v *view) scanned(p *part) (any, error) {
	if p.Err != nil {
		return answer(p.Err)
	}
	page, ok := p.Reply.([]any)
	if !ok || len(page) != 2 {
		return nil, unexpected(v, p)
	}
	next, err := redis.Uint64(page[0], nil)
	if err == nil {
		next, err = command.NextCursor(next, p.shard, len(v.links))
	}
	if err != nil {
		return nil, &ShardError{Shard: v.Shards[p.shard].Name, Node: v.Shards[p.shard].Primary.Addr, Err: err, SafeToRetry: true}
	}
	page[0] = strconv.AppendUint(nil, next, 10)
	return page, nil
}

// ForEachShard calls fn for every shard at the same time, each with a
// connection of its own, and returns their errors joined, each with the name
// of its shard. The connection is an ordinary redigo one: nothing is routed,
// any command goes, and Config.Timeout bounds each reply. It goes back to the
// shard's pool when fn returns. Config.Timeout and ctx bound getting it; fn must
// look at ctx itself.
func (c *Client) ForEachShard(ctx context.Context, fn func(ctx context.Context, shard string, conn redis.Conn) error) error {
	v, err := c.current()
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
			p, err := l.borrow(ctx, c.deadline(ctx, time.Now(), c.cfg.Timeout))
			if err != nil {
				errs[i] = err
				return
			}
			defer p.close()
			if err := fn(ctx, l.shard, p.conn); err != nil {
				errs[i] = fmt.Errorf("shard '%s' at %s: %w", l.shard, l.node.Addr, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
