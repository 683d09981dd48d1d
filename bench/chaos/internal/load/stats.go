package load

import (
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Gap is a time in which none of a worker's writes was acknowledged.
type Gap struct {
	From, To time.Time
	Open     bool // it had not ended when the load came to rest
}

// Shorter gaps are what a worker's own pace makes.
const shortestGap = 20 * time.Millisecond

// stats is what one worker saw.
type stats struct {
	way   Way
	where int

	mu      sync.Mutex // protects the following fields
	latency [phases]*hdrhistogram.Histogram
	errors  [phases]map[string]int
	gaps    []Gap
	written time.Time // when its last write was acknowledged, zero: none since it rested
}

// newStats keeps latencies from 1 µs to a minute, to three digits.
func newStats(way Way, where int) *stats {
	s := &stats{way: way, where: where}
	for p := range s.latency {
		s.latency[p] = hdrhistogram.New(1, time.Minute.Microseconds(), 3)
		s.errors[p] = map[string]int{}
	}
	return s
}

func (s *stats) answered(phase int32, begun time.Time, r reply, write bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.latency[phase].RecordValue(max(1, min(r.at.Sub(begun), time.Minute).Microseconds()))
	switch {
	case r.err != nil:
		s.errors[phase][errorKind(r.err)]++
	case write:
		s.gap(r.at, false)
		s.written = r.at
	}
}

func (s *stats) gap(to time.Time, open bool) {
	if !s.written.IsZero() && to.Sub(s.written) >= shortestGap {
		s.gaps = append(s.gaps, Gap{s.written, to, open})
	}
}

// rest ends what is under way without an end.
func (s *stats) rest(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gap(now, true)
	s.written = time.Time{}
}

func (s *stats) awake(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written = now
}

var (
	maybe     = regexp.MustCompile(`may or may not have been executed|may have executed|may have been executed`)
	addresses = regexp.MustCompile(`(\[[0-9a-f:]+\]|[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+):[0-9]+`)
	shardName = regexp.MustCompile(`shard '[^']*'`)
)

// errorKind is an error's text without what differs from one to the next.
func errorKind(err error) string {
	text := addresses.ReplaceAllString(err.Error(), "ADDR")
	text = shardName.ReplaceAllString(text, "shard")
	text, _, _ = strings.Cut(text, "\n")
	const longest = 110
	if len(text) > longest {
		if maybe.MatchString(text) {
			return text[:longest-10] + "… (maybe)"
		}
		text = text[:longest]
	}
	return text
}
