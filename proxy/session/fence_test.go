package session

import (
	"testing"

	"github.com/shardring/shardring/shard/config"
)

// A fence holds also if the session was about to go on when it was set, as by a
// script that is overtaken.
func TestFenceHoldsWhoIsAboutToGoOn(t *testing.T) {
	w := newRig(t, DefaultLimits(), 1, config.Pool{})
	c := w.client()
	c.say(request("SET", "a", "1"))
	w.turn(func() {
		c.s.stalled = true // at some limit, of which enough has gone
		c.s.unstall()
		c.s.fence()
	})
	if !c.s.stalled || c.s.WantsRead() {
		t.Error("the session went on with a request under way")
	}
	if got := c.hear(); got != "+OK\r\n" || c.s.stalled {
		t.Errorf("got %q, stalled %v", got, c.s.stalled)
	}
}
