package shard

import (
	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/crossread"
)

// batch is several requests planned under one view, to be executed together.
type batch struct {
	c     *Client
	v     *view
	parts []part
	spans []span // of each request
	lanes []lane // of each shard, while parts are under way

	// Of a pipeline, which hands the batch back with free.
	requests []request
	args     []any // theirs
}

// span is the parts of one request and what becomes of their replies.
type span struct {
	ready  *Reply          // of a request that is answered without a shard
	read   *crossread.Plan // of a request that is read over several shards
	merge  command.Merge   // None: the one part's reply is the reply
	first  int
	n      int
	owners []int // of a split: the part of each key
	most   int   // of SLOWLOG GET: how many entries it asks for
}

// keepParts is how many requests, and how many parts, a batch may hold that is
// kept to be used again.
const keepParts = 4096

// batch returns an empty batch that has the memory of another one.
func (c *Client) batch() *batch {
	b := c.batches.Get().(*batch)
	b.c = c
	return b
}

// free gives up a batch that nobody looks at any more and whose parts are
// settled, so that no line knows them.
func (b *batch) free() {
	c := b.c
	if max(cap(b.requests), cap(b.parts), cap(b.args)/8) > keepParts {
		return
	}
	clear(b.parts)
	clear(b.spans)
	clear(b.requests)
	clear(b.args)
	for i := range b.lanes {
		b.lanes[i].reset()
	}
	*b = batch{parts: b.parts[:0], spans: b.spans[:0], lanes: b.lanes, requests: b.requests[:0], args: b.args[:0]}
	c.batches.Put(b)
}

// add plans a request.
func (b *batch) add(r *request) {
	s := span{first: len(b.parts)}
	if err := b.plan(&s, r); err != nil {
		s.ready = new(Reply)
		s.ready.Value, s.ready.Err = answer(err)
	}
	s.n = len(b.parts) - s.first
	b.spans = append(b.spans, s)
}

func (b *batch) plan(s *span, r *request) error {
	cmd, err := b.c.table.Resolve(r)
	if err != nil {
		return errorReply(err)
	}
	b.c.scripts.note(cmd, r)
	if b.v.AllEjected() && (cmd.Route == command.Single || cmd.Route == command.Split) {
		return b.v.ejected()
	}
	switch cmd.Route {
	case command.Local:
		s.ready = new(Reply)
		s.ready.Value, s.ready.Err = b.c.local(cmd, r)
		return nil
	case command.Single:
		err := b.addSingle(cmd, r)
		if err == ErrCrossSlot && b.c.crossReads(cmd) {
			return b.addCrossRead(s, cmd, r)
		}
		return err
	case command.Split:
		return b.addSplit(s, cmd, r)
	case command.All:
		if cmd.Merge == command.RandomKey {
			return unfit(cmd, draws)
		}
		s.merge = cmd.Merge
		if cmd.Merge == command.Slowlog {
			s.most = slowlogCount(r)
		}
		if cmd.Merge == command.Scan {
			p, err := b.v.scanPart(cmd, r)
			if err == nil {
				b.parts = append(b.parts, p)
			}
			return err
		}
		// Ejected shards too: what is asked is about all of them.
		for i := range b.v.links {
			b.parts = append(b.parts, newPart(i, cmd, r.cmd, r.args))
		}
		return nil
	}
	return unfit(cmd, kindOf(cmd))
}

func (b *batch) addSingle(cmd *command.Command, r *request) error {
	i, err := b.v.single(cmd, r)
	if err == nil {
		b.parts = append(b.parts, newPart(i, cmd, r.cmd, r.args))
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
	if s.ready != nil {
		return *s.ready
	}
	parts := b.parts[s.first : s.first+s.n]
	var r Reply
	if s.read != nil {
		r.Value, r.Err = crossRead(b.v, s.read, parts)
		return r
	}
	switch s.merge {
	case command.None:
		r.Value, r.Err = parts[0].Reply, parts[0].Err
	case command.Scan:
		r.Value, r.Err = b.v.scanned(&parts[0])
	case command.AnyOK:
		r.Value, r.Err = anyOK(b.v, parts)
	default:
		if err := gathered(b.v, parts); err != nil {
			r.Value, r.Err = answer(err)
		} else {
			r.Value, r.Err = merge(b.v, s, parts)
		}
	}
	return r
}
