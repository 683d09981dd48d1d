package session

import (
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/shard/config"
)

// However often a channel is named, it is listened to once, and no longer once it
// was named to be left.
func TestChannelsNamedTwice(t *testing.T) {
	for _, proto := range []string{"2", "3"} {
		w := newRig(t, DefaultLimits(), 2, config.Pool{})
		c, other := w.client(), w.client()
		c.ask1("HELLO", proto)
		for _, verb := range []string{"", "p"} {
			c.say(request(verb+"SUBSCRIBE", "a", "a", "b") + request(verb+"SUBSCRIBE", "a"))
			if got := c.hear(); strings.Count(got, "subscribe") != 4 || !strings.HasSuffix(got, ":2\r\n") {
				t.Errorf("RESP%s: %sSUBSCRIBE: %q", proto, verb, got)
			}
			other.ask1("PUBLISH", "a", "x")
			if got := c.hear(); strings.Count(got, "message") != 1 {
				t.Errorf("RESP%s: %sSUBSCRIBE: told %q", proto, verb, got)
			}
			c.say(request(verb+"UNSUBSCRIBE", "a", "a", "c") + request(verb+"UNSUBSCRIBE"))
			if got := c.hear(); strings.Count(got, "unsubscribe") != 4 || !strings.HasSuffix(got, ":0\r\n") {
				t.Errorf("RESP%s: %sUNSUBSCRIBE: %q", proto, verb, got)
			}
			if c.ask1("SET", "a", "1"); c.ask1("GET", "a") != "$1\r\n1\r\n" || c.s.inFlight > 0 || c.s.private != nil {
				t.Errorf("RESP%s: after %sUNSUBSCRIBE: %d in flight, kept %+v", proto, verb, c.s.inFlight, c.s.private)
			}
		}
		w.idleAreClean()
	}
}

// What the node still owes when a client of RESP2 subscribes is no message.
func TestSubscribeBehindADiscard(t *testing.T) {
	w := newRig(t, DefaultLimits(), 1, config.Pool{})
	c := w.client()
	c.say(request("MULTI") + request("SET", "a", "1"))
	c.hear()
	c.say(request("NOSUCH") + request("EXEC") + request("SUBSCRIBE", "a"))
	got := c.hear()
	if _, rest, _ := strings.Cut(got, "errors.\r\n"); rest != "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n" {
		t.Errorf("after EXECABORT: %q", rest)
	}
	w.client().ask1("PUBLISH", "a", "x")
	if got := c.hear(); got != "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n" {
		t.Errorf("told %q", got)
	}
}

// A subscriber that goes back to RESP2 stays one, and hears nothing in RESP3 after
// that, also what its node has said before it knew.
func TestSubscriberChangesProtocol(t *testing.T) {
	w := newRig(t, DefaultLimits(), 1, config.Pool{})
	c, other := w.client(), w.client()
	c.ask1("HELLO", "3")
	c.ask1("SUBSCRIBE", "a")
	c.ask1("PSUBSCRIBE", "a*")
	c.ask1("CLIENT", "TRACKING", "ON")
	c.ask1("GET", "k")
	l := w.pools[0].pool.lanes[0].conns[0]
	other.ask1("PING")
	other.say(request("PUBLISH", "a", "x") + request("SET", "k", "1"))
	w.turn(func() { l.Link.(*simLink).finish() })
	c.say(request("HELLO", "2"))
	got := c.hear()
	other.ask1("PUBLISH", "a", "y")
	got += c.hear()
	_, got, _ = strings.Cut(got, "$7\r\nmodules\r\n*0\r\n")
	const message, pmessage = "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\n", "*4\r\n$8\r\npmessage\r\n$2\r\na*\r\n$1\r\na\r\n$1\r\n"
	if got != message+"x\r\n"+pmessage+"x\r\n"+message+"y\r\n"+pmessage+"y\r\n" || c.ended {
		t.Errorf("told %q, closed %v", got, c.ended)
	}
}

// Messages that wait for the end of a long reply are bounded, and what comes of them
// then may be the end of the client.
func TestMessagesBehindALongReply(t *testing.T) {
	for name, size := range map[string]int{"while they wait": 100, "when they go out": 20} {
		limits := DefaultLimits()
		limits.Stream, limits.PushHard, limits.OutputHard = 64, 5000, 4000
		w := newRig(t, limits, 2, config.Pool{})
		c, other := w.client(), w.client()
		key, channel := w.keysOn(0, 1)[0], w.keysOn(1, 1)[0]
		other.ask1("SET", key, strings.Repeat("x", 3000))
		c.ask1("HELLO", "3")
		c.ask1("SUBSCRIBE", channel)
		c.say(request("GET", key))
		c.room = 1
		l := c.pool.pool.lanes[1].conns[0].Link.(*simLink)
		w.turn(func() { l.work(1) })
		w.turn(func() { l.deliver(2000) })
		for range size {
			other.say(request("PUBLISH", channel, strings.Repeat("m", 50)))
			w.turn(func() { c.pool.pool.lanes[0].conns[1].Link.(*simLink).finish() })
			if c.s.phase == open {
				w.turn(func() { c.link(1).deliver(len(c.link(1).out)) })
			}
		}
		if open := c.s.phase == open; open != (size < 50) {
			t.Errorf("%s: %v", name, c.s.phase)
		}
		w.turn(func() { l.deliver(len(l.out)) })
		if c.s.phase != over || w.core.Buffers().Used() != 0 {
			t.Errorf("%s: %v with %d bytes of output, %d of buffers", name, c.s.phase, c.s.Out.Len(), w.core.Buffers().Used())
		}
	}
}

// A subscriber of RESP2 may say little, also what goes the short way to its shard.
func TestSubscriberSaysLittle(t *testing.T) {
	w := newRig(t, DefaultLimits(), 1, config.Pool{})
	c := w.client()
	c.say(request("SUBSCRIBE", "a") + request("GET", "a") + request("UNSUBSCRIBE") + request("GET", "a"))
	got := c.hear()
	_, got, _ = strings.Cut(got, ":1\r\n")
	if want := "-" + subscribedError(c.s.pool.table.Lookup([]byte("get"))).Error() + "\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n$-1\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The confirmation of UNSUBSCRIBE comes after the last message.
func TestLastMessageBeforeUnsubscribe(t *testing.T) {
	w := newRig(t, DefaultLimits(), 1, config.Pool{})
	c, other := w.client(), w.client()
	c.ask1("SUBSCRIBE", "a", "b")
	other.ask1("PING")
	other.say(request("PUBLISH", "a", "x"))
	w.turn(func() { w.pools[0].pool.lanes[0].conns[0].Link.(*simLink).finish() })
	c.say(request("UNSUBSCRIBE", "a"))
	if got := c.hear(); got != "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n" {
		t.Errorf("told %q", got)
	}
}

// Who gives up amid a SUBSCRIBE is told why, and nothing after it.
func TestSubscribeFails(t *testing.T) {
	w := newRig(t, DefaultLimits(), 2, config.Pool{})
	c := w.client()
	c.ask1("SUBSCRIBE", w.keysOn(0, 1)[0], w.keysOn(1, 1)[0])
	c.say(request("PSUBSCRIBE", "*"))
	w.turn(func() {
		c.link(1).kill()
		c.link(0).finish()
	})
	if got := c.hear(); !strings.HasPrefix(got, "-ERR shard 'p-1' at p-1.example:6379: connection lost: ") || strings.Count(got, "\r\n") != 1 || !c.ended {
		t.Errorf("told %q, closed %v", got, c.ended)
	}
}

// A node that says nothing has as long for a confirmation as for a reply; who waits
// for it longer is told, and ends.
func TestSubscribeToASilentNode(t *testing.T) {
	const limit = 100 * time.Millisecond
	for _, proto := range []string{"2", "3"} {
		for _, verb := range []string{"SUBSCRIBE", "PSUBSCRIBE", "UNSUBSCRIBE"} {
			w := newRig(t, DefaultLimits(), 2, config.Pool{Timeout: limit})
			c, channel := w.client(), w.keysOn(1, 1)[0]
			c.ask1("HELLO", proto)
			c.ask1("SUBSCRIBE", channel)
			w.now += int64(time.Hour)
			w.all[1].enter(stalled, int64(time.Hour))
			c.say(request(verb, map[bool]string{true: channel, false: channel + "2"}[verb == "UNSUBSCRIBE"]))
			began := w.now
			for w.now < began+int64(limit) {
				if c.hear(); c.ended {
					break
				}
				w.now += int64(tick)
			}
			want := "-ERR shard 'p-1' at p-1.example:6379: timeout: no reply within 100ms\r\n"
			if got := c.hear(); got != want || !c.ended || w.now < began+int64(limit) {
				t.Errorf("RESP%s: %s: after %v told %q, closed %v", proto, verb, time.Duration(w.now-began), got, c.ended)
			}
		}
	}
}

// So has one that is asked to track keys, or for the ids of its connections.
func TestTrackingAtASilentNode(t *testing.T) {
	const limit = 100 * time.Millisecond
	for _, redirect := range []bool{false, true} {
		w := newRig(t, DefaultLimits(), 2, config.Pool{Timeout: limit})
		w.client()
		c := w.client()
		c.ask1("HELLO", "3")
		w.all[1].enter(stalled, int64(time.Hour))
		args := []string{"CLIENT", "TRACKING", "ON"}
		if redirect {
			args = append(args, "REDIRECT", "1")
		}
		c.say(request(args...))
		began := w.now
		for w.now < began+int64(2*time.Second) && c.s.inFlight > 0 {
			w.sweep()
			w.now += int64(tick)
		}
		if got := c.hear(); !strings.HasPrefix(got, "-ERR shard") {
			t.Errorf("redirect %v: after %v told %q", redirect, time.Duration(w.now-began), got)
		}
	}
}

// What cannot be a message ends the connection, and the session.
func TestNoMessage(t *testing.T) {
	w := newRig(t, DefaultLimits(), 1, config.Pool{})
	c := w.client()
	c.ask1("SUBSCRIBE", "a")
	l := c.link(0)
	l.out = []byte("+OK\r\n")
	if got := c.hear(); got != "" || !c.ended {
		t.Errorf("told %q, closed %v", got, c.ended)
	}
}
