package session

import (
	"time"

	"github.com/shardring/shardring/proxy/acl"
	"github.com/shardring/shardring/proxy/backend"
	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/topology"
)

// configure takes the settings of cfg; the snapshot that it came with is in place.
//
// At once: who may log in and what each may do, limits, time limits of what begins
// now. When a connection is made next: the login at the nodes, the time to connect.
// Who cannot go on with the new settings is ended after what is under way: a client
// whose user is gone, or who is in a database that is another now.
func (p *Pool) configure(cfg *config.Pool) {
	before := p.cfg
	p.cfg = cfg
	p.each = max(1, cfg.ServerConnections)
	p.misses = cfg.OnShardError == config.ShardErrorIsMiss
	p.spreads = p.asked || cfg.ReadFrom != "" && cfg.ReadFrom != config.Primary
	p.most = cfg.MaxOutput
	if p.most == 0 {
		p.most = p.core.limits.OutputHard
	}
	if before == nil || before.Database != cfg.Database {
		p.firstLane()
	}
	p.pace = paceOf(cfg.MaxRequestsPerSecond)
	if before == nil {
		p.users = p.shared.users.Load()
		return
	}
	user, password := cfg.Login()
	for c := range p.everyConn {
		c.Configure(user, password, cfg.Timeout, cfg.ConnectTimeout)
	}
	p.changeUsers(p.shared.users.Load())
	if before.ClientIdleTimeout != cfg.ClientIdleTimeout {
		p.watchAll()
	}
	moved := !before.Ring.Equal(&cfg.Ring)
	for s := range p.sessions {
		switch {
		case before.Database != cfg.Database:
			s.Stop()
		case moved && s.wrote != 0:
			s.wrote = ^uint64(0) // its bits were the shards' places, as those of writes
			s.writes = make([]int64, len(p.snap.Shards))
			for i := range s.writes {
				s.writes[i] = p.core.now
			}
		}
	}
}

// load returns what the connections to a node have in common. A node that leaves keeps
// its own, with the connections that are left.
func (p *Pool) load(n topology.Node) *backend.Load {
	l := p.loads[n]
	if l == nil {
		l = &backend.Load{Max: p.cfg.MaxInFlight}
		p.loads[n] = l
	}
	return l
}

// weigh forgets the nodes that left, and has the others keep to the limit.
func (p *Pool) weigh() {
	kept := make(map[topology.Node]*backend.Load, len(p.snap.Shards))
	keep := func(n topology.Node) {
		if l := p.loads[n]; l != nil {
			l.Max = p.cfg.MaxInFlight
			kept[n] = l
		}
	}
	for i := range p.snap.Shards {
		keep(p.snap.Shards[i].Primary)
		for _, r := range p.snap.Shards[i].Replicas {
			keep(r.Node)
		}
	}
	p.loads = kept
}

// firstLane makes the lane of the pool's database the one of new sessions.
func (p *Pool) firstLane() {
	var old *lane
	if len(p.lanes) > 0 {
		old = p.lanes[0]
	}
	first := p.lane(laneKey{db: p.cfg.Database, proto: 2})
	p.proven[first.laneKey] = true
	for i, l := range p.lanes {
		if l == first {
			p.lanes[0], p.lanes[i] = p.lanes[i], p.lanes[0]
		}
	}
	if old != nil && old != first { // the first may be there without sessions, this one no longer
		old.enter()
		p.leave(old)
	}
}

// changeUsers has every session be the user of the same name. As with a server, who
// has logged in stays so, whatever the password is now.
func (p *Pool) changeUsers(users *acl.Users) {
	p.users = users
	for s := range p.sessions {
		before := s.user
		if before == nil {
			s.user = users.Initial()
		} else if s.user = users.Named(before.Name()); s.user == nil {
			s.user = before // for what is under way
			s.endNow()
		} else if pr := s.private; pr != nil && pr.subs.any() && !before.SameRights(s.user) {
			s.endNow() // it may listen to what it no longer may hear
		}
		s.heat()
	}
}

// endNow handles no further request, nor waits for something to happen.
func (s *Session) endNow() {
	if s.private != nil && s.private.wait != nil {
		s.hangUp()
	} else {
		s.end()
	}
}

// sessions yields those of the pool, first the oldest.
func (p *Pool) sessions(yield func(*Session) bool) {
	for _, s := range p.core.matching(p.Name, &filter{}) {
		if s.pool == p && !yield(s) { // one that was removed may have had the same name
			return
		}
	}
}

// everyConn yields the connections that clients share or own, and those that wait for
// an owner.
func (p *Pool) everyConn(yield func(*backend.Conn) bool) {
	for _, l := range p.lanes {
		for _, list := range [...]map[nodeKey][]*backend.Conn{l.byNode, l.idle} {
			for _, conns := range list {
				for _, c := range conns {
					if !yield(c) {
						return
					}
				}
			}
		}
	}
	for c := range p.replicas {
		if !yield(c) {
			return
		}
	}
	for s := range p.sessions {
		if s.private != nil {
			for _, o := range s.private.conns {
				if !yield(o.conn) {
					return
				}
			}
		}
	}
}

// end begins the end of a pool that was removed.
func (p *Pool) end(grace time.Duration) {
	p.ending = p.core.now + max(1, int64(grace))
	for s := range p.sessions {
		s.Stop()
	}
}

// Ending reports whether the pool was removed: it takes no client.
func (p *Pool) Ending() bool { return p.ending != 0 }

// wind goes on with the end: clients that stay too long are cut off, and when all
// have gone the connections go.
func (p *Pool) wind() {
	for s := range p.sessions {
		if p.core.now >= p.ending {
			s.cut()
		}
	}
	for _, l := range p.lanes {
		if l.sessions > 0 {
			return
		}
	}
	for _, l := range p.lanes {
		p.disband(l)
	}
	p.lanes = nil
}

// over reports whether nothing is left of a pool that was removed.
func (p *Pool) over() bool { return p.ending != 0 && len(p.lanes)+len(p.left) == 0 }
