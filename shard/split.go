package shard

import (
	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/command"
)

// divide makes the parts of a request, and turns owners, the shard of each
// key, into the part of each key.
func divide(cmd *command.Command, r *request, owners []int, shards int) []part {
	counts := make([]int, shards)
	for _, s := range owners {
		counts[s]++
	}
	step := cmd.Step()
	where := make([]int, shards) // the part of a shard, from 1
	var parts []part
	for k, s := range owners {
		if where[s] == 0 {
			parts = append(parts, newPart(s, cmd, r.cmd, make([]any, 0, counts[s]*step)))
			where[s] = len(parts)
		}
		p := &parts[where[s]-1]
		at := r.keys[k] - 1
		p.Args = append(p.Args, r.args[at:at+step]...)
		owners[k] = where[s] - 1
	}
	return parts
}

// gathered returns the error of the whole, or nil: of the first part that has
// none of a shard's reply, else of the first error reply.
func gathered(v *view, parts []part) error {
	var reply error
	untouched := true // no other part can have changed anything
	for i := range parts {
		se, failed := parts[i].Err.(*ShardError)
		if !parts[i].readOnly && !(failed && se.SafeToRetry) {
			untouched = false
		}
	}
	for i := range parts {
		switch err := parts[i].Err.(type) {
		case nil:
		case redis.Error:
			if reply == nil {
				reply = named(err, v.Shards[parts[i].shard].Name)
			}
		case *ShardError:
			whole := *err
			whole.SafeToRetry = err.SafeToRetry && untouched
			return &whole
		default:
			return err
		}
	}
	return reply
}
