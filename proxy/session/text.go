package session

import (
	"bytes"
	"slices"

	"github.com/shardring/shardring/proxy/backend"
	"github.com/shardring/shardring/proxy/memcache"
	"github.com/shardring/shardring/shard/command"
)

// A pool of memcached has the sessions, requests, gathers and connections of any pool.
// What differs is here: how a request is read (memcache.Parser in the place of
// resp.Parser), what it is about, and how several replies become one (textmerge.go).
//
// Every request that a server is sent has exactly one reply: noreply and the flag q are
// taken out of it, and what the client does not want to hear is left out here. So a
// connection stays in step whatever the servers say, and a reply never lacks an owner.

// textForm says of a request of memcached what a client is told if its shard fails.
type textForm uint8

const (
	noText    textForm = iota // the request is Redis's
	plainText                 // SERVER_ERROR
	getText                   // the same, or that no key is there
	metaText                  // likewise
)

// textRequest is what only some requests of memcached have.
type textRequest struct {
	verb  memcache.Verb
	miss  []byte // what mg answers to a key that is not there; empty: EN
	first [2]byte
	n     int // bytes of the reply that are in first
}

func (c *Core) releaseText(t *textRequest) {
	*t = textRequest{miss: t.miss[:0]}
	c.texts.put(t)
}

// What is said of a request to a Call, in the terms of Redis's commands.
var (
	textReads  = command.Builtin().Lookup([]byte("get"))
	textWrites = command.Builtin().Lookup([]byte("set"))
)

// runText is run for a pool of memcached.
func (s *Session) runText(b []byte, p *memcache.Parser) int {
	used := 0
	p.MaxData = s.core.limits.Request.Bulk
	for used < len(b) && s.phase <= draining && !s.stall() {
		if s.swallow > 0 {
			k := min(s.swallow, len(b)-used)
			s.swallow -= k
			used += k
			continue
		}
		p.First = s.last == nil
		n, st := p.Parse(b[used:])
		switch st {
		case memcache.Incomplete:
			return used
		case memcache.TooLong:
			s.end()
			return len(b)
		}
		s.swallow = p.Req.Swallow
		if frame := b[used : used+n : used+n]; s.pool.pace == 0 || s.pay() {
			s.handleText(frame, &p.Req)
		} else {
			s.beginText(&p.Req, plainText).finishLine("SERVER_ERROR " + s.tooFast())
		}
		s.pool.Stats.Requests++
		used += n
		p.Reset()
	}
	return used
}

// handleText takes one request, of which frame are the bytes.
func (s *Session) handleText(frame []byte, req *memcache.Request) {
	s.last = textWrites
	if req.Reads {
		s.last = textReads
	}
	switch req.Verb {
	case memcache.Answer:
		r := s.beginText(req, plainText)
		r.finishLine(req.Reply)
	case memcache.Get:
		s.getText(frame, req)
	case memcache.Version:
		s.everyText(frame, req, mergeVersion)
	case memcache.Stats:
		s.statsText(frame, req)
	case memcache.Verbosity, memcache.Flush:
		s.everyText(frame, req, mergeSame)
	case memcache.Quit:
		s.end()
	case memcache.Close:
		if req.Reply != "" {
			s.beginText(req, plainText).finish([]byte(req.Reply))
		}
		s.end()
	case memcache.MetaGet:
		s.sendText(s.pool.ring.Owner(req.Key), frame, req, metaText)
	default:
		s.sendText(s.pool.ring.Owner(req.Key), frame, req, plainText)
	}
}

// beginText adds a request to the FIFO.
func (s *Session) beginText(req *memcache.Request, form textForm) *Request {
	r := s.begin()
	r.form, r.mute = form, req.Silent
	return r
}

// sendText sends a request to one shard, whose reply is the client's.
func (s *Session) sendText(shard int, frame []byte, req *memcache.Request, form textForm) {
	r := s.beginText(req, form)
	r.call.To = r
	if req.Quiet || req.Keep && s.pool.misses {
		t := s.core.texts.get()
		t.verb = req.Verb
		if req.Keep {
			t.miss = req.AppendMiss(t.miss[:0])
		}
		r.text = t
		if req.Quiet {
			r.call.To = (*quiet)(r)
		}
	}
	s.label(&r.call)
	if form == getText {
		r.call.Get = plainGet(frame, req)
	}
	conn, q, err := s.pool.begin(shard, s, &r.call)
	if err != nil {
		r.call.To.Fail(&r.call, err)
		return
	}
	if req.Clean {
		if r.call.Joined() {
			frame = frame[len("get"):]
		}
		s.write(conn, q, frame)
		return
	}
	conn.Stats.RequestBytes += uint64(len(req.Line) + 2 + len(req.Data))
	q.Append(s.core.buffer, req.Line)
	q.AppendString(s.core.buffer, "\r\n")
	q.Append(s.core.buffer, req.Data)
	s.press(conn)
}

// plainGet returns the length of a request if it is what backend.Call.Get says, else 0.
func plainGet(frame []byte, req *memcache.Request) int {
	if req.Clean && bytes.HasPrefix(frame, []byte("get ")) && bytes.HasSuffix(frame, []byte("\r\n")) {
		return len(frame)
	}
	return 0
}

// getText sends each shard the keys it owns. Keys that are all on one shard go there
// as they came.
func (s *Session) getText(frame []byte, req *memcache.Request) {
	c := s.core
	first := s.pool.ring.Owner(req.Args[0].Of(req.Line))
	if len(req.Args) == 1 && req.Clean {
		s.sendText(first, frame, req, getText)
		return
	}
	g := c.newGather(0)
	g.text = mergeValues
	one, plain := req.Clean, string(req.Name) == "get"
	for i, k := range req.Args {
		key := k.Of(req.Line)
		shard := first
		if i > 0 {
			shard = s.pool.ring.Owner(key)
		}
		j := c.partOf[shard]
		if j == 0 {
			g.parts = append(g.parts, part{shard: shard})
			j = int32(len(g.parts))
			c.partOf[shard] = j
			if plain {
				g.parts[j-1].call.Get = len("get\r\n")
			}
		}
		if plain {
			g.parts[j-1].call.Get += len(" ") + len(key)
		}
		g.owner = append(g.owner, uint32(j-1))
		one = one && j == 1
	}
	for i := range g.parts {
		c.partOf[g.parts[i].shard] = 0
	}
	if one {
		c.releaseGather(g)
		s.sendText(first, frame, req, getText)
		return
	}
	if g.breakLines(req) {
		s.sendLines(g, req)
		return
	}
	s.start(g)
	g.req.form = getText
	for i := range g.parts {
		if q := g.send(i); q != nil {
			name := req.Name
			if g.parts[i].call.Joined() {
				name = nil
			}
			g.parts[i].conn.Stats.RequestBytes += uint64(len(name) + 2)
			q.Append(c.buffer, name)
		}
	}
	g.line, g.keys = append(g.line, req.Line...), append(g.keys, req.Args...)
	for j, k := range req.Args {
		key := k.Of(req.Line)
		if p := &g.parts[g.owner[j]]; p.out != nil {
			p.conn.Stats.RequestBytes += uint64(len(key) + 1)
			b := p.out.Reserve(c.buffer, len(key)+1)
			p.out.Commit(append(append(b, ' '), key...))
		}
	}
	for i := range g.parts {
		if q := g.parts[i].out; q != nil {
			q.AppendString(c.buffer, "\r\n")
		}
	}
	g.sent()
}

// everyText sends a request to every shard that is not ejected.
func (s *Session) everyText(frame []byte, req *memcache.Request, merge textMerge) {
	snap := s.pool.snap
	if len(snap.Shards) == 1 {
		s.sendText(0, frame, req, plainText)
		return
	}
	s.askAll(req, merge)
}

func (s *Session) askAll(req *memcache.Request, merge textMerge) {
	g := s.core.newGather(0)
	g.text = merge
	snap := s.pool.snap
	for i := range snap.Shards {
		if snap.AllEjected() || !slices.Contains(snap.Ejected, i) {
			g.parts = append(g.parts, part{shard: i})
		}
	}
	s.start(g)
	g.req.form, g.req.mute = plainText, req.Silent
	for i := range g.parts {
		if q := g.send(i); q != nil {
			g.parts[i].conn.Stats.RequestBytes += uint64(len(req.Line) + 2)
			q.Append(s.core.buffer, req.Line)
			q.AppendString(s.core.buffer, "\r\n")
		}
	}
	g.sent()
}

// statsText asks all shards for their statistics; "stats shards" for those of each.
func (s *Session) statsText(frame []byte, req *memcache.Request) {
	if len(req.Args) == 0 || string(req.Args[0].Of(req.Line)) != "shards" {
		s.everyText(frame, req, mergeStats)
		return
	}
	line := []byte("stats")
	for _, a := range req.Args[1:] {
		line = append(append(line, ' '), a.Of(req.Line)...)
	}
	req.Line = line
	s.askAll(req, mergeShardStats)
}

// finishLine makes a line the whole reply.
func (r *Request) finishLine(text string) {
	r.core.inline = append(append(r.core.inline[:0], text...), "\r\n"...)
	r.finish(r.core.inline)
}

// finishFault answers a request whose shard failed.
func (r *Request) finishFault(err *backend.Error) {
	switch {
	case r.form == plainText || !r.session.pool.misses:
		r.finishLine(fault(err))
	case r.form == getText:
		r.finishLine("END")
	case r.text != nil && r.text.verb == memcache.MetaGet && r.call.To != r:
		r.mute = true // and its misses are not answered
		r.finishLine("")
	case r.text != nil:
		r.finishLine(string(r.text.miss))
	default:
		r.finishLine("EN")
	}
}

// fault is the reply that says so.
func fault(err *backend.Error) string { return "SERVER_ERROR " + err.Error() }

// quiet is a Request with the flag q, whose reply goes out only if it is not nominal.
type quiet Request

// Reply waits for the two bytes that tell what the reply is.
func (q *quiet) Reply(call *backend.Call, part []byte, done bool) {
	r, t := (*Request)(q), q.text
	if t.n == len(t.first) {
		r.Reply(call, part, done)
		return
	}
	k := copy(t.first[t.n:], part)
	t.n += k
	if t.n < len(t.first) {
		return // no line ends here
	}
	r.mute = t.verb.Hides(t.first[:])
	if k == 2 {
		r.Reply(call, part, done)
		return
	}
	first := t.first
	r.Reply(call, first[:], false)
	r.Reply(call, part[k:], done)
}

func (q *quiet) Fail(call *backend.Call, err *backend.Error) { (*Request)(q).Fail(call, err) }
