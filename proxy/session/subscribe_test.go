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
