package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/gomodule/redigo/redis"
)

// Outcome is what became of one key.
type Outcome struct {
	Key    Key
	Result Result
	Err    error // of Failed: what a server said
}

func (o Outcome) String() string {
	if o.Err != nil {
		return fmt.Sprintf("%q: %v: %v", o.Key.Name, o.Result, o.Err)
	}
	return fmt.Sprintf("%q: %v", o.Key.Name, o.Result)
}

// Result is how it came out for a key.
type Result uint8

const (
	Moved    Result = iota // it is at home, and only there
	Same                   // it was at home too, with the same value and expiry; now it is only there
	Deleted                // by Delete
	Gone                   // it was no longer there, or has expired
	Conflict               // another value or expiry is at home: both are left
	Changing               // it changed each time it was about to be moved: it is left where it was
	Failed                 // a server refused: it is left where it was
	results                // how many there are
)

func (r Result) String() string {
	return [...]string{"moved", "same", "deleted", "gone", "conflict", "changing", "failed"}[r]
}

// Left says that the key is still on the server that does not own it.
func (r Result) Left() bool { return r == Conflict || r == Changing || r == Failed }

// Totals counts results.
type Totals struct {
	counts [results]int64
	Took   time.Duration
}

// Of is the number of keys with this result.
func (t Totals) Of(r Result) int64 { return t.counts[r] }

// Left is the number of keys that are still on a server that does not own them.
func (t Totals) Left() (n int64) {
	for r := range results {
		if r.Left() {
			n += t.counts[r]
		}
	}
	return n
}

// Repair moves keys that Find found to the servers that own them, with value,
// expiry and idle time, and calls each, if it is not nil, with what became of
// every one. A key that is at home already with the same value and expiry, as an
// interrupted Repair leaves it, is deleted where it was found; with another
// it is a Conflict, and nothing is changed.
//
// An ended context lets the keys under way be finished. A server that cannot be
// asked or refuses writes ends it with an *Error; then and after a crash at any
// point call Find and Repair again.
func (a *Auditor) Repair(ctx context.Context, keys []Key, each func(Outcome)) (Totals, error) {
	holder := &mover{a: a, claim: &claim{}, links: map[int]*link{}}
	defer holder.close()
	if err := holder.claimAll(ctx, keys); err != nil {
		return Totals{}, err
	}
	t, err := a.act(ctx, Repairing, keys, each, holder.claim, (*mover).home)
	// Also when ctx has ended: what runs on is bounded by Options.Timeout.
	if lost := holder.release(context.WithoutCancel(ctx)); err == nil {
		err = lost
	}
	return t, err
}

// Delete deletes keys that Find found where it found them, and calls each, if it
// is not nil, with what became of every one. What their owners have is not
// looked at.
func (a *Auditor) Delete(ctx context.Context, keys []Key, each func(Outcome)) (Totals, error) {
	return a.act(ctx, Deleting, keys, each, nil, (*mover).delete)
}

// act does something with each key, several at a time.
func (a *Auditor) act(ctx context.Context, phase Phase, keys []Key, each func(Outcome), claim *claim, do func(*mover, context.Context, Key) (Result, error)) (Totals, error) {
	began := time.Now()
	limit := &pace{rate: a.opt.KeysPerSecond}
	outcomes := make(chan Outcome, 4*a.opt.Movers)
	ended := make(chan error, 1)
	go func() {
		movers := make(chan *mover, a.opt.Movers)
		for range a.opt.Movers {
			movers <- &mover{a: a, claim: claim, links: map[int]*link{}}
		}
		err := inParallel(ctx, len(keys), a.opt.Movers, func(ctx context.Context, i int) error {
			if err := limit.wait(ctx, 1); err != nil {
				return err
			}
			m := <-movers
			defer func() { movers <- m }()
			result, err := do(m, ctx, keys[i])
			if err != nil && result != Failed {
				return err
			}
			outcomes <- Outcome{keys[i], result, err}
			return nil
		})
		for range a.opt.Movers {
			(<-movers).close()
		}
		ended <- err
		close(outcomes)
	}()

	var t Totals
	progress := Progress{Phase: phase, Total: int64(len(keys))}
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case o, open := <-outcomes:
			if !open {
				a.opt.Progress(progress)
				t.Took = time.Since(began)
				return t, <-ended
			}
			t.counts[o.Result]++
			progress.Done++
			if each != nil {
				each(o)
			}
		case <-tick.C:
			a.opt.Progress(progress)
		}
	}
}

// mover has connections to the servers of the keys that it was given. It does one
// key at a time.
type mover struct {
	a     *Auditor
	claim *claim        // nil for Delete; not changed while keys are moved
	links map[int]*link // by server
}

func (m *mover) close() {
	for _, l := range m.links {
		l.Close()
	}
}

// link is a connection to the primary of a server, with the database selected.
func (m *mover) link(ctx context.Context, server, db int) (*link, error) {
	s := m.a.servers[server]
	l := m.links[server]
	if l == nil {
		var err error
		if l, _, err = m.a.again(ctx, s, s.node); err != nil {
			return nil, err
		}
		m.links[server] = l
	}
	return l, s.wrap(l.use(db))
}

func (m *mover) delete(ctx context.Context, k Key) (Result, error) {
	from, err := m.link(ctx, k.from, k.Database)
	if err != nil {
		return 0, err
	}
	name := from.version.deleting()
	n, err := redis.Int(from.Do(name, k.Name))
	switch {
	case err != nil:
		return m.judge(k.from, fmt.Errorf("%s: %w", name, err))
	case n == 0:
		return Gone, nil
	}
	return Deleted, nil
}
