package session

import (
	"slices"
	"time"

	"github.com/shardring/shardring/proxy/backend"
	"github.com/shardring/shardring/shard/topology"
)

// sweepEvery is how far a healthy node may fall behind: less than any time
// limit, so that a call that runs out of time has a fault to blame.
const sweepEvery = int64(30 * time.Millisecond)

// pass lets time go by.
func (w *simWorld) pass() {
	d := w.rng.Int64N(int64(20 * time.Microsecond))
	if w.one(40) {
		d = w.rng.Int64N(int64(20 * time.Millisecond))
	}
	if w.now+d-w.swept > sweepEvery {
		w.sweep()
	}
	if w.one(1000) { // the proxy does not run, and no node is to blame
		d += w.rng.Int64N(int64(3 * time.Second))
	}
	w.now += d
	for _, n := range w.all {
		n.heal(w.now)
		n.tire(w.now)
	}
	w.learn(w.now)
}

// sweep brings every healthy node up to date. What is said at the end of one
// turn is heard in the next.
func (w *simWorld) sweep() {
	for idle := 0; idle < 2 && !w.t.Failed(); idle++ {
		w.turn(func() {
			for _, l := range slices.Clone(w.links) {
				if m := l.node.mode; !l.gone && (m == serving || m == locked) && l.finish() {
					idle = -1
				}
			}
		})
		if w.pending() {
			idle = -1
		}
	}
	w.swept = w.now
}

// swapped is a node whose new address the topology does not know yet.
type swapped struct {
	node  *simNode
	until int64
}

// swap gives a node another address under load, as when its replica is promoted: at
// the old one it takes no writes any more. The topology hears of it d ns later.
func (w *simWorld) swap(n *simNode, d int64) {
	if n.pool.eject || w.nodes[n.addr] != n {
		return
	}
	n.addr = "swapped." + n.addr
	w.nodes[n.addr] = n
	n.wrong()
	for _, l := range n.links {
		if len(l.waiting) > 0 { // a replica throws out who waits
			l.waiting = nil
			l.out = append(l.out, "-UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)\r\n"...)
		}
	}
	w.moved = append(w.moved, swapped{n, w.now + d})
}

// learn tells the topology of the nodes whose time has come.
func (w *simWorld) learn(now int64) {
	w.moved = slices.DeleteFunc(w.moved, func(m swapped) bool {
		if now < m.until {
			return false
		}
		n := m.node
		n.pool.topo.Found(n.name, topology.Nodes{Primary: topology.Node{Network: "tcp", Addr: n.addr}})
		n.pool.cfg.Shards = slices.Clone(n.pool.cfg.Shards)
		n.pool.cfg.Shards[n.shard].Primary.Addr = n.addr
		n.wrong()
		return true
	})
}

// settle ends all faults and waits until every question has its answer.
func (w *simWorld) settle() {
	w.learn(1 << 62)
	for _, n := range w.all {
		if n.errors > 0 || n.mode != serving {
			n.wrong()
		}
		n.errors, n.mode, n.slow = 0, serving, 0
		for _, l := range n.links {
			if l.answer != nil {
				l.until = 0
			}
		}
		n.tire(w.now)
	}
	w.quiet()
	for i := 0; i < 3 || w.leaving() && i < 1000; i++ { // what is looked at with the time limits only
		w.now += int64(tick)
		w.sweep()
		w.turn(func() {
			for _, c := range w.clients { // whose session has ended with a shard's move
				c.read(len(c.in))
			}
		})
	}
	w.audit()
	w.move()
}

// quiet waits until nobody waits for anything.
func (w *simWorld) quiet() {
	for i := 0; w.busy(); i++ {
		if i > 20_000 {
			w.stuck()
		}
		w.turn(func() {
			for _, c := range w.clients {
				c.room = max(c.room, 1<<20)
				if c.arrive(len(c.out)); !c.gone {
					c.read(len(c.in))
				}
			}
		})
		w.sweep()
		if w.t.Failed() {
			w.t.FailNow()
		}
		w.now += int64(time.Millisecond)
		for _, n := range w.all {
			n.tire(w.now)
		}
	}
}

// leaving reports whether a connection to a node that left has yet to end, or what is held
// for a client that has gone is yet to be said.
func (w *simWorld) leaving() bool {
	for _, p := range w.pools {
		if len(p.pool.left)+len(p.pool.timing) > 0 {
			return true
		}
		for c := range p.pool.everyConn {
			if c.InFlight() > 0 {
				return true
			}
		}
	}
	return w.ejected()
}

// ejected reports whether a shard is, and is yet to come back.
func (w *simWorld) ejected() bool {
	for _, p := range w.pools {
		if len(p.topo.Snapshot().Ejected) > 0 {
			return true
		}
	}
	return false
}

// audit checks what holds of a pool when nobody waits for anything.
func (p *simPool) audit(w *simWorld) {
	shared, sessions := 0, 0
	for i, l := range p.pool.lanes {
		if shared, sessions = shared+len(l.conns), sessions+l.sessions; i > 0 && l.sessions == 0 {
			w.t.Fatalf("pool %s: a lane %+v without sessions", p.pool.Name, l.laneKey)
		}
		for _, c := range l.conns {
			if c.InFlight() > 0 || c.Out.Len() > 0 {
				w.t.Fatalf("%s: %v, %d calls and %d bytes", c.Addr, c.State(), c.InFlight(), c.Out.Len())
			}
		}
		for k, idle := range l.idle {
			if len(idle) > maxIdle {
				w.t.Fatalf("%s: %d idle connections", k.shard, len(idle))
			}
		}
	}
	for n, l := range p.pool.loads {
		if l.N != 0 {
			w.t.Fatalf("pool %s: %d calls are under way at %v", p.pool.Name, l.N, n)
		}
	}
	clients := 0
	for _, c := range w.clients {
		if c.pool == p {
			clients++
		}
	}
	if sessions != clients || len(p.pool.shards) != shared {
		w.t.Fatalf("pool %s: %d clients, %d sessions in lanes; %d connections in lanes, %d have a shard", p.pool.Name, clients, sessions, shared, len(p.pool.shards))
	}
	for _, c := range p.pool.left {
		w.t.Logf("left: %s %v, %d under way, deadline %d", c.Addr, c.State(), c.InFlight(), c.Deadline())
	}
	if len(p.pool.waiting)+len(p.pool.left)+len(p.pool.timing)+len(p.pool.busy) > 0 {
		w.t.Fatalf("pool %s: %d connections are waited for, %d left, %d timed, %d busy", p.pool.Name, len(p.pool.waiting), len(p.pool.left), len(p.pool.timing), len(p.pool.busy))
	}
	w.idleAreClean()
	p.auditLists(w)
	p.auditTallies(w)
}

// auditOwn checks that a session has kept no connection that it does not need.
func (c *simClient) auditOwn() {
	pr := c.s.private
	if pr == nil {
		return
	}
	if pr.wait != nil || pr.held.Len() > 0 || pr.tx.open || subsUnder(pr.subs) != nil {
		c.fatalf("has all its replies, and its session waits: %+v", pr)
	}
	if watches := c.then != nil; !pr.tx.none() && !watches || pr.track != nil && !c.tracked || len(pr.conns) == 0 && pr.tx.none() && pr.subs == nil && pr.track == nil && len(pr.behind) == 0 {
		c.fatalf("needs nothing of its own: %+v", pr)
	}
	for _, o := range pr.conns {
		if !pr.needs(o) || o.conn.InFlight() > 0 || o.conn.State() != backend.Ready {
			c.fatalf("does not need its connection to %s: %v with %d calls", o.conn.Shard, o.conn.State(), o.conn.InFlight())
		}
	}
}

// retune gives a pool other settings while it serves.
func (p *simPool) retune(w *simWorld) {
	next := p.cfg
	next.ServerConnections = 1 + w.rng.IntN(3)
	if p.cfg.Timeout > 0 {
		next.Timeout = p.limit * time.Duration(4+w.rng.IntN(3)) / 4
	}
	p.cfg = next
	if _, err := p.topo.Update(&next); err != nil {
		w.t.Fatal(err)
	}
}

// owns reports whether a client of the pool has a connection of its own, or may be
// about to get one.
func (p *simPool) owns(w *simWorld) bool {
	for _, c := range w.clients {
		if c.pool == p && c.s.private != nil {
			return true
		}
	}
	return false
}

// move gives a shard's node another address: its connections end, and those to
// the other shards stay.
func (w *simWorld) move() {
	p := w.pools[w.rng.IntN(len(w.pools))]
	i := w.rng.IntN(len(p.nodes))
	n := p.nodes[i]
	if w.nodes[n.addr] != n || p.topo.Snapshot().Ejected != nil {
		return
	}
	if p.owns(w) {
		return // what it has at the old address is not moved
	}
	n.addr = "moved." + n.addr
	w.nodes[n.addr] = n
	p.cfg.Shards = slices.Clone(p.cfg.Shards)
	p.cfg.Shards[i].Primary.Addr = n.addr
	next := p.cfg
	if _, err := p.topo.Update(&next); err != nil {
		w.t.Fatal(err)
	}
	before := slices.Clone(p.pool.lanes[0].conns)
	w.turn(func() {})
	w.now += int64(tick)
	w.sweep()
	for j, c := range before {
		gone := j/p.pool.each == i
		if same := p.pool.lanes[0].conns[j] == c; same == gone || gone && c.State() != backend.Retired {
			w.t.Fatalf("shard %d has moved: connection %d is %v, the same: %v", i, j, c.State(), same)
		}
	}
	if len(p.pool.left) > 0 {
		w.t.Fatalf("%d connections to nodes that left are still there", len(p.pool.left))
	}
}

// busy reports whether a client waits for something.
func (w *simWorld) busy() bool {
	for _, c := range w.clients {
		if !c.gone && (c.ended || len(c.out)+len(c.in)+len(c.asked) > 0 || c.mute && (c.shut || c.ended)) {
			return true
		}
	}
	for _, p := range w.pools {
		if p.pool.pause.until != 0 {
			return true
		}
	}
	return w.pending()
}

// pending reports whether the core has something for the driver to do.
func (w *simWorld) pending() bool {
	return len(w.core.conns)+len(w.core.touched)+len(w.core.resume)+len(w.core.later) > 0
}

func (w *simWorld) stuck() {
	for _, c := range w.clients {
		if n := len(c.asked); n > 0 {
			q := c.asked[0]
			w.t.Logf("client %d of pool %s waits for %d replies, first %s %q; %d bytes unread by the proxy, session %v: in flight %d, out %d, stalled %v, waits %d",
				c.id, c.pool.pool.Name, n, q.name, q.keys, len(c.out), c.s.phase, c.s.inFlight, c.s.Out.Len(), c.s.stalled, c.s.waits)
		} else {
			w.t.Logf("client %d of pool %s: mute %v, shut %v, told %v, ended %v, session %v", c.id, c.pool.pool.Name, c.mute, c.shut, c.told, c.ended, c.s.phase)
		}
	}
	w.t.Fatal("nothing is wrong and yet nothing goes on")
}

// checkWait checks that the core asks to be called when a time limit runs.
func (w *simWorld) checkWait() {
	p := w.pools[w.rng.IntN(len(w.pools))]
	c := p.pool.lanes[0].conns[w.rng.IntN(len(p.pool.lanes[0].conns))]
	limited := c.State() == backend.Dialing || c.InFlight() > 0 && c.Timeout > 0
	if d := w.core.Wait(w.now); w.pending() && d != 0 || limited && (d < 0 || d > tick) {
		w.t.Fatalf("wait %v: %s is %v with %d calls, something to do: %v", d, c.Addr, c.State(), c.InFlight(), w.pending())
	}
}

// inspect checks what holds of a session at the end of every turn.
func (c *simClient) inspect() {
	s, l := c.s, &c.w.core.limits
	n, held := 0, s.Out.Len()
	for r := s.head; r != nil; r = r.next {
		if r.session != s {
			c.fatalf("a request of another session in its FIFO")
		}
		n++
		held += r.reply.Len()
		if r.gather != nil {
			for i := range r.gather.parts {
				held += r.gather.parts[i].reply.Len()
			}
		}
	}
	switch {
	case s.private != nil && s.private.wait != nil && s.phase == draining:
		c.fatalf("waits for something to happen, and is %v", s.phase)
	case n != s.inFlight:
		c.fatalf("%d requests in its FIFO, counted %d", n, s.inFlight)
	case n > l.InFlight+1:
		c.fatalf("%d requests in flight, limit %d", n, l.InFlight)
	case held > l.OutputHard:
		c.fatalf("%d bytes of output, %d of them out of turn, limit %d", held, held-s.Out.Len(), l.OutputHard)
	case s.kept != nil && len(s.kept.buf) > 64<<10+max(c.largest, l.Output) && !c.w.plain: // one that waits is read on
		c.fatalf("keeps %d bytes of input", len(s.kept.buf))
	case !c.gone && !c.ended && !s.touched && s.Out.Len() > 0 && len(c.in) < c.room:
		c.fatalf("%d bytes of output that the driver does not know of", s.Out.Len())
	case !c.gone && !c.ended && s.phase == over && !s.touched:
		c.fatalf("over, and the driver does not know")
	}
}

// audit checks what holds when nobody waits for anything.
func (w *simWorld) audit() {
	if n := w.core.buffer.Used(); n != 0 {
		w.t.Fatalf("%d bytes of buffers are in use and nothing is under way", n)
	}
	if n := len(w.clients); n != w.core.Sessions() {
		w.t.Fatalf("%d sessions, %d clients", w.core.Sessions(), n)
	}
	seen := map[any]bool{}
	for _, r := range w.core.requests.free {
		if seen[r] || *r != (Request{}) {
			w.t.Fatalf("a request is twice in the free list, or in use: %+v", r)
		}
		seen[r] = true
	}
	for _, g := range w.core.gathers.free {
		if seen[g] || g.req != nil || len(g.parts) > 0 {
			w.t.Fatalf("a gather is twice in the free list, or in use: %+v", g)
		}
		seen[g] = true
	}
	for _, k := range w.core.kepts.free {
		if seen[k] || len(k.buf) > 0 || k.adopted {
			w.t.Fatalf("kept input is twice in the free list, or in use: %+v", k)
		}
		seen[k] = true
	}
	for _, p := range w.pools {
		p.audit(w)
	}
	for _, c := range w.clients {
		if s := c.s; s.stalled || s.kept != nil || s.waits != 0 || s.phase != open {
			c.fatalf("has all its replies: %v, stalled %v, waits %d, kept %+v", s.phase, s.stalled, s.waits, s.kept)
		}
		c.auditOwn()
		c.auditListener()
		c.compare()
	}
}

// compare checks that the nodes hold what the client knows it wrote.
func (c *simClient) compare() {
	for key, h := range c.keys {
		n := c.pool.nodes[c.pool.pool.ring.OwnerString(key)]
		s, there := n.data[key]
		if h.loose { // no longer
			*h = holding{values: []value{{there, s}}}
		}
		if !h.any && !slices.Contains(h.values, value{there, s}) {
			c.fatalf("key %q is %v on its node, and it holds %v", key, value{there, s}, h)
		}
	}
}

// finish ends the world: the proxy stops while requests are under way.
func (w *simWorld) finish() {
	w.settle()
	for _, c := range w.clients {
		for range 8 {
			c.ask()
		}
	}
	w.closing = true
	w.turn(func() {
		for _, c := range w.clients {
			c.arrive(len(c.out))
		}
	})
	for _, c := range w.clients {
		if len(c.out) > 0 {
			c.reset()
			continue
		}
		c.mute = true
		c.s.Stop()
	}
	w.settle()
	if len(w.clients) > 0 {
		w.t.Fatalf("%d clients are left after the stop", len(w.clients))
	}
}
