package shard

import (
	"errors"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/crossread"
)

// maxCrossRead is how many bytes of members the shards may reply to one request
// that is read over several of them.
const maxCrossRead = 512 << 20

// crossReads reports whether a command may have keys on several shards, from
// which the client makes the reply.
func (c *Client) crossReads(cmd *command.Command) bool {
	return c.cfg.CrossShardReads && crossread.Supports(cmd.Name)
}

// addCrossRead plans a request whose keys, already found, are not on one shard.
func (b *batch) addCrossRead(s *span, cmd *command.Command, r *request) error {
	owners := make([]int, len(r.keys))
	for k, i := range r.keys {
		owners[k] = b.v.owner(r, i)
	}
	plan, err := crossread.New(cmd, r, r.keys, owners)
	if err != nil {
		return redis.Error(err.Error())
	}
	plan.MaxBytes = maxCrossRead
	for i := range plan.Requests {
		q := &plan.Requests[i]
		args := make([]any, len(q.Args))
		for j, arg := range q.Args {
			args[j] = arg
		}
		b.parts = append(b.parts, newPart(q.Owner, cmd, q.Name, args))
	}
	s.read = plan
	return nil
}

// crossRead makes the reply of a plan from its parts.
func crossRead(v *view, plan *crossread.Plan, parts []part) (any, error) {
	replies := make([]any, len(parts))
	for i := range parts {
		switch err := parts[i].Err.(type) {
		case nil:
			replies[i] = parts[i].Reply
		case redis.Error:
			replies[i] = err
		default:
			return nil, err
		}
	}
	value, err := plan.Reply(replies)
	var e *crossread.Error
	switch {
	case !errors.As(err, &e):
		return value, err
	case e.Request >= 0:
		return answer(named(redis.Error(e.Text), v.Shards[parts[e.Request].shard].Name))
	}
	return answer(redis.Error(e.Text))
}
