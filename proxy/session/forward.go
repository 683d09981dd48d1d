package session

import (
	"bytes"
	"slices"

	"github.com/shardring/shardring/proxy/backend"
	"github.com/shardring/shardring/proxy/iobuf"
	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/resp"
)

// handle takes one request: frame are its bytes, spans its arguments in them. It
// returns false if the request has to come again later: those before it must be
// answered first.
//
// Outcomes, by the command's route: forwarded as it is to one shard; split, a
// request to each shard that owns some of its keys; sent to every shard; sent
// over a connection of the session's own; answered here; refused.
func (s *Session) handle(frame []byte, spans []resp.Span) bool {
	a := &s.core.args
	a.frame, a.spans = frame, spans
	cmd := s.pool.table.Lookup(a.At(0))
	if cmd != nil && cmd.KeyPos > 0 && cmd.KeyPos < len(spans) && cmd.Route == command.Single && s.hot {
		shard := s.pool.ring.Owner(a.At(cmd.KeyPos))
		s.last = cmd
		s.wroteTo(cmd, shard)
		s.forward(shard, frame)
		return true
	}
	cmd, err := s.pool.table.Resolve(a)
	if err != nil && isHTTP(a.At(0)) {
		s.end()
		return true
	}
	if err != nil && s.private != nil && s.private.tx.open {
		if lone := s.pool.table.Unpaired(a); lone != nil {
			cmd, err = lone, nil
		}
	}
	if cmd == nil && err != nil {
		s.pool.shared.wonder()
	}
	if err == nil {
		err = s.allowed(cmd, a)
	}
	if err != nil {
		s.refuse(err)
		return true
	}
	s.last = cmd
	if s.postpone(cmd, a) {
		return false
	}
	if s.private == nil {
		return s.route(cmd, a)
	}
	taken := false
	if s.private.tx.open {
		taken = s.queue(cmd, a)
	} else {
		taken = s.route(cmd, a)
	}
	if taken && cmd.Name != "client|caching" {
		s.cachingSaid()
	}
	return taken
}

// allowed returns why the session may not say this now, or nil.
func (s *Session) allowed(cmd *command.Command, a *arguments) error {
	switch {
	case s.user == nil && beforeLogin(cmd):
		return nil
	case s.user == nil:
		return errNoAuth
	}
	if !s.user.Unlimited() {
		if err := s.user.Check(cmd, a, &s.core.checked); err != nil {
			return err
		}
	}
	switch {
	case s.lane.proto == 2 && s.private != nil && s.private.subs.any() && !whileSubscribed(cmd):
		return subscribedError(cmd)
	}
	return nil
}

const errNoAuth command.Error = "NOAUTH Authentication required."

// refuse answers a request with an error; a transaction that is open will not be
// executed.
func (s *Session) refuse(err error) {
	if s.private != nil {
		s.private.tx.spoil()
	}
	s.begin().finishError(err.Error())
}

// route does what the command's route says. It returns false as handle.
func (s *Session) route(cmd *command.Command, a *arguments) bool {
	if len(s.pool.snap.Shards) == 1 && cmd.Whole && !aside(cmd) && !ofListening(cmd) {
		s.noteScript(cmd, a)
		s.wroteTo(cmd, 0)
		s.forward(0, a.frame)
		return true
	}
	switch cmd.Route {
	case command.Single:
		if shard, ok := s.owner(cmd, a); ok {
			s.wroteTo(cmd, shard)
			s.noteScript(cmd, a)
			if !s.evaluate(shard, cmd, a) {
				s.send(shard, a.frame, cmd.Group == "scripting")
			}
		}
	case command.Split:
		s.split(cmd, a)
	case command.All:
		if cmd.Name == "config|set" {
			s.configSet(cmd, a)
			return true
		}
		s.noteScript(cmd, a)
		s.everywhere(cmd, a)
	case command.Own:
		return s.onOwn(cmd, a)
	case command.Local:
		return s.local(cmd, a)
	default:
		s.refuse(cmd.Reason())
	}
	return true
}

// aside reports whether a command is for nodes that are busy with a script.
func aside(cmd *command.Command) bool {
	return cmd.Merge == command.AnyOK || cmd.Merge == command.Running
}

// ofListening reports whether a command may be about where the proxy listens, which
// no shard knows.
func ofListening(cmd *command.Command) bool {
	return cmd.Merge == command.Settings || cmd.Name == "config|set"
}

// wroteTo remembers to which shards the session has written, -1 for all: WAIT is
// for these.
func (s *Session) wroteTo(cmd *command.Command, shard int) {
	switch {
	case cmd.Flags&command.Write == 0:
		return
	case shard < 0:
		s.wrote = ^uint64(0)
	default:
		s.wrote |= 1 << (shard & 63)
	}
	if s.pool.cfg.ReadYourWrites > 0 {
		s.noteWrite(shard)
	}
}

// isHTTP reports whether a command is the start of an HTTP request. A web page
// can make a browser send one here, with commands in its body; like Redis
// (securityWarningCommand) the session then ends before it reads them.
func isHTTP(name []byte) bool {
	return bytes.EqualFold(name, []byte("post")) || bytes.EqualFold(name, []byte("host:"))
}

// owner returns the shard of a request whose keys must all be on one, or
// answers it with an error.
func (s *Session) owner(cmd *command.Command, a *arguments) (shard int, ok bool) {
	c := s.core
	keys, err := cmd.Keys(c.keys[:0], a)
	c.keys = keys[:0]
	if err != nil || len(keys) == 0 {
		// A wrong number of keys is an error at any shard, if there is no other
		// one before it.
		c.standin = cmd.StandIn(c.standin[:0], a)
		return s.pool.ring.Owner(c.standin), true
	}
	shard = s.pool.ring.Owner(a.At(keys[0]))
	if s.pool.random {
		return shard, true // one throw for the whole request
	}
	for _, k := range keys[1:] {
		if s.pool.ring.Owner(a.At(k)) != shard {
			if s.crossReads(cmd) {
				s.readAcross(cmd, a, keys)
			} else {
				s.refuse(command.CrossShard)
			}
			return 0, false
		}
	}
	return shard, true
}

// forward sends a request to one shard, whose reply is the client's.
func (s *Session) forward(shard int, frame []byte) {
	s.send(shard, frame, false)
}

func (s *Session) send(shard int, frame []byte, script bool) {
	r := s.begin()
	r.call.To, r.call.Script = r, script
	s.label(&r.call)
	conn, q, err := s.pool.begin(shard, s, &r.call)
	if err != nil {
		r.Fail(&r.call, err)
		return
	}
	s.write(conn, q, frame)
}

// label says of a call whose it is and what it does.
func (s *Session) label(call *backend.Call) {
	f := s.last.Flags
	call.Key, call.ReadOnly = s.id, f&command.ReadOnly != 0
	call.Inert = f&(command.Write|command.ReadOnly|command.PubSub) == 0 && (s.last.Group != "scripting" || s.last.Route != command.Single)
}

// write appends a request's bytes to what a connection sends.
func (s *Session) write(conn *backend.Conn, q *iobuf.Queue, frame []byte) {
	conn.Stats.RequestBytes += uint64(len(frame))
	if k := s.owned; k != nil && len(frame) >= adoptFrom && len(frame) == len(k.buf) {
		q.Adopt(s.core.buffer, frame)
		k.adopted, s.owned = true, nil
	} else {
		q.Append(s.core.buffer, frame)
	}
	s.press(conn)
}

// press makes the session wait if a connection it added to is full.
func (s *Session) press(conn *backend.Conn) {
	if conn.Full() {
		s.await(conn)
	}
}

// split sends each shard the keys it owns, and what belongs to them, in one
// request. Keys that are all on one shard go there as they came.
func (s *Session) split(cmd *command.Command, a *arguments) {
	c, step := s.core, cmd.Step()
	keys, err := cmd.Keys(c.keys[:0], a)
	c.keys = keys[:0]
	if err != nil || len(keys) == 0 || keys[len(keys)-1]+step > a.Len() {
		// Not reachable after Resolve; any server explains a syntax error.
		s.forward(0, a.frame)
		return
	}
	g := c.newGather(cmd.Merge)
	one := true
	for _, k := range keys {
		shard := s.pool.ring.Owner(a.At(k))
		i := c.partOf[shard]
		if i == 0 {
			g.parts = append(g.parts, part{shard: shard})
			i = int32(len(g.parts))
			c.partOf[shard] = i
		}
		g.parts[i-1].keys++
		g.owner = append(g.owner, uint32(i-1))
		one = one && i == 1
	}
	for i := range g.parts {
		c.partOf[g.parts[i].shard] = 0
	}
	if one {
		shard := g.parts[0].shard
		c.releaseGather(g)
		s.forward(shard, a.frame)
		return
	}
	name := a.At(0)
	s.start(g)
	for i := range g.parts {
		s.wroteTo(cmd, g.parts[i].shard)
		if q := g.send(i); q != nil {
			b := q.Reserve(c.buffer, 32+32+len(name))
			b = resp.AppendArray(b, 1+g.parts[i].keys*step)
			q.Commit(resp.AppendBulk(b, name))
		}
	}
	for j, k := range keys {
		p := &g.parts[g.owner[j]]
		if p.out == nil {
			continue
		}
		raw := a.frame[a.spans[k-1].End+2 : a.spans[k+step-1].End+2]
		p.conn.Stats.RequestBytes += uint64(len(raw))
		p.out.Append(c.buffer, raw)
	}
	g.sent()
}

// everywhere sends a request to every shard that is not ejected; SCAN to the
// one its cursor names.
func (s *Session) everywhere(cmd *command.Command, a *arguments) {
	c := s.core
	g := c.newGather(cmd.Merge)
	frame := a.frame
	if cmd.Merge == command.Scan {
		shard, request, err := scanRequest(c.inline[:0], a, len(s.pool.snap.Shards))
		if err != nil {
			c.releaseGather(g)
			s.begin().finishError(err.Error())
			return
		}
		c.inline, frame = request[:0], request
		g.parts = append(g.parts, part{shard: shard})
	} else {
		snap := s.pool.snap
		for i := range snap.Shards {
			if snap.AllEjected() || !slices.Contains(snap.Ejected, i) {
				if cmd.Merge == command.RandomKey {
					g.parts = append(g.parts, part{shard: i})
				}
				g.parts = append(g.parts, part{shard: i})
			}
		}
	}
	if cmd.Merge == command.Slowlog {
		g.most = slowlogCount(a)
	}
	if cmd.Name == "script|exists" {
		for i := 2; i < a.Len(); i++ {
			body, _ := s.pool.shared.scripts.body(a.At(i))
			g.known = append(g.known, body != "")
		}
	}
	s.start(g)
	s.wroteTo(cmd, -1)
	for i := range g.parts {
		send := g.send
		if aside(cmd) {
			send = g.sendAside
		}
		if q := send(i); q != nil {
			b := frame
			if cmd.Merge == command.RandomKey && i%2 == 0 {
				b = dbsize
			}
			g.parts[i].conn.Stats.RequestBytes += uint64(len(b))
			q.Append(c.buffer, b)
		}
	}
	g.sent()
}
