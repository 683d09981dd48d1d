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
	w := &work{phase: Repairing, total: int64(len(keys)), pace: &pace{rate: a.opt.KeysPerSecond}, do: (*mover).home}
	return a.repair(ctx, w, placesOf(keys), given(keys), each)
}

// RepairAll is Repair of what it finds itself, while it finds it, and so keeps no
// keys: for more than fit into memory. r is what Find has reported; where less is
// misplaced by now, the rest counts as Gone.
func (a *Auditor) RepairAll(ctx context.Context, r *Report, each func(Outcome)) (Totals, error) {
	w := &work{phase: Repairing, total: r.Misplaced, pace: &pace{rate: a.opt.KeysPerSecond}, do: (*mover).home}
	return a.repair(ctx, w, r.places, a.found(w.pace), each)
}

// repair claims places, those that are known from the start at the start.
func (a *Auditor) repair(ctx context.Context, w *work, places [][2]int, from source, each func(Outcome)) (Totals, error) {
	w.claim = newClaim()
	holder := &mover{a: a, claim: w.claim, links: map[int]*link{}}
	defer holder.close()
	for _, p := range places {
		if err := holder.take(ctx, p); err != nil {
			_ = holder.release(context.WithoutCancel(ctx)) // of the others; err says more
			return Totals{}, err
		}
	}
	t, err := a.act(ctx, w, func(ctx context.Context, give func(Key) error) error {
		return from(ctx, func(k Key) error {
			if err := holder.take(ctx, [2]int{k.to, k.Database}); err != nil {
				return err
			}
			return give(k)
		})
	}, each)
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
	w := &work{phase: Deleting, total: int64(len(keys)), pace: &pace{rate: a.opt.KeysPerSecond}, do: (*mover).delete}
	return a.act(ctx, w, given(keys), each)
}

// DeleteAll is to Delete what RepairAll is to Repair. It deletes what is misplaced
// now, which may be more than r has.
func (a *Auditor) DeleteAll(ctx context.Context, r *Report, each func(Outcome)) (Totals, error) {
	w := &work{phase: Deleting, total: r.Misplaced, pace: &pace{rate: a.opt.KeysPerSecond}, do: (*mover).delete}
	return a.act(ctx, w, a.found(w.pace), each)
}

// source gives out keys until there are no more or give returns an error, which
// it then returns.
type source func(ctx context.Context, give func(Key) error) error

func given(keys []Key) source {
	return func(_ context.Context, give func(Key) error) error {
		for _, k := range keys {
			if err := give(k); err != nil {
				return err
			}
		}
		return nil
	}
}

// found gives out what a scan finds; it waits while no mover is free.
func (a *Auditor) found(limit *pace) source {
	return func(ctx context.Context, give func(Key) error) error {
		_, err := a.look(ctx, limit, func(Progress) {}, give)
		return err
	}
}

// work is what act does with keys.
type work struct {
	phase Phase
	total int64 // how many there are to be
	pace  *pace
	claim *claim // nil for Delete
	do    func(*mover, context.Context, Key) (Result, error)
}

// act does something with each key, several at a time.
func (a *Auditor) act(ctx context.Context, w *work, from source, each func(Outcome)) (Totals, error) {
	began := time.Now()
	outcomes := make(chan Outcome, 4*a.opt.Movers)
	ended := make(chan error, 1)
	go func() {
		keys := make(chan Key)
		// One of them gives out, the others move.
		ended <- inParallel(ctx, 1+a.opt.Movers, 1+a.opt.Movers, func(ctx context.Context, i int) error {
			if i > 0 {
				return a.move(ctx, w, keys, outcomes)
			}
			defer close(keys)
			return from(ctx, func(k Key) error {
				select {
				case keys <- k:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			})
		})
		close(outcomes)
	}()

	var t Totals
	progress := Progress{Phase: w.phase, Total: w.total}
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case o, open := <-outcomes:
			if !open {
				err := <-ended
				if missing := w.total - progress.Done; err == nil && missing > 0 {
					t.counts[Gone] += missing // between two scans
					progress.Done = w.total
				}
				a.opt.Progress(progress)
				t.Took = time.Since(began)
				return t, err
			}
			t.counts[o.Result]++
			progress.Done++
			progress.Total = max(progress.Total, progress.Done)
			if each != nil {
				each(o)
			}
		case <-tick.C:
			a.opt.Progress(progress)
		}
	}
}

// move is one mover's work: key after key, until there are no more or ctx ends.
func (a *Auditor) move(ctx context.Context, w *work, keys <-chan Key, outcomes chan<- Outcome) error {
	m := &mover{a: a, claim: w.claim, links: map[int]*link{}}
	defer m.close()
	for k := range keys {
		if err := w.pace.wait(ctx, 1); err != nil {
			return err
		}
		result, err := w.do(m, ctx, k)
		if err != nil && result != Failed {
			return err
		}
		outcomes <- Outcome{k, result, err}
	}
	return nil
}

// mover has connections to the servers of the keys that it was given. It does one
// key at a time.
type mover struct {
	a     *Auditor
	claim *claim        // nil for Delete; of it movers read the token only
	links map[int]*link // by server
}

func (m *mover) close() {
	for _, l := range m.links {
		l.Close()
	}
}

// idleMost is for how long a connection is trusted that nothing came over: servers
// with a "timeout" close such, after 1 s at the earliest.
const idleMost = 500 * time.Millisecond

// link is a connection to the primary of a server, with the database selected.
func (m *mover) link(ctx context.Context, server, db int) (*link, error) {
	s := m.a.servers[server]
	l := m.links[server]
	if l != nil && time.Since(l.used) > idleMost {
		if _, err := l.Do("PING"); err != nil {
			l.Close()
			l = nil
		}
	}
	if l == nil {
		var err error
		if l, _, err = m.a.again(ctx, s, s.node); err != nil {
			delete(m.links, server)
			return nil, err
		}
		m.links[server] = l
	}
	l.used = time.Now()
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
