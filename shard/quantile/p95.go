// Package quantile follows how long 95 of 100 reads take, so that the proxy and the
// library ask another server after the same time. It knows nothing of servers or reads.
//
//	var usual quantile.P95
//	usual.Take(time.Since(asked))
//	if limit := usual.Limit(time.Millisecond); limit > 0 && time.Since(asked) > limit { … }
package quantile

import (
	"sync/atomic"
	"time"
)

// Enough is how many durations tell something.
const Enough = 100

// P95 follows the time under which 95 of 100 durations stay, without keeping any: it
// goes up by 19 steps for one that is above and down by one for another, so it rests
// where one of 20 is above. A step is a 128th of it, a microsecond at least. The zero
// value is ready to use, by any number of goroutines; of two that take at the same
// moment one may be left out.
type P95 struct {
	ns    atomic.Int64
	taken atomic.Int64 // up to Enough
}

// Take counts a duration.
func (q *P95) Take(d time.Duration) {
	if q.taken.Load() < Enough && q.taken.Add(1) == 1 {
		q.ns.Store(int64(d))
		return
	}
	ns := q.ns.Load()
	step := max(ns/128, int64(time.Microsecond))
	next := max(ns-step, 0)
	if int64(d) > ns {
		next = ns + 19*step
	}
	q.ns.CompareAndSwap(ns, next)
}

// Limit returns that time, or floor if it is less; 0: it is not known yet.
func (q *P95) Limit(floor time.Duration) time.Duration {
	if q.taken.Load() < Enough {
		return 0
	}
	return max(time.Duration(q.ns.Load()), floor)
}
