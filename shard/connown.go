package shard

import (
	"context"
	"time"

	"github.com/shardring/shardring/shard/command"
)

// needsOwn reports whether a command, or what was said before it, keeps it from
// being Client.Do's, which has a connection for commands that wait.
func (c *conn) needsOwn(name string) bool {
	if c.own.state == txQueueing {
		return true
	}
	cmd := c.c.table.Lookup(bytesOf(name))
	if cmd == nil {
		return false
	}
	k := kindOf(cmd)
	return k == transacts || k == subscribes || c.own.state != txNone && cmd.Name == "reset"
}

// sharable returns how many requests, from the first on, go over the shared
// lines.
func (c *conn) sharable(requests []request) int {
	if c.own.state == txQueueing || c.hears() {
		return 0
	}
	for i := range requests {
		if c.needsOwn(requests[i].cmd) || c.mayWait(&requests[i]) {
			return i
		}
	}
	return len(requests)
}

// mayWait reports whether a request would hold up those behind it.
func (c *conn) mayWait(r *request) bool {
	cmd := c.c.table.Lookup(bytesOf(r.cmd))
	if cmd != nil && cmd.Flags&command.Blocking != 0 {
		cmd, _ = c.c.table.Resolve(r) // XREAD's arguments say whether it does
	}
	if cmd == nil {
		return false
	}
	k := kindOf(cmd)
	return k == waits || k == replicates
}

// alone executes a request that does not go over the shared lines, or writes it
// down. Its reply waits for Receive like any other.
func (c *conn) alone(ctx context.Context, v *view, deadline time.Time, timeout time.Duration, r *request) error {
	cmd, err := c.c.table.Resolve(r)
	k := ordinary
	if err == nil {
		k = kindOf(cmd)
	}
	switch {
	case err == nil && cmd.Name == "reset":
		c.own.end(ctx)
		c.unsubscribe()
		return c.reply("RESET", nil)
	case err == nil && k == subscribes && c.own.state != txQueueing, c.hears():
		c.settle(ctx, deadline)
		return c.subscribe(ctx, v, deadline, cmd, err, r)
	case err == nil && k != transacts && c.own.state == txQueueing:
		return c.reply(c.own.write(*r))
	case err != nil:
		c.own.refuse(ctx, err)
		return c.reply(answer(errorReply(err)))
	}
	ctx, done := c.c.untilClose(ctx)
	defer done()
	ctx, err = c.abortable(ctx)
	if err != nil {
		return err
	}
	defer c.finished()
	if cmd.Name != "multi" && cmd.Name != "discard" {
		c.settle(ctx, deadline)
	}
	if k == transacts {
		return c.reply(c.own.transact(ctx, deadline, c.c, v, cmd, r))
	}
	return c.reply(c.c.execute(ctx, timeout, r))
}

// reply appends a reply that is here already.
func (c *conn) reply(value any, err error) error {
	return c.append(&flight{batch: batch{c: c.c, spans: []span{{ready: &Reply{value, err}}}}})
}

// settle waits until everything that was sent is answered, so that what follows
// on another connection comes after it.
func (c *conn) settle(ctx context.Context, deadline time.Time) {
	c.mu.Lock()
	flights := append([]*flight{}, c.flights...)
	if c.taking != nil {
		flights = append(flights, c.taking)
	}
	c.mu.Unlock()
	c.turn.Lock()
	defer c.turn.Unlock()
	for _, f := range flights {
		c.settleTo(ctx, f, len(f.parts), deadline)
	}
}

// abortable returns a context that Close ends too. Then finished is called.
func (c *conn) abortable(ctx context.Context) (context.Context, error) {
	ctx, abort := context.WithCancelCause(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		abort(nil)
		return ctx, c.err
	}
	c.abort = abort
	return ctx, nil
}

// finished ends the transaction if Close could not.
func (c *conn) finished() {
	c.mu.Lock()
	closed := c.err != nil
	c.abort(nil)
	c.abort = nil
	c.mu.Unlock()
	if closed {
		c.own.end(context.Background())
	}
}
