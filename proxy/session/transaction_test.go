package session

import (
	"slices"
	"testing"
	"time"

	"github.com/shardring/shardring/shard/config"
)

// idleAreClean checks that nothing of a session is left on the connections that
// nobody owns.
func (w *simWorld) idleAreClean() {
	w.t.Helper()
	for _, p := range w.pools {
		for _, l := range p.pool.lanes {
			for _, conns := range l.idle {
				for _, c := range conns {
					if link, ok := c.Link.(*simLink); ok && c.Spotless() {
						if left := link.clean(l.laneKey); left != "" || c.Owner != nil {
							w.t.Errorf("%s: an idle connection has %s", c.Shard, left)
						}
					}
				}
			}
		}
	}
}

// A transaction whose watched key's connection was lost executes nothing, and
// leaves nothing on the connection that it went on with.
func TestLostWatch(t *testing.T) {
	w := newRig(t, DefaultLimits(), 1, config.Pool{})
	c := w.client()
	c.ask1("WATCH", "a")
	for _, l := range slices.Clone(w.links) {
		l.kill()
	}
	w.now += 1e9
	c.say(request("MULTI") + request("SET", "a", "1") + request("EXEC") + request("GET", "a"))
	if got := c.hear(); got != "+OK\r\n+QUEUED\r\n*-1\r\n$-1\r\n" {
		t.Errorf("got %q", got)
	}
	w.idleAreClean()
	if c.s.private != nil {
		t.Errorf("the session has kept %+v", c.s.private)
	}
}

// A connection that was kept for a DISCARD only is given up when the node does not
// answer that.
func TestDiscardWithoutAnswer(t *testing.T) {
	w := newRig(t, DefaultLimits(), 1, config.Pool{Timeout: 100 * time.Millisecond})
	c := w.client()
	c.say(request("MULTI") + request("SET", "a", "1"))
	c.hear()
	c.say(request("NOSUCH") + request("EXEC"))
	for range 30 {
		w.turn(func() {})
		w.now += int64(tick)
	}
	if c.s.private != nil {
		t.Errorf("the session has kept %+v", c.s.private)
	}
}

// While every shard is ejected nothing is sent, but for what ends a transaction that
// has begun: nothing of it is left.
func TestTransactionWhileAllIsEjected(t *testing.T) {
	for _, end := range []string{request("EXEC"), request("DISCARD"), request("NOSUCH") + request("EXEC")} {
		w := newRig(t, DefaultLimits(), 1, config.Pool{})
		c := w.client()
		c.say(request("WATCH", "a") + request("MULTI") + request("SET", "a", "1"))
		c.hear()
		w.pools[0].pool.dead = true
		c.say(end)
		c.hear()
		w.pools[0].pool.dead = false
		w.idleAreClean()
		if c.s.private != nil {
			t.Errorf("%q: the session has kept %+v", end, c.s.private)
		}
	}
}
