package session

import (
	"strings"
	"testing"

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

// A subscriber that goes back to RESP2 stays one.
func TestSubscriberChangesProtocol(t *testing.T) {
	w := newRig(t, DefaultLimits(), 1, config.Pool{})
	c, other := w.client(), w.client()
	c.ask1("HELLO", "3")
	c.ask1("SUBSCRIBE", "a")
	c.say(request("HELLO", "2"))
	other.say(request("PUBLISH", "a", "x"))
	c.hear()
	other.ask1("PUBLISH", "a", "y")
	if got := c.hear(); got != "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\ny\r\n" || c.ended {
		t.Errorf("told %q, closed %v", got, c.ended)
	}
}
