package session

import (
	"strings"
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

// A CLIENT UNBLOCK that comes too late for the client that it is for is no other's,
// also if that waits where it did.
func TestUnblockMeetsNobodyElse(t *testing.T) {
	for name, held := range map[string]bool{"in time": false, "too late": true} {
		w := newRig(t, DefaultLimits(), 1, config.Pool{})
		a, b, c := w.client(), w.client(), w.client()
		b.ask1("PING")
		c.ask1("GET", "a")
		a.ask1("BLPOP", "q", "0")
		b.say(request("CLIENT", "UNBLOCK", "1"))
		if shared := w.pools[0].pool.lanes[0].conns[0].Link.(*simLink); !held {
			w.turn(func() { shared.finish() })
		}
		w.all[0].rpush("q", "x")
		w.turn(func() { a.link(0).finish() })
		c.say(request("BLPOP", "q", "0"))
		w.turn(func() { c.link(0).finish() }) // it waits before the UNBLOCK comes
		if got := c.hear(); held && got != "" {
			t.Errorf("%s: who waits next is told %q", name, got)
		} else if !held && got != "*2\r\n$1\r\nq\r\n$1\r\nx\r\n" {
			t.Errorf("%s: who waits next is told %q", name, got)
		}
		if got := a.hear(); held != strings.HasPrefix(got, "*2\r\n") {
			t.Errorf("%s: who waits is told %q", name, got)
		}
		if got := b.hear(); got != ":1\r\n" {
			t.Errorf("%s: %q", name, got)
		}
	}
}
