package baton

import (
	"context"
	"time"
)

// Do sends a command and waits for its reply, with redigo's values: an error
// reply is returned both as the reply and as the error, as redis.Conn.Do
// does. Any other error is an *Error. The call ends at the deadline (zero:
// none) or when ctx ends, a tick late at most; the command may be executed
// even so, and its reply is dropped.
//
// Arguments must be of redigo's basic types: they are encoded under the
// line's mutex, so no method of theirs may be called.
func (l *Line) Do(ctx context.Context, deadline time.Time, cmd string, args []any) (any, error) {
	now := time.Now()
	l.mu.Lock()
	end, err := l.encode(now, cmd, args, 0)
	if err != nil {
		l.mu.Unlock()
		return nil, err
	}
	c := l.enqueue(1, end)
	if err := l.attend(ctx, c, 0, deadline, now); err != nil {
		l.abandon(c, time.Now())
		l.mu.Unlock()
		return nil, err
	}
	reply, err := c.reply, c.err
	l.recycle(c)
	l.mu.Unlock()
	return reply, err
}

// encode adds a command to what is to be written, of a call of which so many
// are encoded already, and returns the number of bytes ever encoded. mu is held.
func (l *Line) encode(now time.Time, cmd string, args []any, begun int) (int64, error) {
	if l.queue.n == 0 && now.Sub(l.used) > idleCheck && !l.used.IsZero() && !l.reading && l.err == nil {
		// Under the mutex, so that nobody's reply comes meanwhile: it would
		// look like something nobody asked for.
		l.used = now
		if err := l.ch.alive(); err != nil {
			l.fail(err)
		}
	}
	if l.err != nil {
		return 0, &Error{Err: l.err, Broken: true}
	}
	if l.encoded-l.written > int64(l.opts.MaxUnsent) {
		return 0, &Error{Err: ErrBacklog}
	}
	if limit := l.opts.MaxInFlight; limit > 0 && l.owed >= limit && (l.waiters > 0 || begun > 0) {
		return 0, l.full
	}
	end, err := l.ch.encode(cmd, args)
	if err != nil {
		l.fail(err)
		return 0, &Error{Err: err, Broken: true}
	}
	l.used, l.encoded = now, end
	l.owed++
	return end, nil
}

// enqueue makes the call of the n commands that were encoded last, up to
// end. mu is held.
func (l *Line) enqueue(n int, end int64) *Call {
	c := l.calls.Get().(*Call)
	c.state, c.left, c.end = queued, n, end
	l.queue.push(c)
	return c
}

// attend waits until no more than want commands of the call are left, and takes
// the roles that are free meanwhile. It returns an error if the owner gives up
// first. mu is held on entry and return, but not throughout.
func (l *Line) attend(ctx context.Context, c *Call, want int, deadline, now time.Time) error {
	c.waiting, c.want, c.deadline = true, want, deadline
	l.waiters++
	gone := ctx.Done()
	var err error
	for !c.met() {
		// First what must be sent: a command that is encoded goes out now or
		// never, not behind somebody's next one in an hour.
		if c.writes || !l.writing && l.ch.unsent() > 0 {
			c.writes, l.writing = false, true
			l.write(ctx, c, &now)
			if c.met() {
				break
			}
		}
		if err = gaveUp(ctx, deadline, now); err != nil {
			break
		}
		switch {
		case c.reads:
			c.reads = false
			l.read(ctx, c, &now)
		case !l.reading:
			l.takeBaton(now)
			l.read(ctx, c, &now)
		default:
			c.parked = true
			l.mu.Unlock()
			if gone == nil {
				<-c.wake
			} else {
				select {
				case <-c.wake:
				case <-gone:
				}
			}
			now = time.Now()
			l.mu.Lock()
			if c.parked {
				c.parked = false
			} else {
				// Woken; when gone won the select the token is still there.
				select {
				case <-c.wake:
				default:
				}
			}
		}
	}
	c.waiting = false
	l.waiters--
	if c.writes { // granted meanwhile
		c.writes = false
		l.passWriter()
	}
	if c.reads {
		c.reads = false
		l.passBaton()
	}
	if err != nil {
		return &Error{Err: err, Sent: true}
	}
	return nil
}

// gaveUp returns why an owner waits no longer, or nil.
func gaveUp(ctx context.Context, deadline, now time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !deadline.IsZero() && !now.Before(deadline) {
		return ErrTimeout
	}
	return nil
}
