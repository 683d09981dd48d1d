package baton

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"
)

// ErrSilent is the reason why a line is broken whose server sent nothing for
// Options.Stall.
var ErrSilent = fmt.Errorf("the server does not answer: %w", ErrTimeout)

// write sends what is encoded until nothing is left, the role is handed on
// or the owner gives up. c is nil for Flush. The caller has set writing; mu
// is held on entry and return.
func (l *Line) write(ctx context.Context, c *Call, now *time.Time) {
	if c == nil {
		l.writeAll(ctx, nil, now)
		return
	}
	c.busy = true
	if l.queue.n > 1 && !l.opts.NoYield && !now.Before(l.noYield) {
		before := l.encoded
		l.mu.Unlock()
		begin := time.Now()
		runtime.Gosched()
		after := time.Now()
		l.mu.Lock()
		// Beside goroutines that compute, the turn that was given away comes
		// back late and with little; then it is kept for a while.
		if d := after.Sub(begin); d > longYield && d > time.Duration(l.encoded-before)*byteWorth {
			l.noYield = after.Add(yieldRest * d)
		}
		*now = after
	}
	l.writeAll(ctx, c, now)
	c.busy = false
}

func (l *Line) writeAll(ctx context.Context, c *Call, now *time.Time) {
	for round := 1; l.err == nil; round++ {
		l.ch.take()
		taken := l.encoded
		l.exposed = taken
		l.mu.Unlock()
		left, err := l.ch.flush(now.Add(tick))
		l.mu.Lock()
		l.written = taken - int64(left)
		switch {
		case l.err != nil:
		case err != nil && !errors.Is(err, os.ErrDeadlineExceeded):
			l.exposed = l.written
			l.fail(err)
		case err != nil:
			// The kernel takes no more, perhaps because the server waits for
			// us to read. Or the deadline was an old one.
			*now = time.Now()
			if !l.reading {
				l.takeBaton(*now)
				if l.step(now, now.Add(tick/10)) {
					l.passBaton()
				}
			}
			if c == nil || c.met() || gaveUp(ctx, c.deadline, *now) != nil {
				l.passWriter()
				return
			}
		case l.encoded == taken:
			l.writing = false
			return
		case round >= rounds && l.grantWriter():
			return
		}
	}
	l.writing = false
}

// passWriter lets go of the writer's role. mu is held.
func (l *Line) passWriter() {
	if l.err == nil && l.ch.unsent() > 0 && l.grantWriter() {
		return
	}
	l.writing = false
}

// grantWriter gives the writer's role to the last owner that sleeps: its
// command is among the unsent ones if anybody's is. mu is held.
func (l *Line) grantWriter() bool {
	if l.waiters == 0 {
		return false
	}
	for i := l.queue.n - 1; i >= 0; i-- {
		if c := l.queue.get(i); c.parked {
			c.writes, l.writing = true, true
			wake(c)
			return true
		}
	}
	return false
}

// read holds the baton until the owner's reply is there or the owner gives
// up, and passes it on. The caller has set reading; mu is held on entry and
// return.
func (l *Line) read(ctx context.Context, c *Call, now *time.Time) {
	for l.err == nil && !c.met() && gaveUp(ctx, c.deadline, *now) == nil {
		until := now.Add(tick)
		if !c.deadline.IsZero() && c.deadline.Before(until) {
			until = c.deadline
		}
		if !l.step(now, until) {
			return
		}
		if !l.writing && l.ch.unsent() > 0 {
			l.writing = true
			l.write(ctx, c, now)
		}
	}
	l.freed = *now
	l.passBaton()
}

// step reads one reply, or waits for one until that time. It returns false
// when a deputy has taken the baton over. mu is held on entry and return.
func (l *Line) step(now *time.Time, until time.Time) bool {
	l.mu.Unlock()
	whole, err := l.ch.await(until)
	if whole {
		reply, err := l.ch.receive()
		l.mu.Lock()
		l.deliver(reply, err)
		return true
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		*now = time.Now()
		l.mu.Lock()
		l.judge(*now)
		return true
	}
	l.mu.Lock()
	if err != nil {
		l.fail(err)
		return true
	}
	if l.err != nil {
		return true
	}
	l.deputies.Add(1)
	go l.deputy()
	return false
}

// deputy reads one large reply for owners who must be able to leave.
func (l *Line) deputy() {
	defer l.deputies.Done()
	reply, err := l.ch.receive()
	l.mu.Lock()
	l.deliver(reply, err)
	l.passBaton()
	l.mu.Unlock()
}

// during is called by the transport about every tick while redigo waits for
// the rest of a large reply.
func (l *Line) during() error {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.judge(now)
	return l.err
}

// takeBaton picks up the baton that nobody holds. The server's silence counts
// from now on unless somebody was reading a moment ago. mu is held.
func (l *Line) takeBaton(now time.Time) {
	if !l.watched(now) {
		l.silent, l.seen = now, l.ch.progress()
	}
	l.reading = true
}

// passBaton lets go of the baton and grants it to the first owner that
// waits. mu is held.
func (l *Line) passBaton() {
	l.reading = false
	if l.waiters == 0 {
		return
	}
	for i := range l.queue.n {
		if c := l.queue.get(i); c.waiting && !c.busy && !c.met() {
			c.reads, l.reading = true, true
			wake(c)
			return
		}
	}
}

// judge does the duties of whoever looks up: it wakes owners whose deadline
// has passed and sees to the server's silence. mu is held.
func (l *Line) judge(now time.Time) {
	for i := range l.queue.n {
		if c := l.queue.get(i); c.parked && c.past(now) {
			wake(c)
		}
	}
	l.stalled(now)
}

// stalled breaks the line if the server has been silent for too long while
// the oldest command's owner has given up. mu is held.
func (l *Line) stalled(now time.Time) {
	if l.err != nil || l.queue.n == 0 {
		return
	}
	if p := l.ch.progress(); p != l.seen {
		l.seen, l.silent = p, now
		return
	}
	if head := l.queue.get(0); (head.state == dropped || head.past(now)) && now.Sub(l.silent) >= l.opts.Stall {
		l.fail(ErrSilent)
	}
}

// abandon gives a queued call up. mu is held.
func (l *Line) abandon(c *Call, now time.Time) {
	c.state, c.run = dropped, nil
	if l.watched(now) {
		l.stalled(now)
	}
}

// watched reports whether somebody reads or did a moment ago, so that silence
// means something. mu is held.
func (l *Line) watched(now time.Time) bool {
	return l.reading || now.Sub(l.freed) <= 2*tick
}
