package migrate

import "fmt"

// Step is what a move does next. A Step is in the journal before its act begins.
type Step uint8

const (
	Planned  Step = iota // nothing is touched yet
	Prepare              // settings that the switch needs; the old values go to the journal
	Attach               // the target becomes a replica of the source
	Sync                 // it copies, and catches up
	Compare              // number of keys, and a sample of them
	Freeze               // writes at the source wait
	Demote               // the source becomes a replica of the target
	Promote              // the target becomes a primary
	Revert               // the source becomes the primary again: a write had slipped in
	Failover             // the source is told to hand over (FAILOVER TO)
	Elect                // the Sentinels are told to elect the target
	Release              // what was held and set for the switch is as before
	Rewrite              // the configuration has the target
	Tell                 // the proxies have the configuration
	Done                 // nothing is left to do
	Detach               // abort: the target is no replica any more, and empty
	Aborted              // the source is what it was
	stepCount
)

func (s Step) String() string {
	switch s {
	case Planned:
		return "planned"
	case Prepare:
		return "prepare"
	case Attach:
		return "attach"
	case Sync:
		return "sync"
	case Compare:
		return "compare"
	case Freeze:
		return "freeze"
	case Demote:
		return "demote"
	case Promote:
		return "promote"
	case Revert:
		return "revert"
	case Failover:
		return "failover"
	case Elect:
		return "elect"
	case Release:
		return "release"
	case Rewrite:
		return "rewrite"
	case Tell:
		return "tell"
	case Done:
		return "done"
	case Detach:
		return "detach"
	case Aborted:
		return "aborted"
	}
	return fmt.Sprintf("Step(%d)", uint8(s))
}

// MarshalText implements encoding.TextMarshaler.
func (s Step) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *Step) UnmarshalText(text []byte) error {
	for i := range stepCount {
		if i.String() == string(text) {
			*s = i
			return nil
		}
	}
	return fmt.Errorf("step %q is unknown: want one from %s to %s", text, Planned, Aborted)
}

// Way is how writes are handed from the source to the target.
type Way string

const (
	Auto        Way = ""         // the shortest that the nodes know
	ByPause     Way = "pause"    // CLIENT PAUSE WRITE: Redis 6.2 and later
	ByFence     Way = "fence"    // min-replicas-to-write: before Redis 6.2
	ByFailover  Way = "failover" // FAILOVER TO: Redis 6.2 and later, where CLIENT PAUSE or CONFIG is forbidden
	BySentinels Way = "sentinel" // SENTINEL FAILOVER: in a pool with Sentinels, and only there
)

// ParseWay reads one of pause, fence and failover; "" and auto are Auto.
func ParseWay(s string) (Way, error) {
	switch w := Way(s); w {
	case Auto, ByPause, ByFence, ByFailover:
		return w, nil
	case "auto":
		return Auto, nil
	}
	return Auto, fmt.Errorf("%q: want auto, pause, fence or failover", s)
}
