package watch

import (
	"slices"
	"time"
)

// history says which offset a primary had when, as far back as a replica may
// be behind. The zero history knows nothing.
type history struct {
	samples []sample // ascending in both
}

type sample struct {
	at     time.Time
	offset int64
}

const (
	sampleEvery = 50 * time.Millisecond // closer ones replace each other
	maxSamples  = 256
)

// add notes the primary's offset. keep is how far back is of interest.
func (h *history) add(at time.Time, offset int64, keep time.Duration) {
	if n := len(h.samples); n > 0 {
		last := &h.samples[n-1]
		switch {
		case offset < last.offset:
			h.samples = h.samples[:0] // it began anew
		case !at.After(last.at):
			return
		case offset == last.offset || n > 1 && at.Sub(h.samples[n-2].at) < sampleEvery:
			*last = sample{at, offset}
			return
		}
	}
	h.samples = append(h.samples, sample{at, offset})
	// One sample beyond what is of interest is the answer for all that is older.
	first := max(0, len(h.samples)-maxSamples)
	for first < len(h.samples)-2 && at.Sub(h.samples[first+1].at) > keep {
		first++
	}
	h.samples = h.samples[:copy(h.samples, h.samples[first:])]
}

// lag says how far a replica is behind that has this offset now: what it lacks
// was written no earlier than so long ago, and is so many bytes, as far as the
// primary has told. It is not known for a replica that is behind everything that
// is remembered.
func (h *history) lag(now time.Time, offset int64) (d time.Duration, bytes int64, known bool) {
	n := len(h.samples)
	if n == 0 || offset < 0 {
		return 0, 0, false
	}
	bytes = max(0, h.samples[n-1].offset-offset)
	if bytes == 0 {
		return 0, 0, true
	}
	for i := n - 1; i >= 0; i-- {
		if h.samples[i].offset <= offset {
			return now.Sub(h.samples[i].at), bytes, true
		}
	}
	return 0, bytes, false
}

// latency is how long a node takes to answer: the least of its last probes, for what
// a busy machine adds says nothing of the node. The published value follows only when
// it is off by more than noise, which would make snapshots.
type latency struct {
	last      [8]time.Duration
	probes    int
	published time.Duration
}

// latencyNoise is what may be added to a round trip all the time.
const latencyNoise = 200 * time.Microsecond

func (l *latency) add(d time.Duration) {
	l.last[l.probes%len(l.last)] = d
	l.probes++
	least := slices.Min(l.last[:min(l.probes, len(l.last))])
	off := least - l.published
	if l.published == 0 || off > max(l.published, latencyNoise) || off < -max(l.published/2, latencyNoise) {
		l.published = max(10*time.Microsecond, least.Round(10*time.Microsecond))
	}
}
