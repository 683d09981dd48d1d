package session

import (
	"strings"
	"testing"

	"github.com/shardring/shardring/proxy/iobuf"
	"github.com/shardring/shardring/shard/config"
)

// A client that does not read is cut off when more than OutputHard waits for
// it, also within a reply.
func TestOutputHard(t *testing.T) {
	limits := DefaultLimits()
	limits.OutputHard = 300 << 10
	w := newRig(t, limits, 1, config.Pool{})
	n := w.pools[0].nodes[0]
	n.data["large"] = strings.Repeat("v", 500<<10)
	n.data["fits"] = strings.Repeat("v", 200<<10)
	c := w.client()
	c.room = 0
	c.say(request("GET", "fits"))
	w.sweep()
	if c.s.phase != open || c.s.Out.Len() < 200<<10 {
		t.Fatalf("%v with %d bytes", c.s.phase, c.s.Out.Len())
	}
	c.say(request("GET", "large"))
	w.turn(func() {})
	l := w.links[0]
	l.work(1)
	for range 3 {
		w.turn(func() { l.deliver(64 << 10) })
	}
	if c.s.phase != over || !c.ended || c.s.Out.Len() != 0 {
		t.Fatalf("%v, closed %v, with %d bytes after 392 KiB of replies", c.s.phase, c.ended, c.s.Out.Len())
	}
	if got := c.pool.pool.Stats.ClientErr; got != 1 {
		t.Errorf("ClientErr %d, want 1", got)
	}
	w.sweep()
	if used := w.core.Buffers().Used(); used != 0 {
		t.Errorf("%d bytes of buffers are left", used)
	}
}

// So is one whose next reply has begun and is kept back until it is whole or long.
func TestOutputHardCountsBegunReply(t *testing.T) {
	limits := DefaultLimits()
	limits.OutputHard = 300 << 10
	w := newRig(t, limits, 1, config.Pool{})
	n := w.pools[0].nodes[0]
	n.data["fits"] = strings.Repeat("v", 280<<10)
	n.data["begun"] = strings.Repeat("v", 60<<10)
	c := w.client()
	c.room = 0
	c.say(request("GET", "fits"))
	w.sweep()
	c.say(request("GET", "begun"))
	w.turn(func() {})
	l := w.links[0]
	l.work(1)
	w.turn(func() { l.deliver(40 << 10) })
	if c.s.phase != over || w.core.Buffers().Used() > iobuf.MinChunk { // that of the request, which is under way
		t.Fatalf("%v with %d bytes in use after 320 KiB of replies", c.s.phase, w.core.Buffers().Used())
	}
}

// A shard that dies within a reply of which the client has a part ends the
// session; what came before that part is delivered.
func TestShardDiesWithinStreamedReply(t *testing.T) {
	w := newRig(t, DefaultLimits(), 1, config.Pool{})
	n := w.pools[0].nodes[0]
	n.data["large"] = strings.Repeat("v", 500<<10)
	c := w.client()
	c.room = 0
	c.say(request("PING") + request("GET", "large") + request("GET", "after"))
	w.turn(func() {})
	l := w.links[0]
	l.connect()
	w.turn(func() {})
	l.work(2)
	w.turn(func() { l.deliver(64 << 10); l.deliver(64 << 10) })
	w.turn(func() { l.out = nil; l.kill() })
	if c.ended {
		t.Fatal("closed with output left")
	}
	c.room = 1 << 30
	w.turn(func() { w.flushSession(c.s) })
	got := string(c.in)
	if !strings.HasPrefix(got, "+PONG\r\n$512000\r\nvvv") || len(got) != 7+128<<10 || !c.ended {
		t.Fatalf("got %.30q, %d bytes, closed %v", got, len(got), c.ended)
	}
	w.sweep()
	if used := w.core.Buffers().Used(); used > iobuf.MinChunk { // the second GET, which is to be said again
		t.Errorf("%d bytes of buffers are left", used)
	}
}

// A shard that dies within a reply of which the client has nothing makes the
// reply an error, and the session goes on.
func TestShardDiesWithinUnsentReply(t *testing.T) {
	w := newRig(t, DefaultLimits(), 1, config.Pool{})
	n := w.pools[0].nodes[0]
	n.data["k"] = strings.Repeat("v", 1000)
	c := w.client()
	c.ask1("PING")
	c.say(request("GET", "k"))
	l := w.links[0]
	l.connect()
	w.turn(func() {})
	l.work(1)
	w.turn(func() { l.deliver(500); l.out = nil; l.kill() })
	if got := c.hear(); !strings.HasPrefix(got, "-ERR shard 'p-0' at p-0.example:6379: connection lost: ") || !strings.HasSuffix(got, "; the command may or may not have been executed\r\n") {
		t.Fatalf("got %q", got)
	}
	w.now += 1e9
	if got := c.ask1("GET", "k"); got != "$1000\r\n"+n.data["k"]+"\r\n" {
		t.Fatalf("got %.80q", got)
	}
}

// Replies that wait for another one count too: a client whose first request is
// not answered stops being read, then is cut off, whoever answers the others.
func TestRepliesOutOfTurnAreBounded(t *testing.T) {
	for _, args := range [][]string{{"GET", "k"}, {"MGET", "k", "k"}, {"ECHO", strings.Repeat("e", 100<<10)}} {
		limits := DefaultLimits()
		limits.Output, limits.OutputHard = 350<<10, 900<<10
		w := newRig(t, limits, 3, config.Pool{})
		owner := w.pools[0].pool.ring.OwnerString("k")
		w.pools[0].nodes[owner].data["k"] = strings.Repeat("v", 100<<10)
		slow := w.pools[0].nodes[(owner+1)%3]
		slow.mode = stalled
		blocked := w.keysOn(slow.shard, 1)[0]
		if args[0] == "MGET" {
			args = append(args, w.keysOn((owner+2)%3, 1)...)
		}

		c := w.client()
		c.say(request("GET", blocked))
		for range 5 {
			if c.s.WantsRead() {
				c.say(request(args...))
				w.sweep()
			}
		}
		c.say(request("PING"))
		if c.s.WantsRead() || c.s.phase != open || len(c.in) > 0 {
			t.Errorf("%.8q: %v with %d bytes waiting, wants to read: %v", args, c.s.phase, c.s.unread(), c.s.WantsRead())
		}
		slow.mode = serving
		if got := c.hear(); !strings.HasPrefix(got, "$-1\r\n") || !strings.HasSuffix(got, "+PONG\r\n") || c.s.held != 0 {
			t.Errorf("%.8q: got %d bytes, ending in %.20q, held %d", args, len(got), got[max(0, len(got)-20):], c.s.held)
		}

		// A burst that was under way before the replies' size was known.
		slow.mode = stalled
		c = w.client()
		c.s.average = 0
		c.say(request("GET", blocked) + strings.Repeat(request(args...), 12))
		w.sweep()
		if args[0] == "ECHO" {
			continue // answered at once, so it was stopped before the limit
		}
		if c.s.phase != over || w.core.Buffers().Used() > 64<<10 {
			t.Errorf("%.8q: %v, %d bytes in use", args, c.s.phase, w.core.Buffers().Used())
		}
	}
}

// A split that failed holds no replies of the shards that answered while its
// error waits for its turn.
func TestFailedSplitHoldsNoReplies(t *testing.T) {
	w := newRig(t, DefaultLimits(), 3, config.Pool{})
	keys := []string{w.keysOn(0, 1)[0], w.keysOn(1, 1)[0], w.keysOn(2, 1)[0]}
	slow, large, bad := w.pools[0].nodes[0], w.pools[0].nodes[1], w.pools[0].nodes[2]
	large.data[keys[1]] = strings.Repeat("v", 100<<10)
	slow.mode, bad.errors = stalled, 1
	c := w.client()
	c.say(request("GET", keys[0]) + request("MGET", keys[1], keys[2]))
	w.sweep()
	if used := w.core.Buffers().Used(); used > 10<<10 || c.s.held == 0 {
		t.Errorf("%d bytes in use for an error, %d counted", used, c.s.held)
	}
	slow.mode = serving
	if got := c.hear(); !strings.HasPrefix(got, "$-1\r\n-INJECTED shard 'p-2': ") {
		t.Errorf("got %.80q", got)
	}
}
