package session

import (
	"strings"
	"testing"

	"github.com/shardring/shardring/shard/config"
)

// In a transaction a PUBLISH reaches its channel's shard once, wherever the
// transaction is and whenever that becomes known.
func TestPublishInATransaction(t *testing.T) {
	w := newRig(t, DefaultLimits(), 2, config.Pool{})
	listener, c := w.client(), w.client()
	keys := []string{w.keysOn(0, 1)[0], w.keysOn(1, 1)[0]}
	listener.ask1("SUBSCRIBE", keys[0], keys[1])
	for _, channel := range keys {
		publish := request("PUBLISH", channel, "m")
		for name, tx := range map[string]struct{ in, want string }{
			"alone":                  {publish, "*1\r\n:1\r\n"},
			"before a key":           {publish + request("SET", keys[0], "1"), "*2\r\n:1\r\n+OK\r\n"},
			"before the other's key": {publish + request("SET", keys[1], "1"), "*2\r\n:1\r\n+OK\r\n"},
			"after a key":            {request("GET", keys[1]) + publish + request("GET", keys[1]), "*3\r\n$1\r\n1\r\n:1\r\n$1\r\n1\r\n"},
			"after no key":           {request("PING") + publish + request("DBSIZE"), "*3\r\n+PONG\r\n:1\r\n:2\r\n"},
		} {
			c.ask1("MSET", keys[0], "1", keys[1], "1")
			listener.hear()
			c.say(request("MULTI") + tx.in + request("EXEC"))
			got := c.hear()
			if got = got[strings.LastIndex(got, "QUEUED\r\n")+8:]; got != tx.want {
				t.Errorf("%s, %s: got %q, want %q", channel, name, got, tx.want)
			}
			if n := strings.Count(listener.hear(), "message"); n != 1 {
				t.Errorf("%s, %s: told %d times", channel, name, n)
			}
		}
	}
}

func TestNotInATransaction(t *testing.T) {
	w := newRig(t, DefaultLimits(), 2, config.Pool{})
	for _, args := range [][]string{{"UNSUBSCRIBE"}, {"SUBSCRIBE", "a"}, {"PSUBSCRIBE", "a"}, {"SELECT", "1"}, {"SCAN", "0"}} {
		c := w.client()
		c.ask1("MULTI")
		if got := c.ask1(args...); !strings.HasPrefix(got, "-ERR shardring: '"+strings.ToLower(args[0])+"' is not supported in a transaction") {
			t.Errorf("%s: %q", args, got)
		}
		if got := c.ask1("EXEC"); !strings.HasPrefix(got, "-EXECABORT ") {
			t.Errorf("EXEC after %s: %q", args, got)
		}
	}
}

// What the proxy keeps of a transaction is bounded.
func TestTooMuchInATransaction(t *testing.T) {
	limits := DefaultLimits()
	limits.Output = 1 << 16
	w := newRig(t, limits, 2, config.Pool{})
	key := w.keysOn(0, 1)[0]
	for _, in := range []string{request("ECHO", strings.Repeat("x", 1000)), request("SET", key, "1") + request("PUBLISH", w.keysOn(1, 1)[0], strings.Repeat("x", 1000))} {
		c := w.client()
		c.ask1("MULTI")
		for range 80 {
			c.say(in)
		}
		if got := c.hear(); !strings.Contains(got, "-ERR shardring: too much in a transaction") {
			t.Errorf("after %.20q: %.60q", in, got)
		}
		if kept := len(c.s.private.tx.rest); kept > 70 {
			t.Errorf("after %.20q: %d requests are kept", in, kept)
		}
		c.ask1("DISCARD")
	}
}

// Nothing of an EXEC that others have to hear of is left when its client or its
// node goes amid the reply.
func TestExecutionLeavesNothing(t *testing.T) {
	for name, end := range map[string]func(w *simWorld, c *simClient, l *simLink){
		"client gone": func(w *simWorld, c *simClient, l *simLink) { w.turn(func() { c.reset() }) },
		"node gone": func(w *simWorld, c *simClient, l *simLink) {
			w.turn(func() { l.remove(); l.conn.Broken(errReset, w.now) })
		},
		"client gone, executed": func(w *simWorld, c *simClient, l *simLink) { l.deliver(len(l.out)); w.turn(func() { c.reset() }) },
		"client gone, published": func(w *simWorld, c *simClient, l *simLink) {
			w.turn(func() { l.deliver(len(l.out)) })
			w.turn(func() { c.reset() })
		},
	} {
		w := newRig(t, DefaultLimits(), 2, config.Pool{})
		c := w.client()
		c.say(request("MULTI") + request("SET", w.keysOn(0, 1)[0], strings.Repeat("x", 1000)) + request("PUBLISH", w.keysOn(1, 1)[0], "m"))
		c.hear()
		c.say(request("EXEC"))
		l := c.s.private.conns[0].conn.Link.(*simLink)
		w.turn(func() { l.work(10) })
		w.turn(func() { l.deliver(2) })
		end(w, c, l)
		w.sweep()
		c.hear()
		if used := w.core.Buffers().Used(); used != 0 {
			t.Errorf("%s: %d bytes of buffers are left", name, used)
		}
		if len(w.core.requests.free) == 0 {
			t.Errorf("%s: the request is not used again", name)
		}
	}
}
