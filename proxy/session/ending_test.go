package session

import (
	"strings"
	"testing"

	"github.com/shardring/shardring/shard/config"
)

// However a client or the proxy ends, what was read whole is answered, also the
// part of it that waited because too much was under way.
func TestEndAnswersWhatWasRead(t *testing.T) {
	for name, end := range map[string]func(*Session){"eof": (*Session).EOF, "stop": (*Session).Stop} {
		for _, window := range []int{1, 3, 100} {
			limits := DefaultLimits()
			limits.InFlight = window
			w := newRig(t, limits, 4, config.Pool{})
			c := w.client()
			const n = 20
			c.say(strings.Repeat(request("GET", "k")+request("MGET", "a", "b", "c"), n) + "*2\r\n$3\r\nGET\r\n$1")
			w.turn(func() { end(c.s) })
			if c.s.WantsRead() {
				t.Fatalf("%s: still wants to read", name)
			}
			w.turn(func() { c.s.Received([]byte("\r\nx\r\n")) })
			if got, want := c.hear(), strings.Repeat("$-1\r\n*3\r\n$-1\r\n$-1\r\n$-1\r\n", n); got != want {
				t.Fatalf("%s, %d at a time: %d bytes of replies, want %d", name, window, len(got), len(want))
			}
			if !c.ended {
				t.Fatalf("%s: not closed: %v", name, c.s.phase)
			}
			if used := w.core.Buffers().Used(); used != 0 || w.core.Sessions() != 0 {
				t.Fatalf("%s: %d bytes of buffers and %d sessions are left", name, used, w.core.Sessions())
			}
		}
	}
}

// After QUIT nothing more is handled, and what came before is answered.
func TestQuitAmidPipeline(t *testing.T) {
	w := newRig(t, DefaultLimits(), 4, config.Pool{})
	c := w.client()
	c.say(request("SET", "a", "1") + request("GET", "a") + request("QUIT") + request("SET", "a", "2") + request("GET", "a"))
	if got := c.hear(); got != "+OK\r\n$1\r\n1\r\n+OK\r\n" || !c.ended {
		t.Fatalf("got %q, closed %v", got, c.ended)
	}
	if got := w.client().ask1("GET", "a"); got != "$1\r\n1\r\n" {
		t.Fatalf("after QUIT a SET was executed: %q", got)
	}
}

// A protocol error is told after the replies to what came before it, and ends
// the session.
func TestProtocolErrorAfterGoodRequests(t *testing.T) {
	for in, want := range map[string]string{
		"*1\r\n+x\r\n":          "-ERR Protocol error: expected '$', got '+'\r\n",
		"*x\r\n":                "-ERR Protocol error: invalid multibulk length\r\n",
		"*1\r\n$-2\r\n":         "-ERR Protocol error: invalid bulk length\r\n",
		"*1\r\n$1\r\nabc":       "-ERR Protocol error: expected CRLF after an argument\r\n",
		"get \"unbalanced\r\n":  "-ERR Protocol error: unbalanced quotes in request\r\n",
		"*2\r\n$3\r\nGET\r\n\r": "-ERR Protocol error: expected '$', got '?'\r\n",
	} {
		w := newRig(t, DefaultLimits(), 4, config.Pool{})
		c := w.client()
		good := request("GET", "a") + request("MGET", "a", "b", "c", "d") + request("PING")
		c.say(good+in[:3], in[3:]+request("SET", "a", "1"))
		if got := c.hear(); got != "$-1\r\n*4\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n+PONG\r\n"+want || !c.ended {
			t.Errorf("%q: got %q, closed %v", in, got, c.ended)
		}
		if w.pools[0].nodes[0].data["a"] != "" {
			t.Errorf("%q: a request after it was executed", in)
		}
	}
}
