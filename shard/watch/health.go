package watch

import (
	"fmt"
	"time"
)

// State is what probes say of one node.
//
//	           answer                        answers for settle
//	Probing ------------> Healthy <------------------------------ Probing
//	 (new)                 |   ^                                  |     ^
//	                fails  v   | answers                   fails  v     | answers
//	                      Suspect ------- fails again ---------> Down --+
type State uint8

const (
	// Probing: it is new, and nothing is known; or it was Down, answers again and
	// has to go on doing so before it is given reads.
	Probing State = iota
	// Healthy: it answered the last probe.
	Healthy
	// Suspect: it failed one probe and is asked again at once. Nothing is read
	// from it, but it stays the primary if it is.
	Suspect
	// Down: it failed at least two in a row.
	Down
)

func (s State) String() string {
	switch s {
	case Probing:
		return "probing"
	case Healthy:
		return "healthy"
	case Suspect:
		return "suspect"
	case Down:
		return "down"
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

const (
	downAfter    = 2                      // failed probes in a row
	firstBackoff = 50 * time.Millisecond  // after the first
	huntEvery    = 10 * time.Millisecond  // between probes of a node that is about to be promoted
	leastBackoff = 500 * time.Millisecond // that the last back-off is, however short the interval
)

// health is the state of one node. It belongs to the goroutine that probes the
// node. set is the only place that changes state.
type health struct {
	interval time.Duration // between probes; a returned node settles for as long
	state    State
	since    time.Time // of state
	failures int       // in a row
	returned bool      // Probing because it was Down, not because it is new
}

func (h *health) set(s State, now time.Time) {
	if s != h.state {
		h.returned = h.state == Down
		h.state, h.since = s, now
	}
}

// answered notes that a probe was answered.
func (h *health) answered(now time.Time) {
	h.failures = 0
	switch h.state {
	case Down:
		h.set(Probing, now)
	case Probing:
		if !h.returned || now.Sub(h.since) >= h.interval {
			h.set(Healthy, now)
		}
	case Suspect:
		h.set(Healthy, now)
	}
}

// failed notes that a probe was not answered, or not in time.
func (h *health) failed(now time.Time) {
	h.failures++
	switch {
	case h.failures >= downAfter || h.state == Probing && h.returned:
		h.set(Down, now)
	case h.state == Healthy:
		h.set(Suspect, now)
	}
}

// next is how long to wait until the next probe; random is in [0, 1). A quarter
// either way keeps those who ask the same node from asking together.
func (h *health) next(random float64) time.Duration {
	d := h.interval
	switch {
	case h.failures > 0:
		longest := max(h.interval, leastBackoff)
		d = longest
		if h.failures < 16 {
			d = min(firstBackoff<<(h.failures-1), longest)
		}
	case h.state == Probing && h.returned:
		d = h.interval / 4
	}
	return d*3/4 + time.Duration(random*float64(d/2))
}
