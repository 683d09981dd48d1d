package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/ring"
	"github.com/shardring/shardring/shard/config"
)

// Change is what a change of the ring would move.
type Change struct {
	// Difference is exact, of the hash space. It is nil where the rings cannot be
	// compared, and Incomparable says why; then there is only what the sample says.
	Difference   *ring.Difference
	Incomparable error

	Flows  []Flow        // from shard to shard, in the order of the files
	Shards []ShardChange // of the old file in its order, then new ones

	Keys, Bytes Estimate // of all keys: what would move
	Total       int64    // keys on all servers
	Sampled     int64    // keys looked at
	Took        time.Duration
}

// Estimate is a number reckoned from a sample.
type Estimate struct {
	Value float64
	// Margin is half the width of the interval in which the true value lies 95
	// times of 100. It is 0 where all keys were looked at.
	Margin float64
}

// Flow is what would go from one shard to another.
type Flow struct {
	From, To string
	Share    float64 // of the hash space, exact; 0 without Difference
	Keys     Estimate
	Bytes    Estimate // by MEMORY USAGE
}

// ShardChange is one shard before and after.
type ShardChange struct {
	Name                    string
	ShareBefore, ShareAfter float64 // of the hash space, exact
	KeysBefore, KeysAfter   float64 // what the server has, and by the sample
	BytesBefore, BytesAfter float64 // both by the sample
}

// Against says what would move if the pool's ring became that of next. Keys
// and bytes are reckoned from the first Options.Samples keys of each server in
// the order of its hash table, which has nothing to do with their names. Nothing
// is asked of the servers of next.
func (a *Auditor) Against(ctx context.Context, next *config.Pool) (*Change, error) {
	began := time.Now()
	after, err := ownerRing(next)
	if err != nil {
		return nil, err
	}
	c := &Change{Total: a.total()}
	c.Difference, c.Incomparable = ring.Diff(a.ring, after)
	if c.Incomparable != nil && !errors.Is(c.Incomparable, ring.ErrNotComparable) {
		return nil, c.Incomparable
	}
	samples := make([]sample, len(a.servers))
	limit := &pace{rate: a.opt.KeysPerSecond}
	var looked atomic.Int64
	ended := make(chan error, 1)
	go func() {
		ended <- inParallel(ctx, len(a.servers), a.opt.Scanners, func(ctx context.Context, i int) error {
			var err error
			samples[i], err = a.sample(ctx, a.servers[i], after, limit, &looked)
			return err
		})
	}()
	progress := Progress{Phase: Sampling}
	for _, s := range a.servers {
		progress.Total += min(s.info.count(a.databases(s.info)), int64(a.opt.Samples))
	}
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for open := true; open; {
		select {
		case err = <-ended:
			open = false
		case <-tick.C:
		}
		progress.Done = looked.Load()
		a.opt.Progress(progress)
	}
	if err != nil {
		return nil, err
	}
	a.reckon(c, after, samples)
	c.Took = time.Since(began)
	return c, nil
}

// sample is what one server's keys would do: by database, as each has its own
// share of the sample.
type sample []stratum

type stratum struct {
	keys    float64 // in the database
	sampled float64
	all     bool              // sampled is all of them
	bytes   float64           // of the sampled
	to      map[string]*tally // by new owner; the shard itself is one
}

// tally sums sampled keys.
type tally struct{ keys, bytes, squares float64 }

// sample looks at keys of one server.
func (a *Auditor) sample(ctx context.Context, s *server, after *ring.Ring, limit *pace, looked *atomic.Int64) (sample, error) {
	fail := func(err error) error { return &Error{s.name, s.scan.String(), cmp.Or(ctx.Err(), err)} }
	c, now, err := a.again(ctx, s, s.scan)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })() // what never comes is not waited for
	if !c.version.memoryUsage() {
		return nil, fail(fmt.Errorf("is version %v: MEMORY USAGE needs 4.0", c.version))
	}
	databases := a.databases(now)
	total := now.count(databases)
	var all sample
	for _, db := range databases {
		if err := c.use(db); err != nil {
			return nil, fail(err)
		}
		keys := now.keys[db]
		want := int(math.Ceil(float64(a.opt.Samples) * float64(keys) / float64(total)))
		names, complete, err := c.first(ctx, limit, want)
		if err != nil {
			return nil, fail(err)
		}
		st := stratum{keys: float64(keys), sampled: float64(len(names)), all: complete, to: map[string]*tally{}}
		if complete {
			st.keys = st.sampled
		}
		for page := range slices.Chunk(names, 500) {
			if err := limit.wait(ctx, len(page)); err != nil {
				return nil, fail(err)
			}
			if err := c.weigh(page, after, &st); err != nil {
				return nil, fail(err)
			}
			looked.Add(int64(len(page)))
		}
		all = append(all, st)
	}
	return all, nil
}

// first returns the first keys of a database, about as many as wanted, each
// once, and whether these are all.
func (l *link) first(ctx context.Context, limit *pace, want int) (names [][]byte, all bool, err error) {
	known := map[string]bool{}
	err = l.pages(ctx, limit, func(keys []any) error {
		if len(names) >= want {
			return errEnough
		}
		for _, k := range keys {
			if name, ok := k.([]byte); ok && !known[string(name)] {
				known[string(name)] = true
				names = append(names, name)
			}
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return names, false, nil
	}
	return names, true, err
}

// weigh adds keys to the tallies of their new owners.
func (l *link) weigh(names [][]byte, after *ring.Ring, st *stratum) error {
	requests := make([]request, len(names))
	for i, name := range names {
		requests[i] = request{"MEMORY", "USAGE", name}
	}
	replies, err := l.ask(requests...)
	if err != nil {
		return err
	}
	for i, reply := range replies {
		if err := refusal("MEMORY USAGE", reply); err != nil {
			return err
		}
		size, err := redis.Int64(reply, nil)
		if err != nil && !errors.Is(err, redis.ErrNil) { // nil: gone since
			return fmt.Errorf("MEMORY USAGE: %w", err)
		}
		bytes := float64(size)
		owner := after.Name(after.Owner(names[i]))
		t := st.to[owner]
		if t == nil {
			t = &tally{}
			st.to[owner] = t
		}
		t.keys++
		t.bytes += bytes
		t.squares += bytes * bytes
		st.bytes += bytes
	}
	return nil
}

// reckon puts the samples together.
func (a *Auditor) reckon(c *Change, after *ring.Ring, samples []sample) {
	place := map[string]int{}
	add := func(name string) *ShardChange {
		i, known := place[name]
		if !known {
			i = len(c.Shards)
			place[name] = i
			c.Shards = append(c.Shards, ShardChange{Name: name})
		}
		return &c.Shards[i]
	}
	for i, share := range a.ring.Shares() {
		add(a.ring.Name(i)).ShareBefore = share
	}
	for i, share := range after.Shares() {
		add(after.Name(i)).ShareAfter = share
	}
	flows := map[[2]string]*Flow{}
	flow := func(from, to string) *Flow {
		f := flows[[2]string{from, to}]
		if f == nil {
			f = &Flow{From: from, To: to}
			flows[[2]string{from, to}] = f
		}
		return f
	}
	if c.Difference != nil {
		for _, m := range c.Difference.Moves {
			flow(m.From, m.To).Share = m.Share
		}
	}
	for i, sample := range samples {
		s := a.servers[i]
		for _, st := range sample {
			if st.sampled == 0 {
				continue
			}
			c.Sampled += int64(st.sampled)
			from := add(s.name)
			from.KeysBefore += st.keys
			from.BytesBefore += st.bytes / st.sampled * st.keys
			for to, t := range st.to {
				keys, bytes := st.estimate(t)
				target := add(to)
				target.KeysAfter += keys.Value
				target.BytesAfter += bytes.Value
				if s.has(a.ring, to) {
					continue
				}
				f := flow(s.name, to)
				f.Keys, f.Bytes = f.Keys.plus(keys), f.Bytes.plus(bytes)
				c.Keys, c.Bytes = c.Keys.plus(keys), c.Bytes.plus(bytes)
			}
		}
	}
	for _, f := range flows {
		c.Flows = append(c.Flows, *f)
	}
	slices.SortFunc(c.Flows, func(x, y Flow) int {
		return cmp.Or(cmp.Compare(place[x.From], place[y.From]), cmp.Compare(place[x.To], place[y.To]))
	})
}

// has says that a shard of this name is on the server.
func (s *server) has(r *ring.Ring, name string) bool {
	return slices.ContainsFunc(s.shards, func(i int) bool { return r.Name(i) == name })
}

// z is the half width of the 95% interval in standard deviations.
const z = 1.96

// estimate reckons from a tally to the database: the mean of the sample, times
// the keys, with the error of a mean of that many values, 0 for those keys
// that the tally does not have.
func (st *stratum) estimate(t *tally) (keys, bytes Estimate) {
	n := st.sampled
	keys.Value, bytes.Value = t.keys/n*st.keys, t.bytes/n*st.keys
	if st.all {
		return keys, bytes
	}
	margin := func(sum, squares float64) float64 {
		mean := sum / n
		return z * st.keys * math.Sqrt(max(0, squares/n-mean*mean)/n)
	}
	keys.Margin, bytes.Margin = margin(t.keys, t.keys), margin(t.bytes, t.squares)
	return keys, bytes
}

// plus adds two estimates of different keys.
func (e Estimate) plus(o Estimate) Estimate {
	return Estimate{e.Value + o.Value, math.Hypot(e.Margin, o.Margin)}
}
