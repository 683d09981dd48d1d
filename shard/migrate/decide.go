package migrate

import "fmt"

// role is what a node is at the moment.
type role uint8

const (
	unknown    role = iota // it does not answer
	primary                // it takes writes
	ofOther                // it copies the other node of the move
	ofStranger             // it copies some other node
)

func (r role) String() string {
	switch r {
	case unknown:
		return "not reached"
	case primary:
		return "primary"
	case ofOther:
		return "replica of the other"
	case ofStranger:
		return "replica of a third node"
	}
	return fmt.Sprintf("role(%d)", uint8(r))
}

// seen is all that a decision is made from, beside the journal.
type seen struct {
	source, target role
	// sourceOffset is what the source has, targetOffset what the target has applied
	// of the same stream.
	sourceOffset, targetOffset int64
	sameStream                 bool // both name the same stream: offsets of others are nothing to compare
	linked                     bool // the target's link to the source is up
	caughtUp                   bool // and its lag has been small for a while
	waited                     bool // both are replicas, and the target had its time to get the rest
	written                    bool // the configuration has the target
	told                       bool // the proxies have been told, in this run
	restarted                  bool // the target is a primary because it was started again
	descends                   bool // both are primaries, and the target was a replica of the source before
	taken                      bool // of an abort: Sentinels have given the shard to a third node
	cutOff                     bool // of an abort: one of before detached the target, and perhaps did not empty it
}

// past is what the journal tells of a move. A step that was begun may not have been
// done; load takes back what the last one would have made true.
type past struct {
	way      Way
	reached  Step // of the last entry
	redo     bool // that one was cut off, perhaps: its entry does not stand for a new one
	prepared bool
	attaches int // how often Attach was begun
	compared bool
	frozen   bool // in this run: a pause does not outlive its caller for long
	demoted  bool // Demote, Failover or Elect was begun since the last Revert
	switched bool // one of them ever was
	promoted bool // Promote was begun
	released bool
}

// handsOver says that this move itself makes the source a replica, and has begun to.
func (p past) handsOver() bool { return p.demoted && (p.way == ByPause || p.way == ByFence) }

// lost says that the target is lost after the source has become its replica: the source
// has to be a primary before the target is back with nothing to copy.
func (p past) lost(s seen) bool {
	return p.handsOver() && !p.promoted && s.source == ofOther && (s.target == unknown || s.restarted)
}

// conflict is a state that nobody but the operator can judge.
type conflict struct{ what string }

func (e *conflict) Error() string { return e.what }

const promotedByOthers = "the target was a replica of the source and is a primary now, which this move did not do: if clients write there, make the source its replica by hand (REPLICAOF), then --resume finishes; else make the target a replica of the source again, then --resume or --abort"

// decide returns what to do next. It is the whole plan of a move:
//
//	source            target               then
//	primary           primary, not begun   Prepare, Attach; the same again when the target was started again
//	primary           replica of source    Sync until it has caught up, Compare, then by the way:
//	                                       Freeze and Demote, or Failover, or Elect
//	replica of target replica of source    equal offsets of the same stream: Promote
//	                                       the target gets no more: Revert
//	replica of target gone, or back empty  Revert, before the source copies that
//	replica of target primary              Release, Rewrite, Tell, Done
//	primary           primary, Elect begun Demote: the Sentinels promote first; the source is frozen
//	not reached       primary              the same without the source
//	all others                             a conflict: nothing is done
//
// No row promotes the target while the source takes writes.
func decide(p past, s seen) (Step, error) {
	switch {
	case p.lost(s):
		return Revert, nil
	case s.source == primary && s.target == primary:
		switch {
		case p.way == BySentinels && p.demoted:
			return Demote, nil
		case p.promoted || p.demoted:
			return 0, &conflict{"both nodes say that they are the primary, and the switch was begun: see which of them has all the data (INFO replication, DBSIZE), make the other one its replica by hand (REPLICAOF), then --resume"}
		case p.attaches > 0 && s.descends:
			return 0, &conflict{promotedByOthers}
		case !p.prepared, p.attaches > 0 && p.reached != Prepare: // it was started again, and has forgotten
			return Prepare, nil
		}
		return Attach, nil
	case s.source == primary && s.target == ofOther:
		switch {
		case !p.prepared:
			return Prepare, nil
		case p.attaches == 0:
			return Attach, nil
		case !s.linked || !s.caughtUp:
			return Sync, nil
		case !p.compared:
			return Compare, nil
		case p.way == ByFailover:
			return Failover, nil
		case !p.frozen:
			return Freeze, nil
		case p.way == BySentinels:
			return Elect, nil
		}
		return Demote, nil
	case s.source == ofOther && s.target == ofOther:
		switch {
		case s.sameStream && s.sourceOffset == s.targetOffset:
			return Promote, nil
		case s.waited || s.targetOffset > s.sourceOffset:
			return Revert, nil
		}
		return Demote, nil // the rest is on its way
	case s.target == primary && (s.source == ofOther || s.source == unknown && p.demoted):
		switch {
		case !p.released:
			return Release, nil
		case !s.written:
			return Rewrite, nil
		case !s.told:
			return Tell, nil
		}
		return Done, nil
	}
	return 0, &conflict{fmt.Sprintf("the source is %s, the target is %s: that is no state of a move that %s; nothing was changed", s.source, s.target, begun(p))}
}

func begun(p past) string {
	if p.reached == Planned {
		return "has not begun"
	}
	return "came to " + p.reached.String()
}

// decideAbort returns what takes a move back: Detach, Revert, Aborted, or an error once
// the target is the primary.
func decideAbort(p past, s seen) (Step, error) {
	switch {
	case p.lost(s):
		return Revert, nil
	case s.taken && s.target == ofOther:
		return Detach, nil
	case s.taken: // and the target with it, perhaps
		return Aborted, nil
	case s.target == primary && (s.source == ofOther || p.promoted || p.way == BySentinels && p.demoted):
		return 0, &conflict{"the target is the primary already: --resume finishes, and --back moves the shard to the old node again"}
	case s.source == ofOther && s.target == ofOther:
		return Revert, nil
	case s.source == primary && s.target == ofOther:
		return Detach, nil
	case s.source == primary && s.target == primary && p.demoted:
		return 0, &conflict{"both nodes say that they are the primary: make one the replica of the other by hand (REPLICAOF), then --resume"}
	case s.source == primary && s.target == primary && s.cutOff:
		return Detach, nil
	case s.descends && p.attaches > 0:
		return 0, &conflict{promotedByOthers}
	case s.source == primary:
		return Aborted, nil
	case s.source == unknown && s.target != primary:
		return 0, &conflict{"the source does not answer: start it, or wait until Sentinels have given the shard to another node, then --abort or --resume; if it is gone for good, all that is left is what its replicas have (REPLICAOF NO ONE makes one the primary)"}
	}
	return 0, &conflict{fmt.Sprintf("the source is %s, the target is %s: nothing that an abort could take back; nothing was changed", s.source, s.target)}
}
