package load

import (
	"io"
	"testing"
	"time"
)

// TestPausesAndRecovery has one worker whose writes are acknowledged at 0, 10 and
// 510 ms, and one who is never served again.
func TestPausesAndRecovery(t *testing.T) {
	begin := time.Unix(1000, 0)
	at := func(ms int) time.Time { return begin.Add(time.Duration(ms) * time.Millisecond) }
	well, ill := newStats(ByProxy, 0), newStats(ByLibrary, 0)
	for _, ms := range []int{0, 10, 510, 515} {
		well.answered(int32(During), at(ms), reply{at: at(ms)}, true)
	}
	ill.answered(int32(During), at(5), reply{at: at(5)}, true)
	ill.answered(int32(During), at(100), reply{at: at(100)}, false)
	ill.answered(int32(During), at(100), reply{at: at(100), err: io.EOF}, true)
	for _, s := range []*stats{well, ill} {
		s.rest(at(3000))
	}
	r := &Result{workers: []*stats{well, ill}}

	if got := r.Pause(at(0), at(1000), By(ByProxy, On(0))); got != 2485*time.Millisecond {
		t.Errorf("the pause is %v, want that from 515 to 3000 ms", got)
	}
	if got := r.Pause(at(0), at(512), By(ByProxy, On(0))); got != 500*time.Millisecond {
		t.Errorf("the pause is %v, want that from 10 to 510 ms", got)
	}
	if got := r.Pause(at(0), at(1000), On(1)); got != 0 {
		t.Errorf("nobody of shard 1 paused for %v", got)
	}
	got, never := r.Recovery(at(200), By(ByProxy, On(0)))
	if got != 310*time.Millisecond || never {
		t.Errorf("well again after %v, never %v, want 310 ms", got, never)
	}
	if _, never := r.Recovery(at(200), By(ByLibrary, On(0))); !never {
		t.Error("one who was not served again counts as served")
	}
	if got := r.Errors(During, Every)["EOF"]; got != 1 {
		t.Errorf("%d errors, want 1", got)
	}
	if got := r.Latency(During, Every).TotalCount(); got != 7 {
		t.Errorf("%d answers, want 7", got)
	}
}
