package session

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/shard/config"
)

// A fence holds also if the session was about to go on when it was set, as by a
// script that is overtaken.
func TestFenceHoldsWhoIsAboutToGoOn(t *testing.T) {
	w := newRig(t, DefaultLimits(), 1, config.Pool{})
	c := w.client()
	c.say(request("SET", "a", "1"))
	w.turn(func() {
		c.s.stalled = true // at some limit, of which enough has gone
		c.s.unstall()
		c.s.fence()
	})
	if !c.s.stalled || c.s.WantsRead() {
		t.Error("the session went on with a request under way")
	}
	if got := c.hear(); got != "+OK\r\n" || c.s.stalled {
		t.Errorf("got %q, stalled %v", got, c.s.stalled)
	}
}

// A connection that was overtaken is forgotten when its script has ended.
func TestOvertakenIsForgotten(t *testing.T) {
	w := newRig(t, DefaultLimits(), 1, config.Pool{})
	c := w.client()
	c.ask1("GET", "a")
	for range 3 {
		c.say(request("EVAL", "x", "1", "a", "token"))
		l := w.links[len(w.links)-1]
		w.elapse(busyAfter)
		if p := w.pools[0].pool; len(p.busy) != 1 || p.lanes[0].conns[0] == l.conn {
			t.Fatalf("%d connections are busy, the same: %v", len(p.busy), p.lanes[0].conns[0] == l.conn)
		}
		if got := c.hear(); got != "*2\r\n$-1\r\n$5\r\ntoken\r\n" {
			t.Fatalf("got %q", got)
		}
		w.now += int64(tick)
		c.ask1("GET", "a")
	}
	if n := len(w.pools[0].pool.busy); n > 0 {
		t.Errorf("%d connections are still taken for busy", n)
	}
}

const busyAfter = 100 * time.Millisecond // of package backend

// Who stays behind a script does so until it goes to another database only.
func TestSelectBehindAScript(t *testing.T) {
	w := newRig(t, DefaultLimits(), 1, config.Pool{Timeout: 3 * busyAfter})
	c := w.client()
	c.ask1("SELECT", "1")
	c.ask1("SELECT", "0")
	w.all[0].slow = int64(5 * busyAfter)
	c.say(request("EVAL", "x", "1", "a", "token"))
	w.turn(func() { w.pools[0].pool.lanes[0].conns[0].Link.(*simLink).finish() })
	for range 4 {
		w.elapse(busyAfter)
	}
	if got := c.ask1("SELECT", "1"); !strings.HasSuffix(got, "+OK\r\n") {
		t.Fatalf("got %q", got)
	}
	if db := c.s.conn(0).Database; db != 1 {
		t.Errorf("SELECT 1, and the connection is one to database %d", db)
	}
}

// Also while every shard is ejected a session's own connections follow it to
// another database.
func TestSelectWhileAllIsEjected(t *testing.T) {
	w := newRig(t, DefaultLimits(), 1, config.Pool{})
	c := w.client()
	c.ask1("SELECT", "1")
	c.ask1("SELECT", "0")
	keep := w.client()
	keep.ask1("SELECT", "1") // the lane stays
	c.ask1("WATCH", "a")
	w.pools[0].pool.dead = true
	c.ask1("SELECT", "1")
	w.pools[0].pool.dead = false
	c.hear()
	if db := c.link(0).db; db != 1 {
		t.Errorf("SELECT 1, and the node has the connection at database %d", db)
	}
}

// Who stays on a connection because connections became more, and has something under way
// there when another node takes the shard, says it there before what comes after it.
func TestOrderOverTwoChanges(t *testing.T) {
	w := newRig(t, DefaultLimits(), 1, config.Pool{ServerConnections: 1})
	clients := []*simClient{w.client(), w.client()} // one of them goes to the second connection
	for _, c := range clients {
		c.ask1("GET", "a")
	}
	keys := []string{"a", "b"}
	for i, c := range clients {
		c.say(request("SET", keys[i], "first"))
	}
	p := w.pools[0]
	more := p.cfg
	more.ServerConnections = 2
	if _, err := p.topo.Update(&more); err != nil {
		t.Fatal(err)
	}
	w.turn(func() {})
	w.swap(w.all[0], 0)
	w.learn(w.now)
	w.turn(func() {})
	for i, c := range clients {
		c.say(request("SET", keys[i], "last"))
	}
	for range 3 { // the second connection is the first to be made
		for _, l := range slices.Clone(w.links) {
			if l.conn == p.pool.lanes[0].conns[1] {
				w.turn(func() { l.finish() })
			}
		}
	}
	for range 10 {
		w.sweep()
		w.elapse(20 * time.Millisecond)
	}
	for _, key := range keys {
		if got := w.all[0].data[key]; got != "last" {
			t.Errorf("%s is %q, and the last SET said \"last\"", key, got)
		}
	}
}
