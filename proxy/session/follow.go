package session

import (
	"slices"

	"github.com/shardring/shardring/shard/topology"
)

// follow ends the sessions of the pool that would miss something since its topology
// is no longer old: they listen, or track keys, where these no longer are. Their
// clients subscribe again, and know that there was a gap.
func (p *Pool) follow(old *topology.Snapshot) {
	moved := old.Ring != p.ring || !slices.Equal(nodesOf(old), nodesOf(p.snap))
	ended := 0
	for _, s := range p.core.matching(p.Name, &filter{}) {
		if s.phase <= draining && s.strays(moved) {
			s.unheard("ERR shardring: the shard of a channel has changed while subscribing")
			ended++
		}
	}
	if ended > 0 {
		p.core.notice("sessions that listen were ended: what they listen to is another shard's now", "pool", p.Name, "sessions", ended)
	}
}

func nodesOf(snap *topology.Snapshot) []nodeKey {
	keys := make([]nodeKey, len(snap.Shards))
	for i := range snap.Shards {
		keys[i] = nodeKey{snap.Shards[i].Name, snap.Shards[i].Primary}
	}
	return keys
}

// strays reports whether the session listens to something where it no longer is, or
// keeps what it has read of keys that have moved. What it is about to leave does not
// count.
func (s *Session) strays(moved bool) bool {
	pr := s.private
	if pr == nil || pr.subs == nil && pr.track == nil {
		return false
	}
	if moved && pr.track != nil {
		return true
	}
	u := subsUnder(pr.subs)
	for _, o := range pr.conns {
		for t, names := range o.subs {
			for name := range names {
				leaving := u != nil && u.end && u.topic == topic(t) && slices.Contains(u.names, name)
				if !leaving && !s.hears(topic(t), name) {
					return true
				}
			}
		}
	}
	return false
}

// hears reports whether a name is listened to wherever it has to be.
func (s *Session) hears(t topic, name string) bool {
	if s.pool.random {
		return true // a channel is nowhere in particular
	}
	first, end := s.placesOf(t, name)
	for i := first; i < end; i++ {
		if o := s.private.find(s.pool.nodeKey(i)); o == nil || !o.subs[t][name] {
			return false
		}
	}
	return true
}

// placesOf returns the shards that publish what a name stands for, first to end-1: the
// one that a channel's name hashes to, or all.
func (s *Session) placesOf(t topic, name string) (first, end int) {
	if t == patterns || everywhere(name) {
		return 0, len(s.pool.snap.Shards)
	}
	first = s.pool.ring.OwnerString(name)
	return first, first + 1
}
