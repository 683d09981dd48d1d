package shard

import (
	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/command"
)

// batch is several requests planned under one view, to be executed together.
type batch struct {
	c     *Client
	v     *view
	parts []part
	spans []span // of each request
}

// span is the parts of one request and what becomes of their replies.
type span struct {
	ready  bool // answered without a shard: reply
	reply  Reply
	merge  command.Merge // None: the one part's reply is the reply
	first  int
	n      int
	owners []int // of a split: the part of each key
}

// add plans a request.
func (b *batch) add(r *request) {
	s := span{first: len(b.parts)}
	if err := b.plan(&s, r); err != nil {
		s.ready = true
		s.reply.Value, s.reply.Err = answer(err)
	}
	s.n = len(b.parts) - s.first
	b.spans = append(b.spans, s)
}

func (b *batch) plan(s *span, r *request) error {
	cmd, err := b.c.table.Resolve(r)
	if err != nil {
		return errorReply(err)
	}
	if b.v.AllEjected() && (cmd.Route == command.Single || cmd.Route == command.Split) {
		return b.v.ejected()
	}
	switch cmd.Route {
	case command.Local:
		s.ready = true
		s.reply.Value, s.reply.Err = b.c.local(cmd, r)
		return nil
	case command.Single:
		return b.addSingle(cmd, r)
	case command.Split:
		return b.addSplit(s, cmd, r)
	case command.All:
		s.merge = cmd.Merge
		if cmd.Merge == command.Scan {
			p, err := b.v.scanPart(r)
			if err == nil {
				b.parts = append(b.parts, p)
			}
			return err
		}
		// Ejected shards too: what is asked is about all of them.
		for i := range b.v.links {
			b.parts = append(b.parts, part{shard: i, readOnly: readOnly(cmd), cmd: r.cmd, args: r.args})
		}
		return nil
	}
	return redis.Error(cmd.Reason())
}

func (b *batch) addSingle(cmd *command.Command, r *request) error {
	i, err := b.v.single(cmd, r)
	if err == nil {
		b.parts = append(b.parts, part{shard: i, readOnly: readOnly(cmd), cmd: r.cmd, args: r.args})
	}
	return err
}

// addSplit gives each shard the command with its own keys. A request that one
// shard answers alone is sent as it came.
func (b *batch) addSplit(s *span, cmd *command.Command, r *request) error {
	if err := r.find(cmd); err != nil {
		return err
	}
	spread := false
	owners := make([]int, len(r.keys))
	for k, i := range r.keys {
		owners[k] = b.v.owner(r, i)
		spread = spread || owners[k] != owners[0]
	}
	if !spread {
		return b.addSingle(cmd, r)
	}
	b.parts = append(b.parts, divide(cmd, r, owners, len(b.v.links))...)
	s.merge, s.owners = cmd.Merge, owners
	return nil
}

// reply returns the reply of request i, whose parts are all settled.
func (b *batch) reply(i int) Reply {
	s := &b.spans[i]
	if s.ready {
		return s.reply
	}
	parts := b.parts[s.first : s.first+s.n]
	var r Reply
	switch s.merge {
	case command.None:
		r.Value, r.Err = parts[0].reply, parts[0].err
	case command.Scan:
		r.Value, r.Err = b.v.scanned(&parts[0])
	default:
		if err := gathered(b.v, parts); err != nil {
			r.Value, r.Err = answer(err)
		} else {
			r.Value, r.Err = merge(b.v, s.merge, parts, s.owners)
		}
	}
	return r
}
