package load

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Result is what all workers saw.
type Result struct{ workers []*stats }

// Filter chooses workers.
type Filter func(way Way, where int) bool

// On chooses those who keep to a shard.
func On(shard int) Filter { return func(_ Way, where int) bool { return where == shard } }

// Beside chooses those who keep to another shard.
func Beside(shard int) Filter {
	return func(_ Way, where int) bool { return where != shard && where != All }
}

// Every chooses all.
func Every(Way, int) bool { return true }

// By keeps those of f that go one way.
func By(way Way, f Filter) Filter {
	return func(w Way, where int) bool { return w == way && f(w, where) }
}

// Latency is that of all answers of a phase, errors too, in µs.
func (r *Result) Latency(p Phase, f Filter) *hdrhistogram.Histogram {
	sum := hdrhistogram.New(1, time.Minute.Microseconds(), 3)
	for _, s := range r.workers {
		if f(s.way, s.where) {
			sum.Merge(s.latency[p])
		}
	}
	return sum
}

// Errors are those of a phase, by kind.
func (r *Result) Errors(p Phase, f Filter) map[string]int {
	sum := map[string]int{}
	for _, s := range r.workers {
		if f(s.way, s.where) {
			for kind, n := range s.errors[p] {
				sum[kind] += n
			}
		}
	}
	return sum
}

// Pause is the longest time between from and to that a worker was without an
// acknowledged write.
func (r *Result) Pause(from, to time.Time, f Filter) (longest time.Duration) {
	for _, s := range r.workers {
		if !f(s.way, s.where) {
			continue
		}
		for _, g := range s.gaps {
			if g.To.After(from) && g.From.Before(to) {
				longest = max(longest, g.To.Sub(g.From))
			}
		}
	}
	return longest
}

// Recovery is how long after a moment the last of the workers got a write
// acknowledged again; never is true if one did not until the load rested.
func (r *Result) Recovery(at time.Time, f Filter) (longest time.Duration, never bool) {
	for _, s := range r.workers {
		if !f(s.way, s.where) {
			continue
		}
		for _, g := range s.gaps {
			if !g.From.After(at) && g.To.After(at) {
				longest = max(longest, g.To.Sub(at))
				never = never || g.Open && g.To.Sub(g.From) > time.Second
			}
		}
	}
	return longest, never
}
