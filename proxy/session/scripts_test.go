package session

import (
	"slices"
	"strings"
	"testing"

	"github.com/shardring/shardring/shard/config"
)

// A script that was loaded is found on a node that has come up anew, whatever the
// state of the connection to it, and also if the node would not take it at first.
func TestScriptsAreLoadedAgain(t *testing.T) {
	w := newRig(t, DefaultLimits(), 2, config.Pool{})
	c := w.client()
	digest := strings.Split(c.ask1("SCRIPT", "LOAD", "return 1"), "\r\n")[1]
	const want = "*2\r\n$-1\r\n$1\r\nx\r\n"
	if got := c.ask1("EVALSHA", digest, "1", "a", "x"); got != want {
		t.Fatalf("got %q", got)
	}
	for _, n := range w.all {
		n.enter(down, 0)
		n.heal(w.now)
	}
	for _, conn := range w.pools[0].pool.Conns {
		if s := conn.State().String(); s != "idle" && s != "waiting" {
			t.Fatalf("a connection is %s", s)
		}
	}
	w.now += 1e9
	if got := c.ask1("EVALSHA", strings.ToUpper(digest), "1", "a", "x"); got != want {
		t.Fatalf("after a restart: %q", got)
	}

	for _, l := range slices.Clone(w.links) {
		l.kill()
		l.node.codes, l.node.errors = nil, 1
	}
	w.now += 1e9
	if got := c.ask1("EVALSHA", digest, "1", "a", "x"); got != "-NOSCRIPT No matching script. Please use EVAL.\r\n" {
		t.Fatalf("a node that refuses the script: %q", got)
	}
	if got := c.ask1("EVALSHA", digest, "1", "a", "x"); got != want {
		t.Fatalf("after it refused the script once: %q", got)
	}
}
