package baton

import (
	"context"
	"time"
)

// Start encodes the commands of a run, one or more, and queues one call for
// them. Nothing is written before Flush or Wait. It returns how many of them,
// from the first, were started; if not all, the error says why. The line has
// that part of the slice, and changes it, until the last of those is waited
// for or dropped. The arguments are not needed afterwards.
//
// The owner waits for the commands or drops them in their order; it may leave
// some out, but not the last, which stands for them.
func (l *Line) Start(run []*Command) (n int, err error) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, cmd := range run {
		if cmd.end, err = l.encode(now, cmd.Cmd, cmd.Args, n); err != nil {
			break
		}
		n++
	}
	if n == 0 || l.err != nil {
		return 0, err
	}
	c := l.enqueue(n, run[n-1].end)
	c.run = run[:n]
	for i, cmd := range c.run {
		cmd.call, cmd.after = c, n-1-i
	}
	return n, err
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

// Wait waits for a command, and so for all of its run before it, as Do does.
// Its Reply and Err are set afterwards, and those of all before it that were
// not dropped.
func (l *Line) Wait(ctx context.Context, cmd *Command, deadline time.Time) {
	c := cmd.call
	cmd.call = nil
	l.mu.Lock()
	defer l.mu.Unlock()
	var err error
	if c.left > cmd.after {
		err = l.attend(ctx, c, cmd.after, deadline, time.Now())
	}
	l.release(c, cmd.after, err)
}

// Await waits like Wait and leaves the command to be asked later. It returns
// an error only if the command was not answered because ctx ended or the
// deadline passed.
func (l *Line) Await(ctx context.Context, cmd *Command, deadline time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if cmd.call.left <= cmd.after {
		return nil
	}
	return l.attend(ctx, cmd.call, cmd.after, deadline, time.Now())
}

// Drop gives a command up, and all of its run before it: their replies are
// read and dropped by others.
func (l *Line) Drop(cmd *Command) {
	c := cmd.call
	cmd.call = nil
	l.mu.Lock()
	defer l.mu.Unlock()
	l.release(c, cmd.after, nil)
}

// release lets go of a call's commands but for the last after: they are
// answered, or err says why their owner does not wait for them. mu is held.
func (l *Line) release(c *Call, after int, err error) {
	if c.left <= after {
		if after == 0 {
			l.recycle(c)
		}
		return
	}
	now := time.Now()
	c.forsake(after, err)
	if after == 0 {
		l.abandon(c, now)
		return
	}
	c.deadline = now // so that the line is not kept for its sake if it is the head
	if l.watched(now) {
		l.stalled(now)
	}
}
