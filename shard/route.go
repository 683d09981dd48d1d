package shard

import (
	"errors"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/command"
)

// owner returns the shard of the key at position i of a request.
func (v *view) owner(r *request, i int) int {
	if s, ok := r.args[i-1].(string); ok {
		return v.Ring.OwnerString(s)
	}
	return v.Ring.Owner(r.At(i))
}

// single returns the shard that answers a command whose route is Single: the
// one that owns all its keys, or what stands for them. The error is a
// redis.Error.
func (v *view) single(cmd *command.Command, r *request) (int, error) {
	if cmd.KeyPos > 0 {
		return v.owner(r, cmd.KeyPos), nil
	}
	if err := r.find(cmd); err != nil {
		return 0, err
	}
	if len(r.keys) == 0 {
		return v.Ring.Owner(cmd.StandIn(nil, r)), nil
	}
	return v.common(r)
}

// common returns the shard of the keys of a request that has some, and was asked
// to find them.
func (v *view) common(r *request) (int, error) {
	shard := v.owner(r, r.keys[0])
	for _, i := range r.keys[1:] {
		if v.owner(r, i) != shard {
			return 0, ErrCrossSlot
		}
	}
	return shard, nil
}

// find sets keys to the positions of the request's keys.
func (r *request) find(cmd *command.Command) (err error) {
	if r.keys, err = cmd.Keys(r.keys[:0], r); err != nil {
		return errorReply(err)
	}
	return nil
}

// errorReply makes an error of the command table what a server would have
// answered.
func errorReply(err error) error {
	var e command.Error
	if errors.As(err, &e) {
		return redis.Error(e)
	}
	return err
}

// readOnly reports whether executing a command twice does no harm.
func readOnly(cmd *command.Command) bool { return cmd.Flags&command.ReadOnly != 0 }
