package session

import (
	"errors"
	"slices"
	"time"

	"github.com/shardring/shardring/proxy/acl"
	"github.com/shardring/shardring/proxy/backend"
	"github.com/shardring/shardring/proxy/iobuf"
	"github.com/shardring/shardring/ring"
	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/quantile"
	"github.com/shardring/shardring/shard/topology"
)

// Pool is a core's view of one pool: the topology it serves and its own
// connections to the nodes.
type Pool struct {
	Name  string
	Stats Stats
	// EjectedAt says when this core last ejected a shard, by its name, in ns
	// since 1970.
	EjectedAt map[string]int64

	core   *Core
	topo   *topology.Pool
	shared *Shared
	table  *command.Table // changes in refresh only
	cfg    *config.Pool   // that of snap; changes in configure only, and so does what follows from it
	users  *acl.Users
	most   int   // bytes of replies that a client may leave untaken
	pace   int64 // between requests of a client, ns; 0: none

	memcached bool // its nodes and clients speak memcached's text protocol
	misses    bool // the keys of a shard that fails are misses

	// snap is what the lanes' connections were made from; all change in refresh only.
	snap     *topology.Snapshot
	ring     *ring.Ring
	random   bool
	dead     bool             // every shard is ejected
	each     int              // connections of a lane to a shard
	lanes    []*lane          // the first is that of new sessions
	proven   map[laneKey]bool // what a node has once taken, also of lanes that have gone
	left     []*backend.Conn  // to nodes that left, until they are Retired
	pause    pause
	busy     []busyScript                    // overtaken because of a long script
	thrown   []*waiting                      // to be asked again
	timing   []*backend.Conn                 // owned ones that may have a time limit running
	shards   map[*backend.Conn]int           // index in snap.Shards
	slow     map[*backend.Conn]*quantile.P95 // how long reads take there, with hedge_reads
	asked    bool                            // a session has said READONLY
	spreads  bool                            // reads may go to replicas: see readers.go
	replicas map[*backend.Conn]struct{}      // connections to replicas
	waiting  map[*backend.Conn][]*Session    // stalled until it is less full
	idle     idlers                          // who may be idle for too long
	loads    map[topology.Node]*backend.Load
	ending   int64 // removed: its clients are cut off then, ns; 0: it is served
}

// Stats counts what clients of a pool did, on this core.
type Stats struct {
	Accepted  uint64 // clients
	Requests  uint64 // of clients
	Fragments uint64 // requests to shards that were made of split ones
	Errors    uint64 // replies that the proxy made because a shard failed
	ClientEOF uint64 // clients that closed
	ClientErr uint64 // clients that were lost or cut off
	Hedged    uint64 // reads that were asked of a second node
	Ejects    uint64 // shards that a failure seen by this core ejected
}

func newPool(c *Core, shared *Shared) *Pool {
	p := &Pool{
		Name: shared.Config().Name, core: c, shared: shared, topo: shared.Topology,
		shards:   map[*backend.Conn]int{},
		waiting:  map[*backend.Conn][]*Session{},
		proven:   map[laneKey]bool{},
		loads:    map[topology.Node]*backend.Load{},
		replicas: map[*backend.Conn]struct{}{},
		slow:     map[*backend.Conn]*quantile.P95{},

		memcached: !shared.Config().Redis,

		EjectedAt: map[string]int64{},
	}
	p.refresh()
	if p.cfg.Preconnect {
		for _, conn := range p.lanes[0].conns {
			conn.Open(c.now)
		}
	}
	return p
}

// Config returns the pool's settings.
func (p *Pool) Config() *config.Pool { return p.cfg }

// Shared returns what the pool has in common with those of the other cores.
func (p *Pool) Shared() *Shared { return p.shared }

// refresh follows the topology and the settings that come with it: connections to
// nodes that stay are kept, those to nodes that left end when their last reply has
// come.
func (p *Pool) refresh() {
	p.table = p.shared.table.Load()
	snap := p.topo.Snapshot()
	if snap == p.snap {
		return
	}
	old := p.snap
	p.snap, p.ring = snap, snap.Ring
	p.random = snap.Ring.Placement() == ring.Random
	p.dead = snap.AllEjected()
	if snap.Config != p.cfg {
		p.configure(snap.Config)
	}
	p.weigh()
	clear(p.shards)
	for _, l := range p.lanes {
		p.connect(l)
	}
	p.leaveOwned()
	if n := len(snap.Shards); len(p.core.partOf) < n {
		p.core.partOf = make([]int32, n)
	}
	if old != nil {
		p.follow(old)
	}
}

// begin begins a call to a shard on behalf of s and returns where its request
// goes. In a cache whose shards are all ejected it fails at once, as in twemproxy;
// but not over a connection of the session's own, where the node keeps something that
// has to stay what the session takes it for.
func (p *Pool) begin(shard int, s *Session, call *backend.Call) (*backend.Conn, *iobuf.Queue, *backend.Error) {
	conn, picked, err := s.way(shard, call)
	if err != nil {
		return conn, nil, err
	}
	if picked && p.cfg.HedgeReads {
		call = s.hedged(shard, conn, call)
	}
	if s.private != nil {
		s.sayCaching(conn)
	}
	return p.beginOn(conn, call)
}

func (p *Pool) beginOn(conn *backend.Conn, call *backend.Call) (*backend.Conn, *iobuf.Queue, *backend.Error) {
	if p.dead && conn.Owner == nil {
		return conn, nil, &backend.Error{Kind: backend.Down, Shard: conn.Shard, Node: conn.Addr, Err: errAllEjected}
	}
	q, err := conn.Begin(call, p.core.now)
	if conn.Owner != nil {
		p.limit(conn)
	}
	return conn, q, err
}

var errAllEjected = errors.New("every shard is ejected")

func (p *Pool) shardOf(c *backend.Conn) int {
	if i, ok := p.shards[c]; ok {
		return i
	}
	return -1
}

// Conns yields the connections that clients share, and their shards.
func (p *Pool) Conns(yield func(shard int, c *backend.Conn) bool) {
	for _, l := range p.lanes {
		for i, c := range l.all {
			if !yield(i, c) {
				return
			}
		}
	}
}

// expire looks at every time limit of the pool.
func (p *Pool) expire() {
	for _, l := range p.lanes {
		for _, c := range l.all {
			c.Expire(p.core.now)
		}
		p.overtake(l)
	}
	p.busyShard() // forgets those that are no longer
	p.expireOwned()
	if p.cfg.HedgeReads {
		p.hedgeReads()
	}
	p.askThrown()
	if p.pause.until != 0 && p.core.now >= p.pause.until {
		p.unpause()
	}
	kept := p.left[:0]
	for _, c := range p.left {
		c.Expire(p.core.now)
		if c.State() != backend.Retired {
			kept = append(kept, c)
		}
	}
	p.left = kept
	p.endIdle()
	if p.ending != 0 {
		p.wind()
	}
}

// excuse moves the time limits that run by d, in which the core did not.
func (p *Pool) excuse(d time.Duration) {
	for _, l := range p.lanes {
		for _, c := range l.conns {
			c.Excuse(d, p.core.now)
		}
	}
	for _, c := range p.timing {
		c.Excuse(d, p.core.now)
	}
	for _, c := range p.left {
		if !slices.Contains(p.timing, c) {
			c.Excuse(d, p.core.now)
		}
	}
}

// timed reports whether a time limit is running.
func (p *Pool) timed() bool {
	for _, l := range p.lanes {
		for _, c := range l.all {
			if c.Deadline() != 0 || p.cfg.HedgeReads && c.InFlight() > 0 {
				return true
			}
		}
	}
	return p.ending != 0 || len(p.left) > 0 || len(p.timing) > 0 || len(p.thrown) > 0 || p.pause.until != 0
}
