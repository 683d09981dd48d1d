package session

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shardring/shardring/proxy/backend"
	"github.com/shardring/shardring/shard/resp"
)

// enter moves the session to another lane, once it is known that the nodes take
// its database and protocol; else the request under way is answered with refusal, or
// with why that could not be found out. Nothing else is under way.
func (s *Session) enter(k laneKey, refusal string, reply func() []byte) {
	r := s.begin()
	if s.pool.proven[k] {
		s.move(k)
		r.finish(reply())
		return
	}
	l := s.pool.lane(k)
	l.enter()
	p := &probe{r: r, lane: l, refusal: refusal, reply: reply, until: s.core.now + int64(probeFor)}
	p.call.To, p.call.Inert = p, true
	p.ask()
	s.fence()
}

// move changes the session's lane.
func (s *Session) move(k laneKey) {
	if s.lane.laneKey == k {
		return
	}
	old := s.lane
	s.lane = s.pool.lane(k)
	s.lane.enter()
	if s.private != nil {
		s.moveOwn()
	}
	s.heat()
	s.pool.leave(old)
}

// moveOwn takes the session's own connections along to its new lane.
func (s *Session) moveOwn() {
	s.private.behind = nil // what timed out there was said in the other lane
	for _, o := range s.private.conns {
		if o.conn.Proto != s.lane.proto {
			o.conn.Proto = s.lane.proto
			s.sendSilently(o, "HELLO", strconv.Itoa(s.lane.proto))
			o.conn.Subscriber = s.lane.proto == 2 && o.listens()
		}
		if o.conn.Database != s.lane.db {
			o.conn.Database = s.lane.db
			s.sendSilently(o, "SELECT", strconv.Itoa(s.lane.db))
		}
	}
}

// probeFor is how long a probe goes on to the next shard after one that has failed.
const probeFor = time.Second

// probe finds out whether the nodes take a lane's database and protocol: it asks one
// after another, of those that are not ejected, until one has said so.
type probe struct {
	call    backend.Call
	r       *Request
	lane    *lane // entered, so that it stays
	shard   int   // the one that is asked
	until   int64 // when no further one is, ns
	err     *backend.Error
	refusal string
	reply   func() []byte
}

// ask asks the next shard, or answers with why the first could not tell. The first
// lane's nodes may all be ejected: then it is that.
func (p *probe) ask() {
	s := p.r.session
	if s == nil {
		p.end("")
		return
	}
	snap := s.pool.snap
	for p.shard < len(snap.Shards) && slices.Contains(snap.Ejected, p.shard) && !snap.AllEjected() {
		p.shard++
	}
	if p.err != nil && (p.shard >= len(snap.Shards) || s.core.now >= p.until) {
		s.pool.Stats.Errors++
		p.end(p.err.Reply())
		return
	}
	conn, q, err := s.pool.beginOn(p.lane.conns[p.shard*s.pool.each], &p.call)
	if err != nil {
		p.Fail(&p.call, err)
		return
	}
	s.write(conn, q, resp.AppendRequest(nil, "PING"))
}

// Reply: the connection was made, and what it asked for granted.
func (p *probe) Reply(_ *backend.Call, _ []byte, done bool) {
	if done {
		p.lane.pool.proven[p.lane.laneKey] = true
		p.end("")
	}
}

// Fail: a node that refuses the database or the protocol is told from one that cannot
// be reached, or refuses the login, which says nothing about the others.
func (p *probe) Fail(_ *backend.Call, err *backend.Error) {
	if err.Kind == backend.Refused && !loginRefused(err) {
		p.end(p.refusal)
		return
	}
	if p.err == nil {
		p.err = err
	}
	p.shard++
	c := p.r.core
	c.later = append(c.later, p.ask)
}

// loginRefused reports whether a node refuses us, whatever the database and protocol.
func loginRefused(err *backend.Error) bool {
	text := err.Err.Error()
	for _, code := range []string{"WRONGPASS", "NOAUTH", "NOPERM"} {
		if strings.HasPrefix(text, "login: "+code+" ") {
			return true
		}
	}
	return false
}

// end answers with an error, or moves the session and answers with the reply.
func (p *probe) end(failure string) {
	s, r := p.r.session, p.r
	if s == nil {
		p.lane.pool.leave(p.lane)
		r.core.release(r)
		return
	}
	if failure == "" {
		s.move(p.lane.laneKey)
	}
	s.pool.leave(p.lane)
	if failure != "" {
		r.finishError(failure)
		return
	}
	r.finish(p.reply())
}
