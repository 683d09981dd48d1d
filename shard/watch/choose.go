package watch

import (
	"log/slog"
	"time"

	"github.com/shardring/shardring/shard/topology"
)

// maxChain bounds how far a replica's word is followed from node to node.
const maxChain = 8

// choose returns the node that should be the primary, or the present one. Nobody
// is chosen who does not say himself that he is a primary.
//
//	the node that the Sentinels elect says primary           that one
//	the Sentinels' claim of the highest epoch names another  that one, when it says primary
//	the present one says replica                             whom it names, and whom that one names, …
//	the present one is down, no Sentinels                    the only other one that says primary
//	else                                                     the present one
func (t *tracker) choose(now time.Time) topology.Node {
	if n := t.known[t.elected]; n.says(Primary) && t.elected != t.present && !n.last.asked.Before(t.since) {
		t.lead(t.elected)
		return t.elected
	}
	if t.sentinel {
		if n := t.believe(now); !n.IsZero() {
			return n
		}
	}
	p := t.known[t.present]
	switch {
	case p.says(Replica):
		if n := t.chain(p, now); !n.IsZero() {
			t.lead(n)
			return n
		}
		if !t.sentinel {
			return t.only()
		}
	case p == nil || p.last.state == Down && p.last.err != nil:
		if !t.sentinel {
			return t.only()
		}
	case p.says(Primary) && !t.sentinel:
		t.lookForSplit()
	}
	return t.present
}

// chain goes from a replica to the node it copies until one says that it is a
// primary. Who is not known or has not been heard is asked.
func (t *tracker) chain(k *known, now time.Time) topology.Node {
	from := k.last.at
	for range maxChain {
		if k.last.of.IsZero() {
			return topology.Node{}
		}
		next := t.meet(k.last.of, now)
		switch {
		case next.node == t.present:
			return topology.Node{} // a loop
		case next.last.at.IsZero() || next.last.err != nil || next.last.role == NoRole:
			t.ask(next.node, from)
			return topology.Node{}
		case next.says(Primary):
			if next.last.asked.Before(from) && now.Sub(next.last.asked) > huntEvery {
				t.ask(next.node, from) // it may have ended being one
				return topology.Node{}
			}
			return next.node
		}
		t.ask(next.node, from) // it may be about to become one
		k = next
	}
	return topology.Node{}
}

// only returns the node that says it is a primary if there is just one, else the
// present one.
func (t *tracker) only() topology.Node {
	found := t.present
	for n, k := range t.known {
		if n == t.present || !k.says(Primary) {
			continue
		}
		if found != t.present {
			return t.present
		}
		found = n
	}
	return found
}

// lookForSplit notes once that another node says it is a primary too, and said so
// before the present one did: else one may have followed the other.
func (t *tracker) lookForSplit() {
	p, other := t.known[t.present], topology.Node{}
	for n, k := range t.known {
		if n == t.present || !k.says(Primary) {
			continue
		}
		if t.ask(t.present, k.last.at); p.last.asked.Before(k.last.at) && n != t.split {
			continue
		}
		if other.IsZero() || n == t.split {
			other = n
		}
	}
	if !other.IsZero() && other != t.split {
		t.note(slog.LevelWarn, "two nodes say that they are the primary: keeping the present one", "node", t.present.Addr, "other", other.Addr)
	}
	t.split = other
}
