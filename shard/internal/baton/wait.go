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
	c, err := l.start(now, cmd, args)
	if err != nil {
		l.mu.Unlock()
		return nil, err
	}
	return l.wait(ctx, c, deadline, now)
}

// Start encodes a command and queues its call. Nothing is written before
// Flush or Wait. The arguments are not needed afterwards.
func (l *Line) Start(cmd string, args []any) (*Call, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.start(time.Now(), cmd, args)
}

// Flush writes what was started, unless somebody is writing already and so
// will write this too. It blocks a tick at most; what the kernel has not
// taken by then is left to those who wait.
func (l *Line) Flush() {
	l.mu.Lock()
	if l.err == nil && !l.writing && l.ch.unsent() > 0 {
		l.writing = true
		now := time.Now()
		l.write(context.Background(), nil, &now)
	}
	l.mu.Unlock()
}

// Wait returns a call's reply as Do does; the call is over afterwards. Calls
// of one line are answered in the order of Start, so whoever waits for the
// last of several finds the others answered.
func (l *Line) Wait(ctx context.Context, c *Call, deadline time.Time) (any, error) {
	l.mu.Lock()
	if c.state == done {
		return l.leave(c)
	}
	return l.wait(ctx, c, deadline, time.Now())
}

// Await waits like Wait and leaves the call to be asked later. It returns an
// error only for a call that was not answered because ctx ended or the
// deadline passed; Wait will then return the same at once.
func (l *Line) Await(ctx context.Context, c *Call, deadline time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.attend(ctx, c, deadline, time.Now())
}

// Drop gives a call up: its reply is read and dropped by others.
func (l *Line) Drop(c *Call) {
	l.mu.Lock()
	if c.state == done {
		l.recycle(c)
	} else {
		l.abandon(c, time.Now())
	}
	l.mu.Unlock()
}

// start does Start's work. mu is held.
func (l *Line) start(now time.Time, cmd string, args []any) (*Call, error) {
	if l.queue.n == 0 && now.Sub(l.used) > idleCheck && !l.used.IsZero() && !l.reading && l.err == nil {
		// Under the mutex, so that nobody's reply comes meanwhile: it would
		// look like something nobody asked for.
		l.used = now
		if err := l.ch.alive(); err != nil {
			l.fail(err)
		}
	}
	if l.err != nil {
		return nil, &Error{Err: l.err, Broken: true}
	}
	if l.encoded-l.written > int64(l.opts.MaxUnsent) {
		return nil, &Error{Err: ErrBacklog}
	}
	end, err := l.ch.encode(cmd, args)
	if err != nil {
		l.fail(err)
		return nil, &Error{Err: err, Broken: true}
	}
	l.used = now
	l.encoded = end
	c := l.calls.Get().(*Call)
	c.state, c.end = queued, end
	l.queue.push(c)
	return c, nil
}

// wait attends to a call and ends it. mu is held on entry and free on return.
func (l *Line) wait(ctx context.Context, c *Call, deadline, now time.Time) (any, error) {
	if err := l.attend(ctx, c, deadline, now); err != nil {
		l.abandon(c, time.Now())
		l.mu.Unlock()
		return nil, err
	}
	return l.leave(c)
}

// leave takes the result of a call that is done. mu is held on entry and
// free on return.
func (l *Line) leave(c *Call) (any, error) {
	reply, err := c.reply, c.err
	l.recycle(c)
	l.mu.Unlock()
	return reply, err
}

// attend waits until the call is done, and takes the roles that are free
// meanwhile. It returns an error if the owner gives up first. mu is held on
// entry and return, but not throughout.
func (l *Line) attend(ctx context.Context, c *Call, deadline, now time.Time) error {
	c.waiting, c.deadline = true, deadline
	l.waiters++
	gone := ctx.Done()
	var err error
	for c.state != done {
		// First what must be sent: a command that is encoded goes out now or
		// never, not behind somebody's next one in an hour.
		if c.writes || !l.writing && l.ch.unsent() > 0 {
			c.writes, l.writing = false, true
			l.write(ctx, c, &now)
			if c.state == done {
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
