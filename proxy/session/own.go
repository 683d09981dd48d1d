package session

import (
	"cmp"
	"slices"

	"github.com/shardring/shardring/proxy/backend"
	"github.com/shardring/shardring/proxy/iobuf"
	"github.com/shardring/shardring/shard/resp"
)

// private is what few sessions have: connections of their own, and what they
// need them for.
type private struct {
	conns  []*owned
	tx     transaction
	subs   *subscriptions // nil: none, ever
	track  *tracking      // nil: off
	pinned bool           // others' tracking is told here: a connection to each node stays
	forgot bool           // all keys were invalidated, and no reply was sent since: each shard says so
	held   iobuf.Queue    // pushes that came within a reply, or before a confirmation
	behind []busyScript   // where requests of the session stand behind a long script
	wait   *owned         // where a command waits for something to happen; nil: nowhere
}

// owned is a connection that one session has to itself, as long as it needs one:
// for a transaction, a command that waits, a subscription.
type owned struct {
	session  *Session
	key      nodeKey
	conn     *backend.Conn
	push     iobuf.Queue        // a push that has not come whole
	timed    bool               // in Pool.timing
	stained  bool               // the node may keep something for the session that it does not know of
	subs     [3]map[string]bool // what is listened to there, by topic; also what is about to end
	missing  int                // confirmations of what it was told to listen to, or no longer
	unblocks int                // CLIENT UNBLOCK that name it and may not have been executed
	settled  []func()           // called at the end of the turn in which it is made, or lost
}

// maxIdle is how many connections that nobody owns a lane keeps for each node.
const maxIdle = 8

// priv returns the session's private part, and makes it when it is first needed.
func (s *Session) priv() *private {
	if s.private == nil {
		s.private = &private{}
	}
	return s.private
}

func (p *Pool) nodeKey(shard int) nodeKey {
	sh := &p.snap.Shards[shard]
	return nodeKey{sh.Name, sh.Primary}
}

// is reports whether a connection's key is that of a shard, at whatever node.
func (p *Pool) is(shard int, k nodeKey) bool { return p.snap.Shards[shard].Name == k.shard }

// find returns the session's own connection to a shard, or nil.
func (p *private) find(k nodeKey) *owned {
	for _, o := range p.conns {
		if o.key.shard == k.shard { // be it at the node that had the shard before
			return o
		}
	}
	return nil
}

// ownConn returns the session's own connection to a shard, or the one that it has to
// stay on, or nil.
func (s *Session) ownConn(shard int) *backend.Conn {
	k := s.pool.nodeKey(shard)
	if o := s.private.find(k); o != nil {
		return o.conn
	}
	for i, b := range s.private.behind {
		if b.key != k {
			continue
		}
		if b.conn.Owes() {
			return b.conn
		}
		s.private.behind = slices.Delete(s.private.behind, i, i+1)
		break
	}
	return nil
}

// own returns the session's own connection to a shard. Nothing of the session's
// may be under way to that shard when it gets one.
func (s *Session) own(shard int) *owned {
	pr, k := s.priv(), s.pool.nodeKey(shard)
	if o := pr.find(k); o != nil {
		return o
	}
	o := &owned{session: s, key: k, conn: s.pool.spare(s.lane, k)}
	o.conn.Owner = o
	pr.conns = append(pr.conns, o)
	return o
}

// spare returns a connection that nobody owns, and sees that there is another one
// next time: who has to wait for a dial may come too late.
func (p *Pool) spare(l *lane, k nodeKey) *backend.Conn {
	var c *backend.Conn
	for idle := l.idle[k]; len(idle) > 0 && c == nil; idle = l.idle[k] {
		c = idle[len(idle)-1]
		l.idle[k] = idle[:len(idle)-1]
		if st := c.State(); st == backend.Waiting || st == backend.Closing || st == backend.Retired {
			c.Drop()
			p.left = append(p.left, c)
			c = nil
		}
	}
	if c == nil {
		c = p.newConn(l, k, true)
	}
	if len(l.idle[k]) == 0 {
		next := p.newConn(l, k, true)
		next.Open(p.core.now)
		p.timing = append(p.timing, next)
		l.idle[k] = append(l.idle[k], next)
	}
	return c
}

// tidy is called when requests have been answered: what the session needs no longer
// is given back.
func (s *Session) tidy() {
	pr := s.private
	if pr.held.Len() > 0 {
		s.deliver() // which may be the end
	}
	if s.inFlight > 0 || s.private == nil {
		return
	}
	pr.wait = nil
	pr.behind = slices.DeleteFunc(pr.behind, func(b busyScript) bool { return !b.conn.Owes() })
	s.release()
	if pr.subs != nil && !pr.subs.any() {
		pr.subs = nil
		s.heat()
	}
	if len(pr.conns) == 0 && pr.tx.none() && pr.subs == nil && pr.track == nil && !pr.pinned && pr.held.Len() == 0 && len(pr.behind) == 0 {
		s.private = nil
	}
}

// release gives back the connections that the session needs no longer. It is
// called when nothing is under way.
func (s *Session) release() {
	pr := s.private
	kept := pr.conns[:0]
	for _, o := range pr.conns {
		if pr.needs(o) || o.conn.InFlight() > 0 {
			kept = append(kept, o)
		} else {
			s.giveBack(o)
		}
	}
	clear(pr.conns[len(kept):])
	pr.conns = kept
}

// needs reports whether the node keeps something for the session.
func (p *private) needs(o *owned) bool {
	return p.tx.on == o || o.listens() || p.track != nil || p.pinned
}

// listens reports whether the node has been told to send messages.
func (o *owned) listens() bool {
	return len(o.subs[channels])+len(o.subs[patterns])+len(o.subs[shardChannels]) > 0
}

// giveBack makes a connection anybody's, if nothing of the session's is left on
// it.
func (s *Session) giveBack(o *owned) {
	c, p := o.conn, s.pool
	o.push.Reset(p.core.buffer)
	o.settle()
	c.Owner = nil
	idle := s.lane.idle[o.key]
	_, current := s.lane.byNode[o.key]
	if current && len(idle) < maxIdle && c.Spotless() && !o.stained && o.unblocks == 0 && !s.private.needs(o) {
		s.lane.idle[o.key] = append(idle, c)
		return
	}
	c.Drop()
	p.left = append(p.left, c)
}

// stain keeps the session's connections from being anybody's.
func (s *Session) stain() {
	for _, o := range s.private.conns {
		o.stained = true
	}
}

// giveBackAll is for a session that ends or starts anew.
func (s *Session) giveBackAll() {
	pr := s.private
	if pr == nil {
		return
	}
	for _, o := range pr.conns {
		s.giveBack(o)
	}
	pr.held.Reset(s.core.buffer)
	s.setTracking(nil)
	s.private = nil
}

// Pushed takes what the node sends without having been asked.
func (o *owned) Pushed(_ *backend.Conn, part []byte, done bool) {
	s := o.session
	o.push.Append(s.core.buffer, part)
	if s.Out.Len()+s.private.held.Len()+o.push.Len() > s.core.limits.PushHard {
		s.cut()
		return
	}
	if done {
		s.pushed(o)
	}
}

// Ready: the node has said what it calls the connection.
func (o *owned) Ready(*backend.Conn) { o.settle() }

func (o *owned) settle() {
	c := o.session.core
	c.later = append(c.later, o.settled...)
	o.settled = nil
}

// Lost: what the node kept for the session is gone.
func (o *owned) Lost(c *backend.Conn, err *backend.Error) {
	o.settle()
	s := o.session
	pr := s.private
	o.push.Reset(s.core.buffer)
	s.pool.left = append(s.pool.left, c)
	for i := range pr.conns {
		if pr.conns[i] == o {
			pr.conns = append(pr.conns[:i], pr.conns[i+1:]...)
			break
		}
	}
	pr.tx.lost(o)
	if o.listens() || pr.track != nil || pr.pinned {
		s.unheard(err.Reply())
	}
}

// sendOwn forwards a request over a connection of the session's own.
func (s *Session) sendOwn(o *owned, frame []byte) {
	r := s.begin()
	r.call.To = r
	conn, q, err := s.pool.beginOn(o.conn, &r.call)
	if err != nil {
		r.Fail(&r.call, err)
		return
	}
	s.write(conn, q, frame)
}

// sendSilently sends a command whose reply nobody gets.
func (s *Session) sendSilently(o *owned, words ...string) {
	s.toOwn(o, &silence{s: s}, resp.AppendRequest(nil, words...))
}

func (s *Session) toOwn(o *owned, to *silence, frame []byte) {
	to.call.To, to.o = to, o
	conn, q, err := s.pool.beginOn(o.conn, &to.call)
	if err != nil {
		to.Fail(&to.call, err)
		return
	}
	s.write(conn, q, frame)
}

// silence takes the reply to a request that the session's client did not make.
type silence struct {
	call backend.Call
	s    *Session
	o    *owned // where it was said
}

// Reply drops it: what the node thinks of it shows at EXEC. A node that refuses may
// keep what was to end.
func (t *silence) Reply(_ *backend.Call, part []byte, done bool) {
	if part[0] == '-' {
		t.o.stained = true
	}
	if done && t.s.private != nil {
		t.s.tidy() // the connection may have been kept for this only
	}
}

// Fail: the connection is lost, and with it the transaction; or it is of no use.
func (t *silence) Fail(_ *backend.Call, _ *backend.Error) {
	s := t.s
	if s.private == nil {
		return
	}
	s.private.tx.spoil()
	s.core.later = append(s.core.later, func() {
		if s.private != nil {
			s.tidy()
		}
	})
}

// leaveOwned ends, in a while, the sessions' own connections to nodes that left.
func (p *Pool) leaveOwned() {
	var leaving []*owned
	for s := range p.core.open {
		if s.pool != p || s.private == nil {
			continue
		}
		for _, o := range s.private.conns {
			if _, stays := s.lane.byNode[o.key]; !stays {
				leaving = append(leaving, o)
			}
		}
	}
	slices.SortStableFunc(leaving, func(a, b *owned) int { return cmp.Compare(a.session.id, b.session.id) })
	for _, o := range leaving {
		o.conn.Leave(p.core.now)
		p.limit(o.conn)
	}
}

// limit has the time limits of an owned connection looked at.
func (p *Pool) limit(c *backend.Conn) {
	if o, ok := c.Owner.(*owned); ok && !o.timed {
		o.timed = true
		p.timing = append(p.timing, c)
	}
}

// expireOwned looks at the time limits of owned connections.
func (p *Pool) expireOwned() {
	kept := p.timing[:0]
	for _, c := range p.timing {
		c.Expire(p.core.now)
		if c.Deadline() != 0 {
			kept = append(kept, c)
		} else if o, ok := c.Owner.(*owned); ok {
			o.timed = false
		}
	}
	clear(p.timing[len(kept):])
	p.timing = kept
}
