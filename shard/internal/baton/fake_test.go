package baton

import (
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"
)

// fake is a transport and the server behind it, without a socket: it echoes
// each command's first argument, in order, after a delay. Its faults are
// fixed before use. Like a wire it is not safe for use against the rules of
// transport, so the race detector sees when a line breaks them.
type fake struct {
	delay  func(arg string) time.Duration // of one reply after the one before
	large  func(arg string) bool          // replies that await cannot hold
	cut    int64                          // after this many replies the connection breaks; 0: never
	jam    bool                           // the kernel takes nothing
	during func() error

	out     []string // the line's mutex
	total   int64    // the line's mutex
	sending []string // the writer's

	mu       sync.Mutex // the network: protects the following fields
	inbound  []string   // sent, not answered
	due      time.Time  // of the first in inbound
	answered int64
	closed   bool

	reading bool // the reader's; only the race detector looks
}

var errCut = errors.New("connection cut")

func (f *fake) encode(cmd string, args []any) (int64, error) {
	f.out = append(f.out, args[0].(string))
	f.total++
	return f.total, nil
}

func (f *fake) unsent() int { return len(f.out) + len(f.sending) }

func (f *fake) take() {
	f.sending = append(f.sending, f.out...)
	f.out = nil
}

func (f *fake) flush(until time.Time) (int, error) {
	if f.jam {
		time.Sleep(time.Until(until))
		if f.isClosed() {
			return len(f.sending), errCut
		}
		return len(f.sending), os.ErrDeadlineExceeded
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return len(f.sending), errCut
	}
	for _, arg := range f.sending {
		if len(f.inbound) == 0 {
			f.due = time.Now().Add(f.delay(arg))
		}
		f.inbound = append(f.inbound, arg)
	}
	f.sending = nil
	return 0, nil
}

func (f *fake) await(until time.Time) (bool, error) {
	f.reading = !f.reading
	for {
		f.mu.Lock()
		closed, ready := f.closed, len(f.inbound) > 0 && !time.Now().Before(f.due)
		cut := f.cut > 0 && f.answered >= f.cut
		whole := ready && !f.large(f.inbound[0])
		f.mu.Unlock()
		switch {
		case closed || cut:
			return false, errCut
		case ready:
			return whole, nil
		case !time.Now().Before(until):
			return false, os.ErrDeadlineExceeded
		}
		time.Sleep(50 * time.Microsecond)
	}
}

func (f *fake) receive() (any, error) {
	f.reading = !f.reading
	f.mu.Lock()
	arg := f.inbound[0]
	f.mu.Unlock()
	if f.large(arg) {
		time.Sleep(tick)
		if err := f.during(); err != nil {
			return nil, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, errCut
	}
	f.inbound = f.inbound[1:]
	f.answered++
	if len(f.inbound) > 0 {
		f.due = time.Now().Add(f.delay(f.inbound[0]))
	}
	if rand.IntN(8) == 0 {
		return nil, redis.Error("ERR " + arg)
	}
	return arg, nil
}

func (f *fake) progress() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.answered
}

func (f *fake) alive() error {
	if f.isClosed() {
		return errCut
	}
	return nil
}

func (f *fake) isClosed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.closed
}

func (f *fake) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	return nil
}

// newFake makes a line over f, filling in what f leaves out.
func newFake(f *fake, opts Options) *Line {
	if f.delay == nil {
		f.delay = func(string) time.Duration { return 0 }
	}
	if f.large == nil {
		f.large = func(string) bool { return false }
	}
	l := newLine(opts)
	l.ch, f.during = f, l.during
	return l
}
