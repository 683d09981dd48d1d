package shard

import (
	"context"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/command"
)

// Scan goes through the keys of all shards, one shard after another, with SCAN:
//
//	for key, err := range client.Scan(ctx, "user:*", 1000) {
//		if err != nil {
//			return err
//		}
//		...
//	}
//
// match is a pattern, "" for all; count is how many keys a shard looks at in
// each step, 0 for its own default of 10. As with SCAN a key that is there all
// the time comes at least once, and may come again. An error ends it.
func (c *Client) Scan(ctx context.Context, match string, count int) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		cursor := "0"
		args := redis.Args{cursor}
		if match != "" {
			args = args.Add("MATCH", match)
		}
		if count > 0 {
			args = args.Add("COUNT", count)
		}
		for {
			args[0] = cursor
			page, err := redis.Values(c.Do(ctx, "SCAN", args...))
			var keys []string
			if err == nil {
				_, err = redis.Scan(page, &cursor, &keys)
			}
			if err != nil {
				yield("", err)
				return
			}
			for _, k := range keys {
				if !yield(k, nil) {
					return
				}
			}
			if cursor == "0" {
				return
			}
		}
	}
}

// draw is RANDOMKEY: of a shard by chance, the larger the likelier, so that
// every key of the pool is as likely as on one server.
func (c *Client) draw(ctx context.Context, v *view, deadline time.Time, cmd *command.Command, r *request) (any, error) {
	sizes, err := c.sizes(ctx, v, deadline)
	if err != nil {
		return answer(err)
	}
	for {
		var sum int64
		for _, n := range sizes {
			sum += n
		}
		if sum == 0 {
			return nil, nil
		}
		at, i := rand.Int64N(sum), 0
		for ; at >= sizes[i]; i++ {
			at -= sizes[i]
		}
		key, err := c.one(ctx, v, i, deadline, cmd, r)
		if key != nil || err != nil {
			return key, err
		}
		sizes[i] = 0 // emptied since
	}
}

// sizes returns the number of keys of each shard.
func (c *Client) sizes(ctx context.Context, v *view, deadline time.Time) ([]int64, error) {
	if !c.gate.enter() {
		return nil, ErrClosed
	}
	defer c.gate.leave()
	b := c.batch()
	defer b.free()
	b.v = v
	size, err := c.table.Resolve(command.Strings{"DBSIZE"})
	if err != nil {
		return nil, errorReply(err)
	}
	for i := range v.links {
		b.parts = append(b.parts, newPart(i, size, "DBSIZE", nil))
	}
	b.exchange(ctx, deadline)
	if err := gathered(v, b.parts); err != nil {
		return nil, err
	}
	sizes := make([]int64, len(b.parts))
	for i := range sizes {
		n, ok := b.parts[i].Reply.(int64)
		if !ok {
			return nil, unexpected(v, &b.parts[i])
		}
		sizes[i] = n
	}
	return sizes, nil
}
