package session

import (
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/shard/config"
)

// While a node is down SELECT and HELLO ask the others; if none can be asked the
// client hears why, and stays where it was. What was learned once need not be asked
// again, also if no client was there meanwhile.
func TestEnterWhileNodesAreDown(t *testing.T) {
	for _, enter := range [][]string{{"SELECT", "1"}, {"HELLO", "3"}} {
		w := newRig(t, DefaultLimits(), 2, config.Pool{Timeout: 100 * time.Millisecond})
		patiently := func(args ...string) string {
			c := w.client()
			c.say(request(args...))
			for range 60 {
				w.sweep()
				w.now += int64(tick)
			}
			got := c.hear()
			if strings.HasPrefix(got, "-") && c.s.lane.laneKey != (laneKey{proto: 2}) {
				t.Errorf("%s: %q, and the session has gone to %+v", args, got, c.s.lane.laneKey)
			}
			c.reset()
			w.turn(func() {})
			return got
		}
		for _, mode := range []nodeMode{down, stalled} {
			w.all[0].enter(mode, int64(time.Hour))
			w.all[1].enter(mode, int64(time.Hour))
			if got := patiently(enter...); !strings.HasPrefix(got, "-ERR shard 'p-0' at p-0.example:6379: ") {
				t.Errorf("%s, all nodes in mode %d: %q", enter, mode, got)
			}
			w.now += int64(time.Hour)
			w.all[0].heal(w.now)
			w.all[1].heal(w.now)
			w.sweep()
		}
		w.all[0].enter(stalled, int64(time.Hour))
		if got := patiently(enter...); strings.HasPrefix(got, "-") || got == "" {
			t.Errorf("%s, one node is up: %q", enter, got)
		}
		w.all[1].enter(stalled, int64(time.Hour))
		if got := patiently(enter...); strings.HasPrefix(got, "-") || got == "" {
			t.Errorf("%s, known: %q", enter, got)
		}
	}
}

// Nodes that refuse our login say nothing of their databases.
func TestEnterWhileTheLoginIsRefused(t *testing.T) {
	w := newRig(t, DefaultLimits(), 2, config.Pool{Auth: config.NewSecret("open sesame")})
	c := w.client()
	c.ask1("AUTH", "open sesame")
	for _, n := range w.all {
		n.enter(locked, int64(time.Hour))
	}
	for _, enter := range [][]string{{"SELECT", "1"}, {"HELLO", "3"}} {
		if got := c.ask1(enter...); !strings.HasPrefix(got, "-ERR shard 'p-0' at p-0.example:6379: refused: login: WRONGPASS ") {
			t.Errorf("%s: %q", enter, got)
		}
	}
}

// Whose client goes while the nodes are asked leaves nothing.
func TestEnterAndGo(t *testing.T) {
	w := newRig(t, DefaultLimits(), 2, config.Pool{Timeout: 100 * time.Millisecond})
	w.all[0].enter(stalled, int64(time.Hour))
	c := w.client()
	c.say(request("SELECT", "1"))
	c.reset()
	for range 60 {
		w.sweep()
		w.now += int64(tick)
	}
	if lanes := len(w.pools[0].pool.lanes); lanes != 1 || w.core.Buffers().Used() != 0 || len(w.core.requests.free) == 0 {
		t.Errorf("%d lanes, %d bytes of buffers are left, %d requests to be used again", lanes, w.core.Buffers().Used(), len(w.core.requests.free))
	}
}
