package session

import (
	"strings"
	"testing"

	"github.com/shardring/shardring/shard/config"
)

// A request whose reply nobody wants leaves the FIFO like any other.
func TestMutedRequestsAreDone(t *testing.T) {
	w := newRig(t, DefaultLimits(), 2, config.Pool{})
	c := w.client()
	few := request("SET", "a", "1") + request("MGET", "a", "b", "c") + request("PING") + request("GET", strings.Repeat("k", 100))
	c.say(request("CLIENT", "REPLY", "OFF") + strings.Repeat(few, 30) + request("CLIENT", "REPLY", "ON") + request("GET", "a"))
	if got := c.hear(); got != "+OK\r\n$1\r\n1\r\n" {
		t.Errorf("after REPLY OFF: %q", got)
	}
	c.say(request("CLIENT", "REPLY", "SKIP") + request("SET", "a", "2") + request("GET", "a"))
	if got := c.hear(); got != "$1\r\n2\r\n" {
		t.Errorf("after REPLY SKIP: %q", got)
	}
	c.say(request("CLIENT", "REPLY", "OFF") + request("GET", "a"))
	w.turn(func() { c.s.EOF() })
	if c.hear(); !c.ended {
		t.Errorf("not closed: %v, %d in flight", c.s.phase, c.s.inFlight)
	}
}
