package watch

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/shard/topology"
)

func (w *world) claim(sentinel string, n topology.Node, epoch uint64, replicas ...topology.Node) {
	w.t.Helper()
	w.claimed(claim{sentinel: sentinel, master: "users", node: n, epoch: epoch, at: w.now, replicas: replicas})
	w.run()
}

func (w *world) event(name, payload string) {
	w.t.Helper()
	e, ok := parseEvent(name, payload)
	if !ok || e.master != "users" {
		w.t.Fatalf("%s %q: %+v, %v", name, payload, e, ok)
	}
	w.told(e, w.now)
	w.run()
}

// replica is how a Sentinel writes of one.
func replica(n, of topology.Node) string {
	return "slave " + n.Addr + " " + strings.Replace(n.Addr, ":", " ", 1) + " @ users " + strings.Replace(of.Addr, ":", " ", 1)
}

// watched3 is a shard of three nodes, na the primary, and three Sentinels that say so.
func watched3(t *testing.T) *world {
	w := newWorld(t, withSentinels)
	w.says[na], w.says[nb], w.says[nc] = primary(100, nb, nc), copies(na, 100), copies(na, 100)
	w.members = 3
	for _, s := range []string{"s1", "s2", "s3"} {
		w.claim(s, na, 0, nb, nc)
	}
	w.round()
	w.want("at the start", na, nb, nc)
	return w
}

// TestFailover: from the selection on writes wait; the elected node is followed when
// it says that it is a primary, and nothing that is older brings the old one back.
func TestFailover(t *testing.T) {
	w := watched3(t)
	w.event("+failover-state-select-slave", "master users 10.0.0.1 6379")
	if !w.nodes().Frozen {
		t.Fatal("not frozen")
	}
	w.event("+selected-slave", replica(nb, na))
	w.event("+failover-state-send-slaveof-noone", replica(nb, na))
	w.want("elected, still a replica", na, nb, nc)
	if w.elected != nb || !slices.Contains(w.asked, nb.Addr) {
		t.Errorf("elected %v, asked %v; want nb", w.elected, w.asked)
	}

	w.says[nb] = promoted(100, nc)
	w.probe(nb) // one of the hunt
	w.run()
	if n := w.nodes(); n.Primary != nb || n.Frozen {
		t.Fatalf("%+v: want nb, not frozen", n)
	}
	// na says that it is a primary, and so do all Sentinels.
	for range 3 {
		for _, s := range []string{"s1", "s2", "s3"} {
			w.claim(s, na, 0, nb, nc)
		}
		w.round()
	}
	w.want("ahead of the Sentinels", nb)
	w.event("+promoted-slave", replica(nb, na)) // late
	w.event("+failover-state-select-slave", "master users 10.0.0.1 6379")
	if w.nodes().Frozen {
		t.Error("frozen by an event of the failover that is over")
	}
	w.claim("s1", nb, 1, na, nc)
	w.claim("s2", na, 0, nb, nc) // has not heard of it
	w.says[na], w.says[nc] = copies(nb, 100), copies(nb, 100)
	w.round()
	w.round()
	w.want("all know", nb, na, nc)
	for _, l := range w.log {
		if strings.HasPrefix(l, "two nodes") {
			t.Error("a failover was logged as a split brain")
		}
	}
}

// TestMissedEvents: nobody listened when a replica was elected; the Sentinel that
// promotes it says so when it is asked.
func TestMissedEvents(t *testing.T) {
	w := watched3(t)
	w.claimed(claim{sentinel: "s1", master: "users", node: na, at: w.now, elected: nb, replicas: []topology.Node{nb, nc}})
	w.run()
	if w.elected != nb || w.nodes().Frozen {
		t.Errorf("elected %v, frozen %v; want nb, not frozen", w.elected, w.nodes().Frozen)
	}
	w.says[nb] = promoted(100)
	w.probe(nb)
	w.run()
	w.want("promoted", nb)
}

// TestFailoverGivenUp: writes go on when it is aborted, or does not end.
func TestFailoverGivenUp(t *testing.T) {
	w := watched3(t)
	w.event("+failover-state-select-slave", "master users 10.0.0.1 6379")
	w.event("+selected-slave", replica(nb, na))
	w.event("-failover-abort-slave-timeout", "master users 10.0.0.1 6379")
	if n := w.nodes(); n.Frozen || n.Primary != na || !w.elected.IsZero() {
		t.Errorf("after an abort: %+v, elected %v", n, w.elected)
	}

	w.event("+failover-state-select-slave", "master users 10.0.0.1 6379")
	w.now = w.now.Add(freezeFor - 10*time.Millisecond)
	w.run()
	if !w.nodes().Frozen {
		t.Error("thawed too soon")
	}
	w.now = w.now.Add(20 * time.Millisecond)
	w.run()
	if w.nodes().Frozen {
		t.Error("frozen for ever")
	}
}

// TestPromotedAndTakenBack: the elected node became a primary, but the failover was not
// finished and the Sentinels made it a replica again.
func TestPromotedAndTakenBack(t *testing.T) {
	w := watched3(t)
	w.event("+selected-slave", replica(nb, na))
	w.says[nb] = promoted(100)
	w.probe(nb)
	w.run()
	w.want("promoted", nb)
	w.says[nb] = copies(na, 100)
	w.round()
	w.round()
	w.want("taken back", na, nb, nc)
}

// TestStaleSentinel: one that is behind, whose primary still says that it is one,
// brings nobody back; also when the present primary is down.
func TestStaleSentinel(t *testing.T) {
	w := watched3(t)
	w.says[nb] = promoted(200, nc)
	w.claim("s1", nb, 4, na, nc)
	w.claim("s2", nb, 4, na, nc)
	w.want("followed", nb)
	w.claim("s3", na, 3, nb, nc)
	w.round()
	w.want("a lower epoch", nb)
	delete(w.says, nb)
	w.silent("s1")
	w.silent("s2")
	for range 3 {
		w.claim("s3", na, 3, nb, nc)
		w.round()
	}
	if w.present != nb {
		t.Errorf("primary %v by the word of one Sentinel of three, whose epoch is lower", w.present)
	}
	// All of them: they were set up anew.
	for _, s := range []string{"s1", "s2", "s3"} {
		w.claim(s, na, 0, nc)
	}
	w.round()
	if w.present != na {
		t.Errorf("primary %v, want na by the word of all", w.present)
	}
}

// TestClaimNeedsWord: a claim is followed when the node says so itself, and not
// before.
func TestClaimNeedsWord(t *testing.T) {
	w := watched3(t)
	w.claim("s1", nb, 1)
	w.want("nb says that it is a replica", na, nb, nc)
	w.says[nb] = primary(100)
	w.now = w.now.Add(time.Second)
	w.claim("s1", nb, 1)
	if w.present != nb {
		t.Errorf("primary %v, want nb", w.present)
	}
}

// TestStart: claims count when all listed Sentinels have been heard, or given up;
// at once where nobody knows a primary.
func TestStart(t *testing.T) {
	w := newWorld(t, withSentinels)
	w.says[na], w.says[nb] = primary(1), primary(1)
	w.awaited = map[string]bool{"s1": true, "s2": true}
	w.claim("s1", nb, 0)
	w.round()
	if w.present != na {
		t.Errorf("primary %v by the first word of two", w.present)
	}
	w.silent("s2")
	w.claim("s1", nb, 0)
	w.round()
	if w.present != nb {
		t.Errorf("primary %v, want what the only Sentinel that answers says", w.present)
	}

	w = newWorld(t, withSentinels)
	delete(w.known, na)
	w.listed, w.present = nil, topology.Node{}
	w.says[nb] = primary(1)
	w.awaited = map[string]bool{"s1": true, "s2": true}
	w.claim("s1", nb, 0)
	if w.present != nb {
		t.Errorf("primary %v, want the one that is claimed where there was none", w.present)
	}
}
