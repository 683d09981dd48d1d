package session

import (
	"testing"

	"github.com/shardring/shardring/shard/config"
)

// A client that will say nothing more does not begin to wait for something to happen,
// also if that came in one piece with what is still under way.
func TestWaitAfterTheEnd(t *testing.T) {
	for _, in := range []string{request("BLPOP", "q", "0"), request("WAIT", "1", "0")} {
		for name, end := range map[string]func(*Session){"eof": (*Session).EOF, "stop": (*Session).Stop} {
			w := newRig(t, DefaultLimits(), 1, config.Pool{})
			c := w.client()
			c.say(request("SET", "a", "1") + in + request("SET", "a", "2"))
			w.turn(func() { end(c.s) })
			if got := c.hear(); got != "+OK\r\n" || !c.ended || w.all[0].data["a"] != "1" {
				t.Errorf("%s, then %q: got %q, closed %v", in, name, got, c.ended)
			}
		}
	}
}
