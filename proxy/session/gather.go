package session

import (
	"bytes"
	"strings"

	"github.com/shardring/shardring/proxy/backend"
	"github.com/shardring/shardring/proxy/iobuf"
	"github.com/shardring/shardring/proxy/memcache"
	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/crossread"
)

// gather is a request that several shards answer: a part for each of them, and
// how their replies become one.
//
// Invariant: parts does not grow once one of them was sent, for connections
// hold pointers to the calls in it.
type gather struct {
	req     *Request
	merge   command.Merge
	parts   []part
	owner   []uint32 // the part of each key, in the order of the request
	missing int      // parts without a whole reply, and one more while sending
	most    int      // SLOWLOG GET: entries that the request asks for; negative: all
	known   []bool   // SCRIPT EXISTS: of each script, whether it can be loaded again from here
	failed  *backend.Error
	text    textMerge       // of memcached: merges the replies instead of merge
	line    []byte          // of memcached: the request's line
	keys    []memcache.Span // and the keys in it
	plan    *crossread.Plan // of keys read over several shards; nil: see merge
	after   func(ok bool)   // called before the reply goes out; nil: nothing
	done    func()          // of one that is part of another reply: called instead of merging
}

// part is what one shard has to do of a request.
type part struct {
	call  backend.Call
	g     *gather
	shard int           // index in the topology
	conn  *backend.Conn // to it
	out   *iobuf.Queue  // where its request goes; nil if it could not be sent
	reply iobuf.Queue
	view  []byte // of reply: what is still to be merged of its first chunk
	keys  int
}

func (c *Core) newGather(m command.Merge) *gather {
	g := c.gathers.get()
	g.merge = m
	return g
}

// A gather of more than maxGather keys is kept to be used again only as one of the
// first maxLargeGathers, and one of more than maxLargeGather not at all.
const (
	maxGather       = 4096
	maxLargeGather  = 64 << 10
	maxLargeGathers = 8
)

func (c *Core) releaseGather(g *gather) {
	g.drop(c)
	clear(g.parts)
	if n := max(cap(g.owner), cap(g.parts)); n > maxGather && len(c.gathers.free) >= maxLargeGathers || n > maxLargeGather {
		return
	}
	*g = gather{parts: g.parts[:0], owner: g.owner[:0], line: g.line[:0], keys: g.keys[:0]}
	c.gathers.put(g)
}

// drop forgets what the shards have said.
func (g *gather) drop(c *Core) {
	for i := range g.parts {
		g.parts[i].reply.Reset(c.buffer)
	}
}

// start gives g its slot in the session.
func (s *Session) start(g *gather) {
	g.req = s.begin()
	g.req.gather = g
	g.missing = len(g.parts) + 1
	s.pool.Stats.Fragments += uint64(len(g.parts))
}

// send begins the call of a part and returns where its request goes, or nil.
func (g *gather) send(i int) *iobuf.Queue {
	p, s := &g.parts[i], g.req.session
	p.g, p.call.To = g, p
	s.label(&p.call)
	conn, q, err := s.pool.begin(p.shard, s, &p.call)
	return g.begun(p, conn, q, err)
}

// sendAside is send over a connection that has nothing else to do, and no database: a
// node that runs a script for long lets nobody choose one, and what ends the script
// must not wait behind it.
func (g *gather) sendAside(i int) *iobuf.Queue {
	p, s := &g.parts[i], g.req.session
	p.g, p.call.To = g, p
	aside := s.pool.spare(s.pool.lane(laneKey{0, s.lane.proto}), s.pool.nodeKey(p.shard))
	conn, q, err := s.pool.beginOn(aside, &p.call)
	aside.Retire()
	s.pool.left = append(s.pool.left, aside)
	return g.begun(p, conn, q, err)
}

func (g *gather) begun(p *part, conn *backend.Conn, q *iobuf.Queue, err *backend.Error) *iobuf.Queue {
	p.conn = conn
	if err != nil {
		p.Fail(&p.call, err)
		return nil
	}
	p.out = q
	return q
}

// sent ends the sending.
func (g *gather) sent() {
	s := g.req.session
	for i := range g.parts {
		if g.parts[i].out != nil {
			s.press(g.parts[i].conn)
		}
	}
	g.arrived()
}

// Reply takes a part of one shard's reply.
func (p *part) Reply(_ *backend.Call, b []byte, done bool) {
	if r := p.g.req; r.session != nil {
		p.reply.Append(r.core.buffer, b)
		r.hold(len(b))
	}
	if done {
		p.g.arrived()
	}
}

// Fail makes the whole reply an error: an element that failed never looks like
// a missing key.
func (p *part) Fail(_ *backend.Call, err *backend.Error) {
	if p.g.failed == nil {
		p.g.failed = err
	}
	p.reply.Reset(p.g.req.core.buffer) // half a reply is none
	p.g.arrived()
}

// arrived counts a part that is done; after the last the replies are merged.
func (g *gather) arrived() {
	g.missing--
	if g.missing > 0 {
		return
	}
	r := g.req
	if g.done != nil {
		g.done()
		return
	}
	if r.session == nil {
		r.complete()
		return
	}
	err := g.conclude(&r.reply)
	g.drop(r.core) // what the replies' merge has no use for
	if err != "" {
		r.reply.Reset(r.core.buffer)
		if g.after != nil {
			g.after(false)
		}
		r.finishError(err)
		return
	}
	if g.after != nil {
		g.after(true)
	}
	r.complete()
}

// conclude makes the replies of all parts one, or returns the error that answers
// the request.
func (g *gather) conclude(out *iobuf.Queue) string {
	if g.text != nil {
		return g.concludeText(out)
	}
	if g.failed != nil {
		g.req.session.pool.Stats.Errors++
		text := g.failed.Reply()
		if g.failed.Sent || len(g.parts) == 1 {
			return text
		}
		return text + "; other shards may have executed their part"
	}
	if g.plan != nil {
		return g.concludeRead(out)
	}
	if g.merge == command.AnyOK {
		g.chooseOK()
	}
	if text := g.shardError(); text != "" {
		return text
	}
	if err := mergers[g.merge](g, out); err != nil {
		return "ERR " + err.Error()
	}
	return ""
}

// chooseOK leaves the first part whose reply is no error, else the first whose
// error says more than that nothing runs there.
func (g *gather) chooseOK() {
	best, telling := 0, false
	for i := range g.parts {
		f := g.parts[i].reply.Front()
		if len(f) > 0 && f[0] != '-' {
			best = i
			break
		}
		if !telling && !bytes.HasPrefix(f, []byte("-NOTBUSY")) {
			best, telling = i, true
		}
	}
	if bytes.HasPrefix(g.parts[best].reply.Front(), []byte("-NOTBUSY")) {
		return // so say all
	}
	for i := range g.parts {
		if i != best {
			g.parts[i].reply.Reset(g.req.core.buffer)
		}
	}
	g.parts[0].reply, g.parts[best].reply = g.parts[best].reply, g.parts[0].reply
}

// shardError returns the first error that a shard replied, with the shard's
// name after the error's code; without, if all say the same or there is one only.
func (g *gather) shardError() string {
	first, from, same := "", "", true
	for i := range g.parts {
		p := &g.parts[i]
		text := p.errorText()
		if i > 0 && text != first {
			same = false
		}
		if first == "" {
			first, from = text, p.conn.Shard
		}
	}
	if first == "" || same && len(g.parts) > 1 || len(g.req.session.pool.snap.Shards) == 1 {
		return first
	}
	code, rest, _ := strings.Cut(first, " ")
	return code + " shard '" + from + "': " + rest
}

// errorText returns the error that a shard replied, or "".
func (p *part) errorText() string {
	if f := p.reply.Front(); len(f) == 0 || f[0] != '-' {
		return ""
	}
	line := make([]byte, min(p.reply.Len(), 1024))
	line = line[:p.reply.Peek(line)]
	text, _, _ := strings.Cut(string(line[1:]), "\r")
	return text
}
