package session

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/shardring/shardring/proxy/acl"
	"github.com/shardring/shardring/proxy/backend"
	"github.com/shardring/shardring/proxy/iobuf"
	"github.com/shardring/shardring/shard/resp"
)

// Limits bound what one client may make the proxy hold. At a soft limit the
// proxy stops reading from that client until half of it has gone.
type Limits struct {
	InFlight   int   // soft: requests without a reply; fewer while replies are large
	Output     int   // soft: bytes of replies that the client has not taken
	OutputHard int   // a client with more than this is disconnected, where max_output is 0
	PushHard   int   // the same, for a client that does not take its messages
	CrossRead  int64 // bytes of members that one cross-shard read may bring
	Stream     int   // a reply longer than this goes out before it is whole
	Pool       int   // bytes of unused buffers a loop keeps
	Request    resp.Limits
}

// DefaultLimits returns the limits that the proxy uses.
func DefaultLimits() Limits {
	return Limits{
		InFlight:   1024,
		Output:     1 << 20,
		OutputHard: 1 << 30,
		PushHard:   32 << 20,
		CrossRead:  64 << 20,
		Stream:     64 << 10,
		Pool:       8 << 20,
		Request:    resp.DefaultLimits(),
	}
}

// tick is how often time limits are looked at while something has one.
const tick = 5 * time.Millisecond

// stall is the time between two turns from which on the core takes it that it did not
// run: it was stopped, or had no processor. Answers may have come and wait to be read.
const stall = 4 * tick

// Core is one loop's part of the proxy. See the package comment.
type Core struct {
	limits Limits
	buffer *iobuf.Pool
	rand   *rand.Rand
	wall   func() int64
	now    int64 // of this turn, ns
	ticked int64 // when time limits were last looked at, ns

	pools  []*Pool
	open   map[*Session]struct{}
	lastID uint64 // of the newest session, counted here
	index  int    // among peers
	peers  Peers  // nil: there are no others

	// Notice is told what an operator may want to know, as a message and pairs of
	// names and values; nil: nobody is.
	Notice func(msg string, args ...any)

	conns   []*backend.Conn // woken: the driver has something to do
	touched []*Session      // likewise
	resume  []*Session      // were stalled and may go on
	later   []func()        // what a reply made necessary and must not be done from within it

	// Scratch of the request being handled, and free lists.
	parser      parser
	args        arguments
	keys        []int
	checked     acl.Scratch
	standin     []byte
	inline      []byte
	spare       resp.Parser
	partOf      []int32 // by shard: index of its part + 1 in the split being made
	requests    freeList[Request]
	gathers     freeList[gather]
	kepts       freeList[kept]
	evaluations freeList[evaluation]
	texts       freeList[textRequest]
	unauthLimit resp.Limits
}

// NewCore returns a core without pools. wall is the time of day, for TIME and for the topology, in ns
// since 1970.
func NewCore(limits Limits, wall func() int64) *Core {
	c := &Core{
		limits:      limits,
		wall:        wall,
		buffer:      iobuf.NewPool(limits.Pool),
		rand:        rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
		unauthLimit: resp.Unauthenticated(),
		open:        map[*Session]struct{}{},
	}
	c.requests.limit, c.gathers.limit, c.kepts.limit, c.evaluations.limit, c.texts.limit = 16<<10, 1<<10, 256, 1<<10, 1<<10
	return c
}

// AddPool adds a pool.
func (c *Core) AddPool(shared *Shared) *Pool {
	p := newPool(c, shared)
	c.pools = append(c.pools, p)
	return p
}

// RemovePool ends a pool: its clients are answered what they have asked, and those
// who have not gone within grace are cut off. It has taken no client for the last
// time when this is called. The pool is no longer there once all have gone.
func (c *Core) RemovePool(p *Pool, grace time.Duration) { p.end(grace) }

// Refresh has every pool follow its topology and settings, as Begin does.
func (c *Core) Refresh() {
	for _, p := range c.pools {
		p.refresh()
	}
}

// Buffers returns the pool that all queues of this core take chunks from.
func (c *Core) Buffers() *iobuf.Pool { return c.buffer }

// Sessions returns the number of open sessions.
func (c *Core) Sessions() int { return len(c.open) }

func (c *Core) notice(msg string, args ...any) {
	if c.Notice != nil {
		c.Notice(msg, args...)
	}
}

// Begin starts a turn. now is in ns on a clock that never goes back.
func (c *Core) Begin(now int64) {
	missed := time.Duration(now - c.now)
	c.now = now
	c.Refresh()
	if missed > stall { // or it slept, and then there is no limit to move
		for _, p := range c.pools {
			p.excuse(missed - tick)
		}
	}
}

// End ends a turn: calls whose time is over fail, if what came in this turn was not
// their answer, and sessions that were stalled and may go on do so.
func (c *Core) End() {
	if c.now-c.ticked >= int64(tick) {
		c.ticked = c.now
		for _, p := range c.pools {
			p.expire()
		}
		c.pools = slices.DeleteFunc(c.pools, (*Pool).over)
	}
	for i := 0; i < len(c.later); i++ { // it may grow
		c.later[i]()
	}
	clear(c.later)
	c.later = c.later[:0]
	list := c.resume
	c.resume = nil
	for i, s := range list {
		s.goOn()
		list[i] = nil
	}
	if c.resume == nil {
		c.resume = list[:0]
	}
}

// Wait returns how long the driver may sleep before the next turn if no
// socket has anything to say: 0 not at all, negative for ever.
func (c *Core) Wait(now int64) time.Duration {
	if len(c.conns)+len(c.touched)+len(c.resume)+len(c.later) > 0 {
		return 0
	}
	wait := time.Duration(-1)
	next := max(0, time.Duration(c.ticked-now)+tick) // when limits are looked at
	for _, p := range c.pools {
		if p.topo.Snapshot() != p.snap {
			return 0 // this turn has changed it
		}
		d := p.idleIn(now)
		if p.timed() || d >= 0 && d < next {
			d = next
		}
		if d >= 0 && (wait < 0 || d < wait) {
			wait = d
		}
	}
	return wait
}

// TakeConns returns the connections that have something to write, or want to
// be dialled or closed. For each the driver does so and calls Flushed. The slice
// is valid until the next call.
func (c *Core) TakeConns(buf []*backend.Conn) []*backend.Conn {
	buf = append(buf[:0], c.conns...)
	clear(c.conns)
	c.conns = c.conns[:0]
	return buf
}

// TakeSessions returns the sessions that have something to write, want to be
// closed or may be read again. For each the driver does so and calls Flushed.
func (c *Core) TakeSessions(buf []*Session) []*Session {
	buf = append(buf[:0], c.touched...)
	clear(c.touched)
	c.touched = c.touched[:0]
	return buf
}

// Wake, Failed, Recovered, Doubted, Drained and Rand make Core a backend.Host.
func (c *Core) Wake(conn *backend.Conn) { c.conns = append(c.conns, conn) }

// Failed counts against the shard, which may be ejected, and has its nodes looked
// at.
func (c *Core) Failed(conn *backend.Conn, err *backend.Error) {
	for _, p := range c.pools {
		if len(p.lanes) == 0 || err.Kind == backend.Refused && !p.lanes[0].has(conn) {
			continue // of a client's SELECT or HELLO, not the node's failure
		}
		i := p.shardOf(conn)
		if i < 0 {
			if _, ok := p.replicas[conn]; ok {
				p.topo.Doubt(conn.Shard)
			}
			continue
		}
		p.topo.Doubt(conn.Shard)
		if p.topo.ReportFailure(i, time.Unix(0, c.wall())) {
			p.Stats.Ejects++
			p.EjectedAt[conn.Shard] = c.wall()
			c.wakePeers()
		}
	}
}

// Recovered ends a row of failures.
func (c *Core) Recovered(conn *backend.Conn) {
	for _, p := range c.pools {
		if i := p.shardOf(conn); i >= 0 {
			p.topo.ReportSuccess(i)
		}
	}
}

// Doubted has the shard's nodes looked at.
func (c *Core) Doubted(conn *backend.Conn) {
	for _, p := range c.pools {
		_, replica := p.replicas[conn]
		if replica || p.shardOf(conn) >= 0 {
			p.topo.Doubt(conn.Shard)
		}
	}
}

// Drained lets the sessions go on that waited for conn to be less full.
func (c *Core) Drained(conn *backend.Conn) {
	for _, p := range c.pools {
		if list, ok := p.waiting[conn]; ok {
			delete(p.waiting, conn)
			for _, s := range list {
				s.waits--
				s.unstall()
			}
		}
	}
}

// Rand returns a number in [0, 1).
func (c *Core) Rand() float64 { return c.rand.Float64() }

// freeList keeps values to be used again, up to a limit. It belongs to a Core.
type freeList[T any] struct {
	free  []*T
	limit int
}

func (l *freeList[T]) get() *T {
	if n := len(l.free); n > 0 {
		v := l.free[n-1]
		l.free = l.free[:n-1]
		return v
	}
	return new(T)
}

func (l *freeList[T]) put(v *T) {
	if len(l.free) < l.limit {
		l.free = append(l.free, v)
	}
}

// arguments is a request as command.Args.
type arguments struct {
	frame []byte
	spans []resp.Span
}

func (a *arguments) Len() int        { return len(a.spans) }
func (a *arguments) At(i int) []byte { return a.spans[i].Of(a.frame) }
