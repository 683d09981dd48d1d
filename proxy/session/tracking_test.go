package session

import (
	"testing"

	"github.com/shardring/shardring/shard/config"
)

// link returns the session's own connection to a shard.
func (c *simClient) link(shard int) *simLink {
	return c.s.private.find(c.s.pool.nodeKey(shard)).conn.Link.(*simLink)
}

// A client hears that a key has changed after the reply that it could keep.
func TestInvalidationAfterTheReply(t *testing.T) {
	w := newRig(t, DefaultLimits(), 2, config.Pool{})
	c, other := w.client(), w.client()
	a, b := w.keysOn(0, 1)[0], w.keysOn(1, 1)[0]
	c.ask1("HELLO", "3")
	c.ask1("CLIENT", "TRACKING", "ON")
	c.say(request("GET", a) + request("GET", b))
	w.turn(func() { c.link(1).finish() })
	other.say(request("SET", b, "1"))
	w.turn(func() { c.pool.pool.lanes[0].conns[1].Link.(*simLink).finish() })
	w.turn(func() { c.link(1).finish() })
	if got := c.hear(); got != "_\r\n_\r\n>2\r\n$10\r\ninvalidate\r\n*1\r\n$"+string(rune('0'+len(b)))+"\r\n"+b+"\r\n" {
		t.Errorf("got %q", got)
	}
}
