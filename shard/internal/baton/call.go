package baton

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// ErrTimeout is the reason of an Error when the deadline given to Wait passed.
var ErrTimeout = fmt.Errorf("no reply in time: %w", os.ErrDeadlineExceeded)

// ErrBacklog is the reason of an Error when more is waiting to be written
// than the line holds. The command was not sent.
var ErrBacklog = errors.New("too much is waiting to be written")

// ErrTooMany is the reason of an Error when the server owes as many replies as the line
// allows. The command was not sent.
var ErrTooMany = errors.New("too many commands are under way")

// TooMany is ErrTooMany with the limit.
func TooMany(limit int) error { return fmt.Errorf("%w: %d (MaxInFlight)", ErrTooMany, limit) }

// Error says why a call has no reply.
type Error struct {
	Err error
	// Sent is false when the command cannot have reached the server whole,
	// so it was not executed. True means: it may or may not have been.
	Sent bool
	// Broken reports that the connection is lost, not only this call.
	Broken bool
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

type callState uint8

const (
	idle    callState = iota // with its owner, not on a line
	queued                   // in the line's queue
	done                     // replied or failed; out of the queue
	dropped                  // in the queue, but its owner has gone
)

func (s callState) String() string {
	return [...]string{"idle", "queued", "done", "dropped"}[s]
}

// Call is what was started together on a line: the one command of Do, or a
// run. It belongs to the goroutine that started it until that has waited for
// or dropped its last command.
type Call struct {
	wake chan struct{} // holds at most one token; a token may be stale

	// The line's mutex protects the following fields.
	state    callState
	waiting  bool      // its owner waits and can take a role
	parked   bool      // its owner sleeps, or is about to, on wake
	reads    bool      // the baton was granted to its owner
	writes   bool      // the writer's role was granted to its owner
	busy     bool      // its owner is writing
	deadline time.Time // zero: none; while waiting
	end      int64     // bytes encoded on the line, this command included
	reply    any
	err      error

	left int        // commands without a reply yet
	want int        // its owner waits until no more than that many are left
	run  []*Command // of a run, the left ones; nil in it: dropped; nil: it was one command, or all are dropped
}

// met reports whether the owner has what it waits for.
func (c *Call) met() bool { return c.left <= c.want }

// forsake drops the commands of a run but for the last after, with err.
func (c *Call) forsake(after int, err error) {
	for i := range c.left - after {
		if cmd := c.run[i]; cmd != nil {
			cmd.Err = err
			c.run[i] = nil
		}
	}
}

// Command is one of several on a line, and what became of it. The line writes
// to it until its owner has waited for it or dropped it.
type Command struct {
	Cmd  string
	Args []any // of redigo's basic types, see Do

	Reply any
	Err   error // as Do returns it

	call  *Call // nil: not started, or the owner has waited for it or dropped it
	after int   // commands behind it in the call
	end   int64 // bytes encoded on the line, this command included
}

// Started reports whether the command is to be waited for or dropped.
func (cmd *Command) Started() bool { return cmd.call != nil }

// past reports whether the owner's deadline has passed.
func (c *Call) past(now time.Time) bool { return !c.deadline.IsZero() && !now.Before(c.deadline) }

// ring is a first-in-first-out queue of calls.
type ring struct {
	at   []*Call // a power of two long
	head int
	n    int
}

func (q *ring) push(c *Call) {
	if q.n == len(q.at) {
		grown := make([]*Call, max(16, 2*len(q.at)))
		for i := range q.n {
			grown[i] = q.get(i)
		}
		q.at, q.head = grown, 0
	}
	q.at[(q.head+q.n)&(len(q.at)-1)] = c
	q.n++
}

// get returns the i-th from the head.
func (q *ring) get(i int) *Call { return q.at[(q.head+i)&(len(q.at)-1)] }

func (q *ring) pop() *Call {
	c := q.at[q.head]
	q.at[q.head] = nil
	q.head = (q.head + 1) & (len(q.at) - 1)
	q.n--
	return c
}
