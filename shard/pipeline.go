package shard

import (
	"context"
	"errors"
	"time"
)

// Reply is one command's of a pipeline, as Do would have returned it.
type Reply struct {
	Value any
	Err   error
}

// Pipeline collects commands and executes them in one round trip for every
// shard that has any, all at the same time. A pipeline belongs to one
// goroutine. It is not a transaction: commands for one shard are executed in
// their order, with others' between them; between shards there is no order.
// What a node refuses to execute now is sent again as Do sends it, and what
// only reads and stands behind it is read again; where a write behind it has
// been executed the order cannot be had any more, and it has its error.
// Of a shard that the pipeline only reads, one replica answers all, if
// Config.ReadFrom wants one; with a write among them the primary does.
type Pipeline struct {
	c *Client
	b *batch // nil: empty
}

// Pipeline returns an empty pipeline.
func (c *Client) Pipeline() *Pipeline { return &Pipeline{c: c} }

// Add appends a command, any that Do takes. Byte slices among its arguments
// must not be changed before Exec.
func (p *Pipeline) Add(cmd string, args ...any) *Pipeline {
	if p.b == nil {
		p.b = p.c.batch()
	}
	b, first := p.b, len(p.b.args)
	b.args = append(b.args, plain(args)...)
	b.requests = append(b.requests, request{cmd: cmd, args: b.args[first:len(b.args):len(b.args)]})
	return p
}

// Len returns the number of commands added since the last Exec.
func (p *Pipeline) Len() int {
	if p.b == nil {
		return 0
	}
	return len(p.b.requests)
}

// Exec executes the commands and returns a Reply for each, in the order of
// Add. The error joins the errors of the replies, or is nil. The pipeline is
// empty afterwards and may be used again.
//
// The context's end, or Config.Timeout, bounds all of it: what has not been
// answered by then has the error, what has been answered has its reply.
func (p *Pipeline) Exec(ctx context.Context) ([]Reply, error) {
	b := p.b
	if b == nil {
		b = p.c.batch()
	}
	p.b = nil
	defer b.free()
	replies := make([]Reply, len(b.requests))
	fail := func(err error) ([]Reply, error) {
		for i := range replies {
			replies[i].Err = err
		}
		return replies, err
	}
	now := time.Now()
	v, err := p.c.current()
	if err != nil {
		return fail(err)
	}
	if !p.c.gate.enter() {
		return fail(ErrClosed)
	}
	defer p.c.gate.leave()
	b.v = v
	for i := range b.requests {
		b.add(&b.requests[i])
	}
	b.exchange(ctx, p.c.deadline(ctx, now, p.c.cfg.Timeout))
	var errs []error
	for i := range replies {
		replies[i] = b.reply(i)
		if replies[i].Err != nil {
			errs = append(errs, replies[i].Err)
		}
	}
	return replies, errors.Join(errs...)
}
