package shard

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"
)

// Get returns a sharded connection for code written for redigo's pool.Get():
//
//	conn := client.Get()
//	defer conn.Close()
//	n, err := redis.Int(conn.Do("INCR", "visits"))
//
// It is a redis.ConnWithTimeout and a redis.ConnWithContext. Do is
// Client.Do. Send, Flush and Receive work across shards: replies come in the
// order of Send, whichever shards they come from; each Flush sends to all its
// shards at once. As with redigo, one goroutine may call Send and Flush while
// another calls Receive; Do needs both to be still.
//
// Until it needs one it holds no connection of its own, so Get costs next to
// nothing, Close returns nothing to a pool, and losing a shard's connection
// does not end it: Err is nil until Close. A Receive whose time is up has used
// up its reply; the next Receive gets the next one. What was sent with Flush is
// sent again as a Pipeline's is, when Receive meets the first that has to be,
// unless another Flush has sent more by then: it has its error then.
//
// MULTI, WATCH and what belongs to them make a transaction on one shard. The
// commands after MULTI are written down here and answered QUEUED; EXEC sends
// them all, over a connection that is borrowed for it, or for as long as keys
// are watched. A key on a second shard is answered ErrCrossSlot, and EXEC then with
// EXECABORT; Tx.Add says what else is refused.
//
// SUBSCRIBE and what belongs to it make it a subscriber, as with redigo, so
// redis.PubSubConn works: see Subscribe for what is heard where. Receive then
// waits without a time limit, and one that ends by its own limit loses nothing.
// Losing one of the connections ends it, with a *ShardError; make another.
//
// EXEC, WATCH and commands that may wait are executed, and what was sent before
// them answered, when Flush returns. No timeout is for the time that a command
// may wait, be it DoWithTimeout's.
func (c *Client) Get() redis.Conn { return &conn{c: c, wake: make(chan struct{}, 1)} }

// GetContext is Get for code written for redigo's pool.GetContext. Nothing is
// waited for; it fails only if ctx has ended.
func (c *Client) GetContext(ctx context.Context) (redis.Conn, error) {
	return c.Get(), ctx.Err()
}

var (
	_ redis.ConnWithTimeout = (*conn)(nil)
	_ redis.ConnWithContext = (*conn)(nil)
)

// conn is a sequence of requests and the replies that are still to be taken.
//
//	Send ──▶ written ──Flush──▶ flights ──Receive──▶ replies in the order of Send
type conn struct {
	c    *Client
	wake chan struct{} // a token after each Flush and Close, for a Receive that came first

	own  session    // of who sends; of Close when nobody does
	send sync.Mutex // to send over the shared lines; what was refused is sent again before what comes next. After turn
	turn sync.Mutex // to take replies of flights: who receives has it, or who sends and must have them first

	mu      sync.Mutex // protects the following fields
	written []request  // sent, not flushed
	flights []*flight  // flushed; the first has replies left to take
	taking  *flight    // the one whose reply was taken last
	hearing *subscriber
	abort   context.CancelCauseFunc // ends what who sends is waiting for; nil: nothing
	err     error                   // ErrClosed, or what ended it
}

// flight is what one Flush sent, or everything that a subscriber hears. Only
// who has the turn looks into its batch afterwards.
type flight struct {
	batch
	next    int         // the request whose reply is next; the conn's mu
	settled int         // parts whose replies are here
	hears   *subscriber // nil: it is a batch
}

func (c *conn) Close() error {
	c.mu.Lock()
	flights, abort, hearing := c.flights, c.abort, c.hearing
	c.flights, c.written, c.hearing, c.err = nil, nil, nil, ErrClosed
	c.mu.Unlock()
	c.signal()
	if abort != nil {
		abort(ErrClosed)
	} else {
		c.own.end(context.Background())
	}
	if hearing != nil {
		hearing.close(ErrClosed)
	}
	for _, f := range flights {
		f.drop()
	}
	return nil
}

// Err returns ErrClosed after Close, and what ended a subscriber; else nil.
func (c *conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *conn) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *conn) Do(cmd string, args ...any) (any, error) {
	return c.do(context.Background(), c.c.cfg.Timeout, cmd, args)
}

func (c *conn) DoWithTimeout(timeout time.Duration, cmd string, args ...any) (any, error) {
	return c.do(context.Background(), timeout, cmd, args)
}

// DoContext ends with the context or after Config.Timeout. Unlike redigo's it
// leaves the connection usable.
func (c *conn) DoContext(ctx context.Context, cmd string, args ...any) (any, error) {
	return c.do(ctx, c.c.cfg.Timeout, cmd, args)
}

// do is redigo's: it flushes, takes every reply that is left and returns the
// last, with the first error among all; or, for no command, returns all.
func (c *conn) do(ctx context.Context, timeout time.Duration, cmd string, args []any) (any, error) {
	c.mu.Lock()
	err, left, hearing := c.err, len(c.written), c.hearing != nil
	for _, f := range c.flights {
		left += len(f.spans) - f.next
	}
	c.mu.Unlock()
	switch {
	case err != nil:
		return nil, err
	case left == 0 && cmd == "":
		return nil, nil
	case left == 0 && !hearing && !c.needsOwn(cmd):
		return c.c.do(ctx, timeout, cmd, args)
	case cmd != "":
		if err := c.Send(cmd, args...); err != nil {
			return nil, err
		}
		left++
	}
	if err := c.flush(ctx, timeout); err != nil {
		return nil, err
	}
	replies := make([]any, 0, left)
	var first error
	for range left {
		reply, err := c.receive(ctx, timeout, false)
		if e, ok := err.(redis.Error); ok {
			reply = e
		} else if err != nil && cmd == "" {
			return nil, err // as redigo: all or nothing
		}
		if err != nil && first == nil {
			first = err
		}
		replies = append(replies, reply)
	}
	if cmd == "" {
		return replies, nil
	}
	return replies[left-1], first
}

// Send adds a command to what the next Flush sends. Its arguments are not
// needed afterwards.
func (c *conn) Send(cmd string, args ...any) error {
	r := request{cmd: cmd, args: slices.Clone(plain(args))}.own()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	c.written = append(c.written, r)
	return nil
}

// Flush sends what Send added. A shard that cannot be reached is an error of
// its commands' Receive, not of Flush.
func (c *conn) Flush() error { return c.flush(context.Background(), c.c.cfg.Timeout) }

func (c *conn) flush(ctx context.Context, timeout time.Duration) error {
	c.mu.Lock()
	requests, err := c.written, c.err
	c.written = nil
	c.mu.Unlock()
	if err != nil || len(requests) == 0 {
		return err
	}
	v, err := c.c.current()
	if err != nil {
		return err
	}
	if !c.c.gate.enter() {
		return ErrClosed
	}
	defer c.c.gate.leave()
	for len(requests) > 0 && err == nil {
		deadline := c.c.deadline(ctx, time.Now(), timeout) // those before may have waited
		n := c.sharable(requests)
		if n > 0 {
			err = c.launch(ctx, v, deadline, requests[:n])
		} else {
			n = 1
			err = c.alone(ctx, v, deadline, timeout, &requests[0])
		}
		requests = requests[n:]
	}
	return err
}

// launch sends requests over the shared lines, all of them when no failover is under way
// on a shard that they write to.
func (c *conn) launch(ctx context.Context, v *view, deadline time.Time, requests []request) error {
	c.send.Lock()
	defer c.send.Unlock()
	f := &flight{batch: batch{c: c.c, v: v}}
	for i := range requests {
		f.add(&requests[i])
	}
	if f.frozen(v) {
		if now := c.c.pause(ctx, until(deadline), always, f.frozen); now != nil && now.Config == v.Config {
			f.v = now
		}
	} else if now, err := c.c.current(); err == nil && now.Config == v.Config {
		f.v = now // another may have been sent on meanwhile
	}
	f.launch(ctx, deadline)
	err := c.append(f)
	if err != nil {
		f.drop()
	}
	return err
}

// append puts a flight behind the others, for Receive.
func (c *conn) append(f *flight) error {
	c.mu.Lock()
	err := c.err
	if err == nil {
		c.flights = append(c.flights, f)
	}
	c.mu.Unlock()
	c.signal()
	return err
}
