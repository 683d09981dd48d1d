package shard

import (
	"context"
	"fmt"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/internal/baton"
)

// anyShard is the place of a command that any shard can answer.
const anyShard = -1

// draft is a transaction that is not sent yet: nothing but WATCH reaches a
// server before EXEC, when MULTI, the commands and EXEC go out in one write. So
// the first key may come as late as it likes, and a connection is borrowed only
// for the time that the shard takes, or while keys are watched.
type draft struct {
	c       *Client
	v       *view
	shard   int // of its keys; anyShard: none so far
	queue   []entry
	p       *private // borrowed
	watches bool     // p has watched keys
}

// entry is a command of a draft.
type entry struct {
	request
	channel int // the shard of a PUBLISH; anyShard: it is none
}

// add takes a command in, or returns the redis.Error that refuses it.
func (d *draft) add(r request) error {
	cmd, err := d.c.table.Resolve(&r)
	if err != nil {
		return errorReply(err)
	}
	d.c.scripts.note(cmd, &r)
	e := entry{r, anyShard}
	if kindOf(cmd) == publishes {
		e.channel = d.v.owner(&r, 1)
	} else {
		shard, err := d.v.place(cmd, &r)
		if err == nil {
			err = d.join(shard)
		}
		if err != nil {
			return err
		}
	}
	d.queue = append(d.queue, e)
	return nil
}

// join notes the shard of another key.
func (d *draft) join(shard int) error {
	switch {
	case shard == anyShard:
	case d.shard == anyShard:
		d.shard = shard
	case d.shard != shard:
		return ErrCrossSlot
	}
	return nil
}

// place returns the shard that a command of a transaction needs, if it is no
// PUBLISH.
func (v *view) place(cmd *command.Command, r *request) (int, error) {
	k := kindOf(cmd)
	switch {
	case cmd.Route == command.Single, cmd.Route == command.Split, k == waits:
		if err := r.find(cmd); err != nil {
			return 0, err
		}
		if len(r.keys) == 0 {
			return anyShard, nil
		}
		return v.common(r)
	case cmd.Name == "ping", cmd.Name == "echo", cmd.Name == "time", cmd.Name == "unwatch":
		return anyShard, nil
	case cmd.Route == command.Refused && k == ordinary:
		return 0, redis.Error(cmd.Reason())
	}
	return 0, redis.Error("ERR shardring: '" + cmd.Name + "' cannot be part of a transaction, which is on one shard")
}

// watch sends WATCH, on the connection that EXEC will use.
func (d *draft) watch(ctx context.Context, deadline time.Time, r *request) error {
	cmd, err := d.c.table.Resolve(r)
	if err != nil {
		return errorReply(err)
	}
	if err := r.find(cmd); err != nil {
		return err
	}
	for _, i := range r.keys {
		if err := d.join(d.v.owner(r, i)); err != nil {
			return err
		}
	}
	if d.v.AllEjected() {
		return d.v.ejected()
	}
	f := func(l *link) error {
		if err := d.borrow(ctx, l, deadline); err != nil {
			return err
		}
		d.watches = true
		_, err := d.p.do(ctx, deadline, r.cmd, r.args...)
		if se, ok := err.(*ShardError); ok {
			se.SafeToRetry = true
		}
		d.c.answered(ctx, l, d.shard, false, err)
		return err
	}
	if d.p == nil {
		return d.again(ctx, deadline, f)
	}
	// Nothing but this connection knows what is watched already.
	err = f(d.p.link)
	if e, ok := err.(redis.Error); ok && refuses(e, false) {
		err = d.p.link.refusedTx(e)
	}
	return err
}

// borrow gets a connection of the transaction's shard.
func (d *draft) borrow(ctx context.Context, l *link, deadline time.Time) (err error) {
	if d.p == nil {
		d.p, err = l.borrow(ctx, deadline)
	}
	return err
}

// drop gives a connection up, whose node does not execute the transaction.
func (d *draft) drop() {
	if d.p != nil {
		d.p.kill()
		d.p.close()
		d.p, d.watches = nil, false
	}
}

// anywhere returns the shard of a transaction without keys: that of its first
// channel, if it has one.
func (d *draft) anywhere() int {
	for i := range d.queue {
		if d.queue[i].channel != anyShard {
			return d.queue[i].channel
		}
	}
	return d.v.Ring.OwnerString("exec")
}

// exec executes the commands and returns EXEC's reply: an array, or nil if a
// watched key was changed. Nothing to do is done without a shard. An element is an
// error if its command failed: a redis.Error, or for a PUBLISH on another shard what
// became of that.
func (d *draft) exec(ctx context.Context, deadline time.Time) (any, error) {
	if len(d.queue) == 0 && d.p == nil {
		return []any{}, nil
	}
	if d.v.AllEjected() {
		return nil, d.v.ejected()
	}
	if d.shard == anyShard {
		d.shard = d.anywhere()
	}
	reply, err := d.execute(ctx, deadline)
	if values, ok := reply.([]any); ok && err == nil {
		return d.publish(ctx, deadline, values)
	}
	return reply, err
}

// apart reports whether a command is not part of what the shard executes: a PUBLISH
// on another one, which hears of it when the transaction has been executed.
func (d *draft) apart(e *entry) bool { return e.channel != anyShard && e.channel != d.shard }

// publish sends what is apart, and puts the replies into their places in EXEC's.
func (d *draft) publish(ctx context.Context, deadline time.Time, values []any) (any, error) {
	b := d.c.batch()
	defer b.free()
	b.v = d.v
	for i := range d.queue {
		if e := &d.queue[i]; d.apart(e) {
			b.parts = append(b.parts, part{Command: baton.Command{Cmd: e.cmd, Args: e.args}, shard: e.channel})
		}
	}
	if len(values)+len(b.parts) != len(d.queue) {
		return nil, d.p.failed(ctx, fmt.Errorf("%d replies in EXEC's, want %d", len(values), len(d.queue)-len(b.parts)), false)
	}
	if len(b.parts) == 0 {
		return values, nil
	}
	b.exchange(ctx, deadline)
	all, parts := make([]any, 0, len(d.queue)), b.parts
	for i := range d.queue {
		switch {
		case !d.apart(&d.queue[i]):
			all, values = append(all, values[0]), values[1:]
			continue
		case parts[0].Err != nil:
			all = append(all, parts[0].Err)
		default:
			all = append(all, parts[0].Reply)
		}
		parts = parts[1:]
	}
	return all, nil
}

// send writes all of it and reads all replies. An EXEC that is refused says
// which command was at fault, as the others' replies are not handed on.
func (d *draft) send(limit time.Duration) (any, error) {
	conn := d.p.conn
	conn.Send("MULTI") // an error comes back from Flush
	sent := 1
	for i := range d.queue {
		if e := &d.queue[i]; !d.apart(e) {
			conn.Send(e.cmd, e.args...)
			sent++
		}
	}
	conn.Send("EXEC")
	if err := conn.Flush(); err != nil {
		return nil, err
	}
	var fault error
	for range sent {
		_, err := redis.ReceiveWithTimeout(conn, limit)
		if _, replied := err.(redis.Error); err != nil && !replied {
			return nil, err
		}
		if err != nil && fault == nil {
			fault = err
		}
	}
	reply, err := redis.ReceiveWithTimeout(conn, limit)
	if _, replied := err.(redis.Error); replied && fault != nil {
		err = redis.Error("EXECABORT Transaction discarded because of: " + fault.Error())
	}
	return reply, err
}

// release gives the connection back, watching nothing.
func (d *draft) release(ctx context.Context) {
	if d.p == nil {
		return
	}
	if d.watches {
		d.p.do(ctx, d.c.deadline(ctx, time.Now(), d.c.cfg.Timeout), "UNWATCH")
		if ctx.Err() != nil {
			d.p.kill() // it was not sent
		}
	}
	d.p.close()
	d.p, d.watches = nil, false
}
