package migrate

import (
	"errors"
	"strings"
	"testing"
)

// TestDecide is the table of decide.
func TestDecide(t *testing.T) {
	ready := past{way: ByPause, reached: Compare, prepared: true, attaches: 1, compared: true}
	with := func(p past, change func(*past)) past { change(&p); return p }
	synced := seen{source: primary, target: ofOther, linked: true, caughtUp: true}
	both := seen{source: ofOther, target: ofOther, sourceOffset: 100, targetOffset: 100, sameStream: true}
	after := seen{source: ofOther, target: primary}
	switched := with(ready, func(p *past) { p.demoted, p.promoted, p.reached = true, true, Promote })
	for _, c := range []struct {
		name string
		p    past
		s    seen
		want Step
		err  string
	}{
		{"nothing begun", past{}, seen{source: primary, target: primary}, Prepare, ""},
		{"a replica from the start", past{}, synced, Prepare, ""},
		{"prepared", past{prepared: true, reached: Prepare}, seen{source: primary, target: primary}, Attach, ""},
		{"the target was restarted", ready, seen{source: primary, target: primary}, Prepare, ""},
		{"and is prepared again", with(ready, func(p *past) { p.reached = Prepare }), seen{source: primary, target: primary}, Attach, ""},
		{"the target was promoted by others", ready, seen{source: primary, target: primary, descends: true}, 0, "which this move did not do"},
		{"attached", past{prepared: true, attaches: 1, reached: Attach}, seen{source: primary, target: ofOther}, Sync, ""},
		{"lags", ready, seen{source: primary, target: ofOther, linked: true}, Sync, ""},
		{"caught up", with(ready, func(p *past) { p.compared = false }), synced, Compare, ""},
		{"compared", ready, synced, Freeze, ""},
		{"frozen", with(ready, func(p *past) { p.frozen = true }), synced, Demote, ""},
		{"frozen by a fence", with(ready, func(p *past) { p.way, p.frozen = ByFence, true }), synced, Demote, ""},
		{"by failover", with(ready, func(p *past) { p.way = ByFailover }), synced, Failover, ""},
		{"Sentinels, compared", with(ready, func(p *past) { p.way = BySentinels }), synced, Freeze, ""},
		{"Sentinels, frozen", with(ready, func(p *past) { p.way, p.frozen = BySentinels, true }), synced, Elect, ""},
		{"Sentinels have elected", with(ready, func(p *past) { p.way, p.demoted = BySentinels, true }), seen{source: primary, target: primary}, Demote, ""},
		{"demoted, all there", ready, both, Promote, ""},
		{"demoted, some on its way", ready, seen{source: ofOther, target: ofOther, sourceOffset: 100, targetOffset: 90}, Demote, ""},
		{"a write slipped in", ready, seen{source: ofOther, target: ofOther, sourceOffset: 100, targetOffset: 90, waited: true}, Revert, ""},
		{"offsets of two streams", ready, seen{source: ofOther, target: ofOther, waited: true}, Revert, ""},
		{"the target has more", ready, seen{source: ofOther, target: ofOther, sourceOffset: 90, targetOffset: 100}, Revert, ""},
		{"the target died in the switch", with(ready, func(p *past) { p.demoted = true }), seen{source: ofOther, target: unknown}, Revert, ""},
		{"and is back with nothing", with(ready, func(p *past) { p.demoted = true }), seen{source: ofOther, target: primary, restarted: true}, Revert, ""},
		{"started again after the switch", switched, seen{source: ofOther, target: primary, restarted: true}, Release, ""},
		{"promoted", switched, after, Release, ""},
		{"released", with(switched, func(p *past) { p.released = true }), after, Rewrite, ""},
		{"written", with(switched, func(p *past) { p.released = true }), seen{source: ofOther, target: primary, written: true}, Tell, ""},
		{"told", with(switched, func(p *past) { p.released = true }), seen{source: ofOther, target: primary, written: true, told: true}, Done, ""},
		{"the source died after the switch", switched, seen{source: unknown, target: primary}, Release, ""},

		{"two primaries after the switch", switched, seen{source: primary, target: primary}, 0, "both nodes say"},
		{"the source died in the switch", with(ready, func(p *past) { p.demoted = true }), seen{source: unknown, target: ofOther}, 0, "the source is not reached"},
		{"the source died before the switch, the target was promoted", ready, seen{source: unknown, target: primary}, 0, "the source is not reached"},
		{"somebody else's replica", ready, seen{source: primary, target: ofStranger}, 0, "replica of a third node"},
	} {
		have, err := decide(c.p, c.s)
		var conflict *conflict
		switch {
		case c.err == "" && (err != nil || have != c.want):
			t.Errorf("%s: %v, %v, want %v", c.name, have, err, c.want)
		case c.err != "" && (!errors.As(err, &conflict) || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s: %v, %v, want %q", c.name, have, err, c.err)
		}
	}
}

// TestDecideKeepsTheRule: in no state whatever is the target promoted while the source
// takes writes, or while it lacks some; nor is the source demoted before it is frozen.
func TestDecideKeepsTheRule(t *testing.T) {
	bools := []bool{false, true}
	states := 0
	for _, way := range []Way{ByPause, ByFence, ByFailover, BySentinels} {
		for reached := range stepCount {
			for flags := range 1 << 12 {
				bit := func(i int) bool { return flags>>i&1 == 1 }
				p := past{way: way, reached: reached, prepared: bit(0), compared: bit(1), frozen: bit(2), demoted: bit(3), promoted: bit(4), released: bit(5)}
				if bit(6) {
					p.attaches = 1
				}
				for source := unknown; source <= ofStranger; source++ {
					for target := unknown; target <= ofStranger; target++ {
						for _, equal := range bools {
							s := seen{source: source, target: target, linked: bit(7), caughtUp: bit(8), waited: bit(9), written: bit(10), sameStream: bit(11), descends: bit(11), targetOffset: 5, sourceOffset: 9}
							if equal {
								s.sourceOffset = 5
							}
							states++
							step, err := decide(p, s)
							if err != nil {
								continue
							}
							if step == Promote && (source != ofOther || target != ofOther || !equal || !s.sameStream) {
								t.Fatalf("%+v %+v: %v", p, s, step)
							}
							if step == Demote && source == primary && !p.frozen && !(way == BySentinels && target == primary) {
								t.Fatalf("%+v %+v: %v", p, s, step)
							}
							if (step == Freeze || step == Failover || step == Elect) && (!s.caughtUp || !s.linked || !p.compared) {
								t.Fatalf("%+v %+v: %v", p, s, step)
							}
							if step == Attach && target == primary && s.descends && p.attaches > 0 {
								t.Fatalf("%+v %+v: %v", p, s, step)
							}
							if step == Done && (target != primary || source == primary || !s.written || !p.released) {
								t.Fatalf("%+v %+v: %v", p, s, step)
							}
						}
					}
				}
			}
		}
	}
	t.Logf("%d states", states)
}

// TestDecideAbort: taken back is only what has not been switched.
func TestDecideAbort(t *testing.T) {
	demoted := past{reached: Demote, demoted: true}
	for _, c := range []struct {
		p    past
		s    seen
		want Step
		err  string
	}{
		{past{}, seen{source: primary, target: primary}, Aborted, ""},
		{past{reached: Sync}, seen{source: primary, target: ofOther}, Detach, ""},
		{demoted, seen{source: ofOther, target: ofOther}, Revert, ""},
		{past{reached: Sync}, seen{source: primary, target: unknown}, Aborted, ""},
		{past{reached: Detach, attaches: 1}, seen{source: primary, target: primary, descends: true, cutOff: true}, Detach, ""},
		{past{reached: Sync, attaches: 1}, seen{source: primary, target: primary, descends: true}, 0, "which this move did not do"},
		{past{reached: Sync}, seen{source: ofStranger, target: ofStranger, taken: true}, Aborted, ""},
		{past{reached: Sync}, seen{source: unknown, target: ofOther, taken: true}, Detach, ""},
		{past{reached: Sync}, seen{source: unknown, target: primary, taken: true}, Aborted, ""},
		{past{way: ByPause, reached: Demote, demoted: true}, seen{source: ofOther, target: unknown}, Revert, ""},
		{past{reached: Promote, demoted: true, promoted: true}, seen{source: ofOther, target: primary}, 0, "--resume finishes"},
		{past{way: BySentinels, reached: Elect, demoted: true}, seen{source: primary, target: primary}, 0, "--resume finishes"},
		{demoted, seen{source: primary, target: primary}, 0, "both nodes"},
		{past{reached: Sync}, seen{source: unknown, target: ofOther}, 0, "the source does not answer"},
		{past{reached: Sync}, seen{source: ofStranger, target: ofOther}, 0, "nothing that an abort"},
	} {
		have, err := decideAbort(c.p, c.s)
		if c.err == "" && (err != nil || have != c.want) || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%v %v after %v: %v, %v, want %v %q", c.s.source, c.s.target, c.p.reached, have, err, c.want, c.err)
		}
	}
}
