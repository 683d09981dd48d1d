package session

import (
	"cmp"
	"maps"
	"slices"

	"github.com/shardring/shardring/proxy/backend"
	"github.com/shardring/shardring/shard/topology"
)

// laneKey is what all clients that share connections have in common.
type laneKey struct {
	db    int
	proto int // 2 or 3
}

// lane is a pool's connections for clients that speak one protocol and use one
// database: each node has server_connections of them, shared by all these clients.
type lane struct {
	laneKey
	pool     *Pool
	sessions int                         // that use it; the pool's first lane stays without any
	conns    []*backend.Conn             // shard i's are conns[i*each : (i+1)*each]
	byNode   map[nodeKey][]*backend.Conn // of the current snapshot
	replicas replicaConns
	idle     map[nodeKey][]*backend.Conn // owned by nobody: for the next session that needs one
}

// nodeKey: a connection belongs to a shard's name and a node, so errors name
// the right shard even if a node serves two.
type nodeKey struct {
	shard string
	node  topology.Node
}

// lane returns the lane for clients of a database and a protocol.
func (p *Pool) lane(k laneKey) *lane {
	for _, l := range p.lanes {
		if l.laneKey == k {
			return l
		}
	}
	l := &lane{laneKey: k, pool: p, byNode: map[nodeKey][]*backend.Conn{}, idle: map[nodeKey][]*backend.Conn{}}
	p.lanes = append(p.lanes, l)
	p.connect(l)
	return l
}

// has reports whether a connection is one of those that the lane's clients share.
func (l *lane) has(conn *backend.Conn) bool {
	return slices.Contains(l.conns, conn)
}

// enter and leave count the sessions of a lane; one that is left by all goes.
func (l *lane) enter() { l.sessions++ }

func (p *Pool) leave(l *lane) {
	if l.sessions--; l.sessions > 0 || l == p.lanes[0] {
		return
	}
	for i, o := range p.lanes {
		if o == l {
			p.lanes = append(p.lanes[:i], p.lanes[i+1:]...)
			break
		}
	}
	p.disband(l)
}

// disband ends a lane's connections when their last reply has come.
func (p *Pool) disband(l *lane) {
	for _, c := range l.conns {
		delete(p.shards, c)
	}
	for _, byNode := range [...]map[nodeKey][]*backend.Conn{l.byNode, l.idle} {
		for _, k := range inOrder(byNode) {
			p.retire(byNode[k])
		}
	}
	for _, c := range l.all {
		if _, ok := p.replicas[c]; ok {
			delete(p.replicas, c)
			p.retire([]*backend.Conn{c})
		}
	}
}

// connect gives a lane its connections to the nodes of the snapshot. Those to
// nodes that stay are kept, those to nodes that left end when their last reply
// has come.
func (p *Pool) connect(l *lane) {
	old := l.byNode
	l.byNode = make(map[nodeKey][]*backend.Conn, len(p.snap.Shards))
	l.conns = l.conns[:0]
	for i, sh := range p.snap.Shards {
		k := nodeKey{sh.Name, sh.Primary}
		conns := p.resize(l, k, old[k])
		delete(old, k)
		l.byNode[k] = conns
		l.conns = append(l.conns, conns...)
		for _, c := range conns {
			p.shards[c] = i
			c.Freeze(sh.Frozen, p.core.now)
		}
	}
	if len(old) > 0 {
		for _, c := range p.left { // a session may stay on one to a node that leaves now
			fenceUnder(c, nil, -1)
		}
	}
	for _, k := range inOrder(old) {
		conns := old[k]
		if i := p.place(k.shard); i >= 0 {
			for j, c := range conns {
				heir := l.conns[i*p.each+j%p.each]
				fenceUnder(c, heir, i)
				c.Bequeath(heir, p.core.now)
			}
		}
		p.retire(conns)
	}
	p.spread(l)
	for _, k := range inOrder(l.idle) {
		if _, ok := l.byNode[k]; !ok {
			p.retire(l.idle[k])
			delete(l.idle, k)
		}
	}
}

// place returns which shard has a name, -1 if none has.
func (p *Pool) place(name string) int {
	return slices.IndexFunc(p.snap.Shards, func(sh topology.Shard) bool { return sh.Name == name })
}

// inOrder returns the keys of m, always in the same order: what the core does depends on
// what it is told only.
func inOrder[V any](m map[nodeKey]V) []nodeKey {
	return slices.SortedFunc(maps.Keys(m), func(a, b nodeKey) int {
		return cmp.Or(cmp.Compare(a.shard, b.shard), cmp.Compare(a.node.Network, b.node.Network), cmp.Compare(a.node.Addr, b.node.Addr))
	})
}

// resize gives a lane as many connections to a node as the pool has for each.
// Sessions may then have another one than before: each stays where it has requests
// under way, so that these keep their order.
func (p *Pool) resize(l *lane, k nodeKey, conns []*backend.Conn) []*backend.Conn {
	if len(conns) == p.each {
		return conns
	}
	for _, c := range conns {
		p.detain(k, c)
	}
	for len(conns) < p.each {
		conns = append(conns, p.newConn(l, k, false))
	}
	p.retire(conns[p.each:])
	return conns[:p.each:p.each]
}

// detain has those sessions stay on a connection that have requests under way on it.
func (p *Pool) detain(k nodeKey, c *backend.Conn) {
	for call := range c.Under {
		if s := sessionOf(call); s != nil {
			s.stay(k, c)
		}
	}
}

// fenceUnder has those sessions that have requests under way on a connection, and do not go
// on with its heir, wait for the replies before they say anything else. heir may be nil.
func fenceUnder(c, heir *backend.Conn, shard int) {
	for call := range c.Under {
		if s := sessionOf(call); s != nil && (heir == nil || s.shared(shard) != heir) {
			s.fence()
		}
	}
}

// retire ends connections when their last reply has come.
func (p *Pool) retire(conns []*backend.Conn) {
	for _, c := range conns {
		c.Retire()
		delete(p.slow, c)
		p.left = append(p.left, c)
	}
}

// newConn returns a connection for a lane; an owned one is for one session.
func (p *Pool) newConn(l *lane, k nodeKey, owned bool) *backend.Conn {
	name := k.shard
	if name == "" { // an unnamed one, of ShardedJedis
		name = k.node.Addr
	}
	user, password := p.cfg.Login()
	return backend.NewConn(backend.Config{
		Shard:       name,
		Network:     k.node.Network,
		Addr:        k.node.Addr,
		Username:    user,
		Password:    password,
		Database:    l.db,
		Proto:       l.proto,
		Identify:    owned,
		Timeout:     p.cfg.Timeout,
		DialTimeout: p.cfg.ConnectTimeout,
		Load:        p.load(k.node),

		Memcached: p.memcached,
	}, p.core, p.core.buffer)
}

// conn returns the connection on which session s talks to a shard: always the
// same one, so that its requests to that shard stay in order.
func (s *Session) conn(shard int) *backend.Conn {
	if s.private != nil {
		if c := s.ownConn(shard); c != nil {
			return c
		}
	}
	return s.shared(shard)
}

// shared returns the connection to a shard that the session shares with others.
func (s *Session) shared(shard int) *backend.Conn {
	if s.pool.each > 1 {
		shard = s.ofSeveral(shard)
	}
	return s.lane.conns[shard]
}

// ofSeveral returns which of a lane's connections that is, where a node has several.
func (s *Session) ofSeveral(shard int) int {
	each := s.pool.each
	return shard*each + int(s.id/uint64(s.core.cores()))%each
}

// overtake replaces the connections of a lane on which a long script runs, so that
// others hear of it at once, as they do from a server of their own: BUSY. Who has
// requests behind the script stays behind it, so that they keep their order.
func (p *Pool) overtake(l *lane) {
	for i, c := range l.conns {
		if !c.Busy(p.core.now) {
			continue
		}
		shard := p.shards[c]
		k := p.nodeKey(shard)
		p.detain(k, c)
		fresh := p.newConn(l, k, false)
		l.conns[i] = fresh
		l.byNode[k][i%p.each] = fresh
		delete(p.shards, c)
		p.shards[fresh] = shard
		c.Retire()
		p.left = append(p.left, c)
		p.busy = append(p.busy, busyScript{c, k})
	}
}

// stay has the session use a connection to a node that others do not use any more,
// as long as something is under way on it.
func (s *Session) stay(k nodeKey, c *backend.Conn) {
	pr := s.priv()
	for _, b := range pr.behind {
		if b.conn == c {
			return
		}
	}
	pr.behind = append(pr.behind, busyScript{c, k})
}

// busyScript is a connection that was overtaken, and its node.
type busyScript struct {
	conn *backend.Conn
	key  nodeKey
}

// busyShard returns a shard that has been running a script for long, or -1.
func (p *Pool) busyShard() int {
	for len(p.busy) > 0 {
		b := p.busy[0]
		if b.conn.Busy(p.core.now) {
			for i := range p.snap.Shards {
				if p.nodeKey(i) == b.key {
					return i
				}
			}
		}
		p.busy = p.busy[1:]
	}
	return -1
}

// sessionOf returns whose call it is, or nil.
func sessionOf(call *backend.Call) *Session {
	switch to := call.To.(type) {
	case *Request:
		return to.session
	case *quiet:
		return to.session
	case *evaluation:
		return to.r.session
	case *part:
		return to.g.req.session
	case *hedge:
		return to.s
	case *waiting:
		return to.r.session
	case *silence:
		return to.s
	}
	return nil
}
