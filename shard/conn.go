package shard

import (
	"bytes"
	"context"
	"fmt"
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
// It holds no connection of its own, so Get costs next to nothing, Close
// returns nothing to a pool, and losing a shard's connection does not end it:
// Err is nil until Close. A Receive whose time is up has used up its reply;
// the next Receive gets the next one. Commands that were sent with Flush are
// never sent twice.
//
// What needs a connection of its own (MULTI, WATCH, SUBSCRIBE, BLPOP) is
// refused with an error reply.
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

	mu      sync.Mutex // protects the following fields
	written []request  // sent, not flushed
	flights []*flight  // flushed; the first has replies left to take
	closed  bool
}

// flight is what one Flush sent. Only the receiver looks into it afterwards.
type flight struct {
	batch
	next int // the request whose reply is next
}

func (c *conn) Close() error {
	c.mu.Lock()
	flights := c.flights
	c.flights, c.written, c.closed = nil, nil, true
	c.mu.Unlock()
	c.signal()
	for _, f := range flights {
		f.drop()
	}
	return nil
}

// Err returns ErrClosed after Close, else nil.
func (c *conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	return nil
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
	closed, left := c.closed, len(c.written)
	for _, f := range c.flights {
		left += len(f.spans) - f.next
	}
	c.mu.Unlock()
	switch {
	case closed:
		return nil, ErrClosed
	case left == 0 && cmd == "":
		return nil, nil
	case left == 0:
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
		reply, err := c.receive(ctx, timeout)
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
	args = append([]any(nil), plain(args)...)
	for i, a := range args {
		if b, ok := a.([]byte); ok {
			args[i] = bytes.Clone(b)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	c.written = append(c.written, request{cmd: cmd, args: args})
	return nil
}

// Flush sends what Send added. A shard that cannot be reached is an error of
// its commands' Receive, not of Flush.
func (c *conn) Flush() error { return c.flush(context.Background(), c.c.cfg.Timeout) }

func (c *conn) flush(ctx context.Context, timeout time.Duration) error {
	c.mu.Lock()
	requests, closed := c.written, c.closed
	c.written = nil
	c.mu.Unlock()
	if closed {
		return ErrClosed
	}
	if len(requests) == 0 {
		return nil
	}
	now := time.Now()
	v, err := c.c.current(now)
	if err != nil {
		return err
	}
	if !c.c.gate.enter() {
		return ErrClosed
	}
	defer c.c.gate.leave()
	f := &flight{batch: batch{c: c.c, v: v}}
	for i := range requests {
		f.add(&requests[i])
	}
	f.launch(ctx, c.c.deadline(ctx, now, timeout))
	c.mu.Lock()
	if closed = c.closed; !closed {
		c.flights = append(c.flights, f)
	}
	c.mu.Unlock()
	if closed {
		f.drop()
		return ErrClosed
	}
	c.signal()
	return nil
}

func (c *conn) Receive() (any, error) { return c.take(context.Background(), c.c.cfg.Timeout) }

func (c *conn) ReceiveWithTimeout(timeout time.Duration) (any, error) {
	return c.take(context.Background(), timeout)
}

// ReceiveContext ends with the context or after Config.Timeout. Unlike
// redigo's it leaves the connection usable.
func (c *conn) ReceiveContext(ctx context.Context) (any, error) {
	return c.take(ctx, c.c.cfg.Timeout)
}

// take is receive with redigo's habit of returning no reply with an error.
func (c *conn) take(ctx context.Context, timeout time.Duration) (any, error) {
	reply, err := c.receive(ctx, timeout)
	if err != nil {
		return nil, err
	}
	return reply, nil
}

// receive takes the next reply. Without one to come it waits for a Flush, as
// redigo's Receive would.
func (c *conn) receive(ctx context.Context, timeout time.Duration) (any, error) {
	deadline := c.c.deadline(ctx, time.Now(), timeout)
	f, i, err := c.next(ctx, deadline)
	if err != nil {
		return nil, err
	}
	s := &f.spans[i]
	for k := s.first; k < s.first+s.n; k++ {
		f.take(ctx, &f.parts[k], deadline)
	}
	r := f.reply(i)
	if i == len(f.spans)-1 {
		*f = flight{} // what callers keep must not keep all of it
	}
	return r.Value, r.Err
}

// next returns the flight and the request whose reply is next.
func (c *conn) next(ctx context.Context, deadline time.Time) (*flight, int, error) {
	for {
		c.mu.Lock()
		if c.closed {
			c.mu.Unlock()
			return nil, 0, ErrClosed
		}
		if len(c.flights) > 0 {
			f := c.flights[0]
			i := f.next
			f.next++
			if f.next == len(f.spans) {
				c.flights = c.flights[1:]
			}
			c.mu.Unlock()
			return f, i, nil
		}
		c.mu.Unlock()
		if err := c.await(ctx, deadline); err != nil {
			return nil, 0, err
		}
	}
}

// await waits for a Flush or Close.
func (c *conn) await(ctx context.Context, deadline time.Time) error {
	var late <-chan time.Time
	if !deadline.IsZero() {
		t := time.NewTimer(time.Until(deadline))
		defer t.Stop()
		late = t.C
	}
	select {
	case <-c.wake:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-late:
		return errNothingSent
	}
}

var errNothingSent = fmt.Errorf("shard: receive: nothing was sent: %w", ErrTimeout)
