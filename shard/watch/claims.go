package watch

import (
	"time"

	"github.com/shardring/shardring/shard/topology"
)

// sentinels is what the Sentinels say of a shard.
type sentinels struct {
	claims  map[string]claim // by the Sentinel's address; of those that answer
	awaited map[string]bool  // listed Sentinels that have neither answered nor failed yet
	members int              // Sentinels there are, as far as known
	// epoch is that of the claim which was followed last. A lower one is out of
	// date, unless most Sentinels say so: then they were set up anew.
	epoch uint64
	// ahead is a node that was followed before any Sentinel claimed it. Claims up
	// to epoch, which name another one, are older than that.
	ahead topology.Node
}

// claim is a Sentinel's word on a shard.
type claim struct {
	sentinel string
	master   string
	node     topology.Node
	epoch    uint64 // config-epoch: every failover has a higher one
	at       time.Time
	replicas []topology.Node
	elected  topology.Node // the replica that it is promoting, zero if it is not
}

// claimed takes a Sentinel's answer.
func (t *tracker) claimed(c claim) {
	if t.claims == nil {
		t.claims = map[string]claim{}
	}
	t.claims[c.sentinel] = c
	delete(t.awaited, c.sentinel)
	for _, n := range c.replicas {
		t.meet(n, c.at)
	}
	if !c.elected.IsZero() {
		// The events may have come before anybody listened.
		t.told(event{name: "+promoted-slave", node: c.elected, of: c.node}, c.at)
	}
}

// silent notes that a Sentinel did not answer.
func (t *tracker) silent(sentinel string) {
	delete(t.claims, sentinel)
	delete(t.awaited, sentinel)
}

// lead notes that a node is followed which the Sentinels may not know of yet.
func (t *tracker) lead(n topology.Node) {
	if t.sentinel {
		t.ahead = n
		if c, ok := t.best(); ok {
			t.epoch = max(t.epoch, c.epoch)
		}
	}
}

// leads says that a node is ahead of the claims, and has not turned out to be none.
func (t *tracker) leads() bool {
	k := t.known[t.ahead]
	return k != nil && !k.says(Replica) && k.last.state != Down
}

// best returns the claim of the highest epoch; among those the one that agrees with
// what is followed, so that Sentinels set up apart do not take turns.
func (t *tracker) best() (best claim, ok bool) {
	for _, c := range t.claims {
		switch {
		case !ok || c.epoch > best.epoch,
			c.epoch == best.epoch && t.canonical(c.node) == t.present,
			c.epoch == best.epoch && t.canonical(best.node) != t.present && c.sentinel < best.sentinel:
			best, ok = c, true
		}
	}
	return best, ok
}

// believe returns the node that the Sentinels name, when it is to be followed: the
// present one if they agree with it; zero if they leave it open.
func (t *tracker) believe(now time.Time) topology.Node {
	c, ok := t.best()
	if !ok || c.node.IsZero() {
		return topology.Node{}
	}
	if len(t.awaited) > 0 && !t.present.IsZero() && t.canonical(c.node) != t.present {
		return topology.Node{} // another one may know better
	}
	if c.epoch < t.epoch && 2*len(t.claims) <= t.members {
		return topology.Node{}
	}
	k := t.meet(c.node, now)
	switch {
	case c.epoch <= t.epoch && k.node != t.ahead && t.leads():
		return topology.Node{} // from before it was promoted
	case k.node == t.present:
		t.epoch, t.ahead = c.epoch, topology.Node{}
		if k.says(Replica) {
			return topology.Node{} // they have not noticed; it says itself whom it copies
		}
		return t.present
	case k.says(Primary) && !k.last.at.Before(c.at.Add(-staleRole)):
		t.epoch, t.ahead = c.epoch, topology.Node{}
		return k.node
	}
	t.ask(k.node, c.at)
	return topology.Node{}
}

// staleRole is how old a node's word may be on being a primary, when a Sentinel
// names it.
const staleRole = 100 * time.Millisecond
