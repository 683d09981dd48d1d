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
	c.say(request("EVALSHA", digest, "1", "a", "x") + request("GET", "a"))
	if got := c.hear(); got != noScript+"$-1\r\n" {
		t.Fatalf("a node that refuses the script: %q", got)
	}
	if got := c.ask1("EVALSHA", digest, "1", "a", "x"); got != want {
		t.Fatalf("after it refused the script once: %q", got)
	}
}

// A script that a node has lost is said to it again, in words, however the node's
// refusal comes in; the session's requests to other shards go on meanwhile.
func TestLostScriptIsSaidAgain(t *testing.T) {
	w := newRig(t, DefaultLimits(), 2, config.Pool{})
	c := w.client()
	digest := strings.Split(c.ask1("SCRIPT", "LOAD", "return 1"), "\r\n")[1]
	here, there := w.keysOn(0, 1)[0], w.keysOn(1, 1)[0]
	evalsha, want := request("EVALSHA", digest, "1", here, "x"), "*2\r\n$-1\r\n$1\r\nx\r\n"
	for size := range len(noScript) {
		w.all[0].codes = nil
		c.say(evalsha + request("SET", there, "v"))
		w.turn(func() {
			for _, l := range slices.Clone(w.all[0].links) {
				for l.work(10); len(l.out) > 0; {
					l.deliver(min(size+1, len(l.out)))
				}
			}
		})
		if got := c.hear(); got != want+"+OK\r\n" {
			t.Fatalf("refused in pieces of %d: %q", size+1, got)
		}
		if n := c.s.held; n != 0 {
			t.Fatalf("%d bytes are held, and nothing is under way", n)
		}
	}
	w.all[0].codes = nil
	w.pools[0].pool.shared.scripts.forget()
	if got := c.ask1("EVALSHA", digest, "1", here, "x"); got != noScript {
		t.Fatalf("a script that was forgotten: %q", got)
	}
}

// What the session has said to the shard after an EVALSHA is not overtaken by it: the
// client hears that the script is lost. What it says later comes later.
func TestLostScriptKeepsItsOrder(t *testing.T) {
	w := newRig(t, DefaultLimits(), 1, config.Pool{})
	c, other := w.client(), w.client()
	digest := strings.Split(c.ask1("SCRIPT", "LOAD", "return 1"), "\r\n")[1]
	evalsha, set := request("EVALSHA", digest, "1", "a", "x"), request("SET", "a", "v")
	unseen, seen := "*2\r\n$-1\r\n$1\r\nx\r\n", "*2\r\n$1\r\nv\r\n$1\r\nx\r\n"
	node := w.all[0]
	if got := c.ask1("EVALSHA", digest, "1", "a", "x"); got != unseen {
		t.Fatalf("at first: %q", got)
	}

	node.codes = nil
	c.say(evalsha + set)
	if got := c.hear(); got != noScript+"+OK\r\n" {
		t.Fatalf("SET follows: %q", got)
	}
	if got := c.ask1("EVALSHA", digest, "1", "a", "x"); got != seen {
		t.Fatalf("after that: %q", got)
	}

	node.codes, node.data = nil, map[string]string{}
	c.say(evalsha)
	other.say(request("GET", "b"))
	if got := c.hear(); got != unseen || other.hear() != "$-1\r\n" {
		t.Fatalf("only another client's GET follows: %q", got)
	}

	node.codes = nil
	c.say(evalsha)
	w.turn(func() {
		for _, l := range slices.Clone(w.links) {
			for l.work(10); len(l.out) > 0; {
				l.deliver(len(l.out))
			}
		}
		c.s.Received([]byte(set)) // in the turn in which the script turns out to be lost
	})
	if got := c.hear(); got != unseen+"+OK\r\n" {
		t.Fatalf("SET comes with the refusal: %q", got)
	}
}

// Who goes while the script is said again leaves nothing behind.
func TestLostScriptOfNobody(t *testing.T) {
	w := newRig(t, DefaultLimits(), 1, config.Pool{})
	c := w.client()
	digest := strings.Split(c.ask1("SCRIPT", "LOAD", "return 1"), "\r\n")[1]
	c.ask1("EVALSHA", digest, "1", "a", "x")
	for range 2 {
		w.all[0].codes = nil
		c.say(request("EVALSHA", digest, "1", "a", "x"))
		w.turn(func() {
			for _, l := range slices.Clone(w.links) {
				for l.work(10); len(l.out) > 0; {
					l.deliver(len(l.out))
				}
			}
			c.reset()
		})
		w.sweep()
		w.audit()
		c = w.client()
	}
}
