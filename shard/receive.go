package shard

import (
	"context"
	"fmt"
	"time"
)

func (c *conn) Receive() (any, error) {
	return c.takeNext(context.Background(), c.c.cfg.Timeout, false)
}

func (c *conn) ReceiveWithTimeout(timeout time.Duration) (any, error) {
	return c.takeNext(context.Background(), timeout, true)
}

// ReceiveContext ends with the context or after Config.Timeout. Unlike
// redigo's it leaves the connection usable.
func (c *conn) ReceiveContext(ctx context.Context) (any, error) {
	return c.takeNext(ctx, c.c.cfg.Timeout, false)
}

// takeNext is receive with redigo's habit of returning no reply with an error.
func (c *conn) takeNext(ctx context.Context, timeout time.Duration, asked bool) (any, error) {
	reply, err := c.receive(ctx, timeout, asked)
	if err != nil {
		return nil, err
	}
	return reply, nil
}

// receive takes the next reply. Without one to come it waits for a Flush, as
// redigo's Receive would. asked says that the caller chose the timeout: the
// Config's is not for a subscriber's messages.
func (c *conn) receive(ctx context.Context, timeout time.Duration, asked bool) (any, error) {
	deadline := c.c.deadline(ctx, time.Now(), timeout)
	for {
		f, i, err := c.next(ctx, deadline)
		if err != nil {
			return nil, err
		}
		if f.hears == nil {
			return c.taken(ctx, f, i, deadline)
		}
		if !asked {
			deadline, _ = ctx.Deadline()
		}
		reply, err := f.hears.receive(ctx, deadline)
		if err != errHeardAll {
			return reply, c.heard(f.hears, err)
		}
		c.unhear(f)
	}
}

// taken returns the reply of request i of a flight.
func (c *conn) taken(ctx context.Context, f *flight, i int, deadline time.Time) (any, error) {
	c.turn.Lock()
	defer c.turn.Unlock()
	s := &f.spans[i]
	c.settleTo(ctx, f, s.first+s.n, deadline)
	r := f.reply(i)
	if i == len(f.spans)-1 {
		*f = flight{} // what callers keep must not keep all of it
	}
	return r.Value, r.Err
}

// settleTo waits for the parts of a flight before end. If one of them is to be sent again
// all parts are waited for, to keep their order; if the conn has sent more since, it is
// too late for that. The caller has the turn.
func (c *conn) settleTo(ctx context.Context, f *flight, end int, deadline time.Time) {
	troubled := false
	for ; f.settled < end; f.settled++ {
		p := &f.parts[f.settled]
		f.take(ctx, p, deadline)
		if p.state != settled && !troubled {
			troubled, end = true, len(f.parts)
		}
	}
	if !troubled {
		return
	}
	c.send.Lock()
	defer c.send.Unlock()
	c.mu.Lock()
	last := len(c.flights) == 0 || c.flights[len(c.flights)-1] == f
	c.mu.Unlock()
	if last {
		f.persist(ctx, deadline)
		return
	}
	for i := range f.parts {
		f.parts[i].giveUp()
	}
}

// next returns the flight and the request whose reply is next.
func (c *conn) next(ctx context.Context, deadline time.Time) (*flight, int, error) {
	for {
		c.mu.Lock()
		if c.err != nil {
			err := c.err
			c.mu.Unlock()
			return nil, 0, err
		}
		if len(c.flights) > 0 {
			f := c.flights[0]
			i := f.next
			if f.hears == nil {
				f.next++
				c.taking = f
				if f.next == len(f.spans) {
					c.flights = c.flights[1:]
				}
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
	late, stop := timer(deadline)
	defer stop()
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
