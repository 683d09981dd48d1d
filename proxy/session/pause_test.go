package session

import (
	"runtime"
	"testing"
	"weak"

	"github.com/shardring/shardring/shard/config"
)

// After a pause those that it held go on, and nothing is left of those that have
// gone meanwhile.
func TestPause(t *testing.T) {
	w := newRig(t, DefaultLimits(), 1, config.Pool{})
	c := w.client()
	c.ask1("CLIENT", "PAUSE", "1000")
	gone := w.client()
	gone.say(request("GET", "a"))
	w.turn(func() { gone.reset() })
	left := weak.Make(gone.s)
	gone, w.touched = nil, nil
	runtime.GC()
	if left.Value() != nil {
		t.Error("a session that is over is kept for the end of the pause")
	}
	c.say(request("SET", "a", "1") + request("GET", "a"))
	if got := c.hear(); got != "" {
		t.Errorf("amid the pause: %q", got)
	}
	w.now += 1e9
	if got := c.hear(); got != "+OK\r\n$1\r\n1\r\n" {
		t.Errorf("after the pause: %q", got)
	}
}
