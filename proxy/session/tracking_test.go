package session

import (
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/shard/config"
)

// link returns the session's own connection to a shard.
func (c *simClient) link(shard int) *simLink {
	return c.s.private.find(c.s.pool.nodeKey(shard)).conn.Link.(*simLink)
}

// A client that is told of others' keys gets connections of its own, and its
// requests keep their order.
func TestRedirectKeepsTheOrder(t *testing.T) {
	w := newRig(t, DefaultLimits(), 1, config.Pool{})
	told, c := w.client(), w.client()
	c.ask1("GET", "other")
	told.ask1("GET", "other")
	c.ask1("MULTI")
	c.ask1("SET", "x", "1") // there is a spare connection now
	c.ask1("EXEC")
	told.say(request("SET", "a", "1"))
	c.say(request("CLIENT", "TRACKING", "ON", "REDIRECT", "1"))
	told.say(request("SET", "a", "2"))
	for i := len(w.links) - 1; i >= 0; i-- { // the newest first
		w.turn(func() { w.links[i].finish() })
	}
	if got := told.hear() + c.hear(); got != "+OK\r\n+OK\r\n+OK\r\n" {
		t.Errorf("got %q", got)
	}
	if v := w.all[0].data["a"]; v != "2" {
		t.Errorf("a is %q after SET a 1, SET a 2", v)
	}
}

// Whoever is to be told may be lost before the nodes know; then tracking is refused.
func TestRedirectToWhoIsLost(t *testing.T) {
	for name, lose := range map[string]func(w *simWorld, told *simClient){
		"client": func(w *simWorld, told *simClient) { w.turn(func() { told.reset() }) },
		"node": func(w *simWorld, told *simClient) {
			w.turn(func() { w.links[len(w.links)-2].kill() })
			w.elapse(time.Second)
		},
	} {
		w := newRig(t, DefaultLimits(), 1, config.Pool{})
		c := w.client()
		told := c
		id := "1"
		if name == "client" {
			told, id = w.client(), "2"
		}
		c.say(request("CLIENT", "TRACKING", "ON", "REDIRECT", id))
		lose(w, told)
		got := c.hear()
		if name == "client" && !strings.HasPrefix(got, "-ERR shardring: ") {
			t.Errorf("%s lost: %q", name, got)
		}
		if name == "node" && !c.ended {
			t.Errorf("%s lost: %q, and the session goes on: %+v", name, got, c.s.private)
		}
		if c.reset(); w.core.Buffers().Used() != 0 {
			t.Errorf("%s lost: %d bytes of buffers are left", name, w.core.Buffers().Used())
		}
	}
}

// A client that has not been confirmed its channels cannot be asked for the ids of
// its connections.
func TestRedirectToWhoIsSubscribing(t *testing.T) {
	w := newRig(t, DefaultLimits(), 1, config.Pool{})
	told, c := w.client(), w.client()
	told.say(request("SUBSCRIBE", "__redis__:invalidate"))
	c.say(request("CLIENT", "TRACKING", "ON", "REDIRECT", "1"))
	if got := c.hear(); !strings.HasPrefix(got, "-ERR shardring: ") {
		t.Errorf("before the confirmation: %q", got)
	}
	if got := told.hear(); strings.Contains(got, "pong") {
		t.Errorf("told %q", got)
	}
	if got := c.ask1("CLIENT", "TRACKING", "ON", "REDIRECT", "1"); got != "+OK\r\n" {
		t.Errorf("after the confirmation: %q", got)
	}
	c.ask1("GET", "a")
	w.client().ask1("SET", "a", "1")
	if got := told.hear(); got != "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n*1\r\n$1\r\na\r\n" {
		t.Errorf("told %q", got)
	}
}

// Tracking that some nodes refuse is off, and the others' connections are nobody's.
func TestTrackingThatANodeRefuses(t *testing.T) {
	w := newRig(t, DefaultLimits(), 2, config.Pool{})
	c := w.client()
	c.ask1("HELLO", "3")
	w.all[1].errors = 1
	if got := c.ask1("CLIENT", "TRACKING", "ON"); !strings.HasPrefix(got, "-INJECTED ") {
		t.Fatalf("got %q", got)
	}
	w.idleAreClean()
	if got := c.ask1("CLIENT", "TRACKING", "ON"); got != "+OK\r\n" {
		t.Fatalf("got %q", got)
	}
	w.all[1].errors = 1
	c.ask1("CLIENT", "TRACKING", "ON", "NOLOOP")
	if got := c.ask1("CLIENT", "TRACKINGINFO"); !strings.Contains(got, "$2\r\non\r\n") {
		t.Errorf("refused new options: %q", got)
	}
}

// A node that does not turn tracking off keeps its connection from others.
func TestTrackingThatDoesNotEnd(t *testing.T) {
	w := newRig(t, DefaultLimits(), 1, config.Pool{})
	c := w.client()
	c.ask1("HELLO", "3")
	c.ask1("CLIENT", "TRACKING", "ON")
	w.all[0].errors = 1
	c.ask1("CLIENT", "TRACKING", "OFF")
	w.idleAreClean()
	if c.s.private != nil {
		t.Errorf("the session has kept %+v", c.s.private)
	}
}

// The only shard need not be named.
func TestTrackingThatTheNodeRefuses(t *testing.T) {
	w := newRig(t, DefaultLimits(), 1, config.Pool{})
	w.all[0].errors = 1
	if got := w.client().ask1("CLIENT", "TRACKING", "ON"); got != "-INJECTED \r\n" {
		t.Errorf("got %q", got)
	}
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

// A node that does not tell its clients their ids cannot redirect to one.
func TestRedirectWithoutAnID(t *testing.T) {
	w := newRig(t, DefaultLimits(), 1, config.Pool{})
	told, c := w.client(), w.client()
	told.ask1("WATCH", "a")
	told.s.private.conns[0].conn.RemoteID = 0
	if got := c.ask1("CLIENT", "TRACKING", "ON", "REDIRECT", "1"); !strings.HasPrefix(got, "-ERR shardring: ") {
		t.Errorf("got %q", got)
	}
}

// What a client is asked for as the target of a redirection gets into no transaction
// of its own.
func TestRedirectAmidATransaction(t *testing.T) {
	w := newRig(t, DefaultLimits(), 1, config.Pool{})
	told, c := w.client(), w.client()
	told.say(request("MULTI") + request("SET", "a", "1"))
	c.say(request("CLIENT", "TRACKING", "ON", "REDIRECT", "1"))
	told.say(request("EXEC"))
	if got := told.hear(); got != "+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n" {
		t.Errorf("got %q", got)
	}
	if got := c.hear(); !strings.HasPrefix(got, "-ERR shardring: ") {
		t.Errorf("got %q", got)
	}
}
