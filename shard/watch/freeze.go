package watch

import (
	"log/slog"
	"time"

	"github.com/shardring/shardring/shard/topology"
)

// freezeFor bounds how long a failover may hold writes back that never ends.
const freezeFor = 10 * time.Second

// freeze is a failover under way. The zero value is none.
type freeze struct {
	begun   time.Time     // zero: there is none
	holds   bool          // writes wait
	elected topology.Node // who is to be the primary, zero while nobody knows
	since   time.Time     // when it was elected
}

// told takes an event of a Sentinel.
func (t *tracker) told(e event, now time.Time) {
	switch {
	case (e.freezes() || e.elects()) && !t.present.IsZero() && t.canonical(e.of) != t.present:
		return // it comes late: the primary that it replaces has been left already
	case e.aborts():
		if t.holds {
			t.note(slog.LevelWarn, "the Sentinels gave the failover up", "event", e.name)
		}
		t.freeze = freeze{}
		return
	case e.elects() && !e.node.IsZero():
		k := t.meet(e.node, now)
		if k.node != t.elected {
			t.elected, t.since = k.node, now
		}
		t.ask(k.node, now)
	case !e.freezes():
		t.doubted(now)
		return
	}
	if t.begun.IsZero() {
		t.begun = now
	}
	if e.freezes() && !t.holds {
		t.holds = true
		t.note(slog.LevelInfo, "failover begins: writes wait", "event", e.name)
	}
}

// thaw ends a failover that lasts too long.
func (t *tracker) thaw(now time.Time) {
	if t.begun.IsZero() || now.Sub(t.begun) < freezeFor {
		return
	}
	if t.holds {
		t.note(slog.LevelWarn, "the failover does not end: writes wait no longer", "after", freezeFor.String())
	}
	t.freeze = freeze{}
}
