package baton

import (
	"net"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"
)

// tick is how often whoever waits for the network looks up: the longest time
// by which a deadline or a cancellation is noticed late.
const tick = 10 * time.Millisecond

// idleCheck is how long a line must have been unused before it is asked
// whether it is still there.
const idleCheck = 100 * time.Millisecond

// rounds is how many times in a row a writer writes what others have
// encoded meanwhile, before it hands the role on.
const rounds = 4

// A writer yields so that others add their commands to what it writes. If it gets
// its turn back only after longYield, and after more than byteWorth for each byte
// that was added, the line's writers do not yield for yieldRest times as long.
const (
	longYield = time.Millisecond
	byteWorth = 2 * time.Microsecond // a short command has 40 bytes
	yieldRest = 20
)

// Options of a line; the zero value is ready to use.
type Options struct {
	// Stall is how long the server may send nothing at all while the oldest
	// command's caller has given up; then the line is broken. 0 means 10 s.
	Stall time.Duration
	// NoYield makes a writer write at once instead of first letting other
	// goroutines add their commands, as it does anyway while goroutines that
	// compute keep it waiting for its next turn. Rates fall.
	NoYield bool
	// MaxUnsent is how many encoded bytes may wait to be written before
	// Start refuses with ErrBacklog. 0 means 64 MiB.
	MaxUnsent int
	// MaxInFlight is how many replies the server may owe before Do and Start refuse
	// with ErrTooMany, those included whose callers have gone. 0: no limit. While
	// nobody waits one more is let in: it reads what is there.
	MaxInFlight int
}

// transport is what a line needs of a connection; wire is the real one.
// encode, unsent and take are called with the line's mutex held, alive too and
// while nobody reads; flush by the writer only, the rest by the reader only;
// progress by anybody.
type transport interface {
	encode(cmd string, args []any) (total int64, err error)
	unsent() int
	take()
	flush(until time.Time) (left int, err error)

	await(until time.Time) (whole bool, err error)
	receive() (any, error) // calls Line.during about every tick
	progress() int64
	alive() error

	close() error
}

// Line is one connection and the calls in flight on it.
//
// Invariants, with mu held and no method halfway:
//
//  1. Every command that was encoded is in a call in queue, in the order of
//     encoding, until its reply is parsed or the line is broken, even when
//     its owner has gone (dropped). A reply belongs to the first command left
//     of the head of the queue, so it cannot reach another call's owner.
//  2. reading is true exactly when one goroutine has the baton: an owner that
//     waits, an owner it was granted to (Call.reads), or a deputy. Only it
//     touches the transport's reading half.
//  3. While some owner waits, somebody reads or is about to: whoever lets go
//     of the baton, for whatever reason, grants it to the first owner that
//     waits (passBaton), and an owner that finds it free takes it. So a
//     caller that gives up never leaves others unread.
//  4. The same holds for the writer's role while bytes are unsent (writing,
//     Call.writes, passWriter).
//  5. Nobody is blocked longer than a tick: both roles are exercised in
//     steps that end after a tick, in which the holder looks at its context
//     and deadline, wakes owners whose deadline has passed, and breaks the
//     line when the server has been silent for Options.Stall with its head
//     given up. A reply too large to be interrupted is read by a deputy, a
//     goroutine that lives for that one reply and keeps these duties.
//  6. Once err is set the queue is empty and stays so.
//  7. owed is the number of commands in the queue, and of those that Start has
//     encoded and is about to put there.
type Line struct {
	ch       transport
	opts     Options
	full     *Error // of who would be one more than Options.MaxInFlight
	calls    *sync.Pool
	deputies sync.WaitGroup

	mu      sync.Mutex // protects the following fields and those of the calls
	queue   ring
	owed    int // replies the server has still to give
	waiters int // owners in Wait
	reading bool
	writing bool
	encoded int64 // bytes ever encoded
	exposed int64 // of these, how many may have reached the server
	written int64 // of these, how many the kernel took for certain
	used    time.Time
	noYield time.Time // writers write at once until then
	err     error

	// The server's silence, as the reader sees it.
	seen   int64 // bytes received when it last looked
	silent time.Time
	freed  time.Time // when the baton was last let go of
}

// New makes a line of a connection on which nothing is awaited: a greeting
// or login is over. The line owns it from now on.
func New(nc net.Conn, opts Options) *Line {
	l := newLine(opts)
	l.ch = newWire(nc, l.during)
	return l
}

func newLine(opts Options) *Line {
	if opts.Stall <= 0 {
		opts.Stall = 10 * time.Second
	}
	if opts.MaxUnsent <= 0 {
		opts.MaxUnsent = 64 << 20
	}
	return &Line{opts: opts, full: &Error{Err: TooMany(opts.MaxInFlight)}, calls: &sync.Pool{
		New: func() any { return &Call{wake: make(chan struct{}, 1)} },
	}}
}

// Err returns why the line is broken, or nil.
func (l *Line) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Owed returns how many replies the server has still to give.
func (l *Line) Owed() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.owed
}

// Break fails every call in flight with err and closes the connection. It
// returns when no goroutine of the line is left.
func (l *Line) Break(err error) {
	l.mu.Lock()
	l.fail(err)
	l.mu.Unlock()
	l.deputies.Wait()
}

// fail breaks the line: the one place where err is set. mu is held; closing
// a socket does not block, and it is what ends the other role's step.
func (l *Line) fail(err error) {
	if l.err != nil {
		return
	}
	l.err, l.owed = err, 0
	l.ch.close()
	for l.queue.n > 0 {
		c := l.queue.pop()
		for _, cmd := range c.run {
			if cmd != nil {
				cmd.Err = &Error{Err: err, Sent: cmd.end <= l.exposed, Broken: true}
			}
		}
		l.finish(c, nil, &Error{Err: err, Sent: c.end <= l.exposed, Broken: true})
	}
}

// deliver gives a reply to the head of the queue. mu is held.
func (l *Line) deliver(reply any, err error) {
	if e, ok := err.(redis.Error); ok {
		reply = e
	} else if err != nil {
		l.fail(err)
	}
	if l.err != nil {
		return
	}
	if l.queue.n == 0 {
		l.fail(errUnasked)
		return
	}
	l.owed--
	c := l.queue.get(0)
	if c.run != nil {
		if cmd := c.run[0]; cmd != nil {
			cmd.Reply, cmd.Err = reply, err
		}
		c.run = c.run[1:]
	}
	if c.left > 1 {
		if c.left--; c.met() {
			wake(c)
		}
		return
	}
	l.finish(l.queue.pop(), reply, err)
}

// finish ends a call that has left the queue. mu is held.
func (l *Line) finish(c *Call, reply any, err error) {
	if c.state == dropped {
		l.recycle(c)
		return
	}
	c.state, c.left, c.run, c.reply, c.err = done, 0, nil, reply, err
	wake(c)
}

// recycle makes a call ready for another command. Nobody else knows it.
func (l *Line) recycle(c *Call) {
	*c = Call{wake: c.wake}
	l.calls.Put(c)
}

// wake sends a token to an owner that sleeps. Each time of sleeping gets one
// token at most. mu is held.
func wake(c *Call) {
	if c.parked {
		c.parked = false
		c.wake <- struct{}{}
	}
}
