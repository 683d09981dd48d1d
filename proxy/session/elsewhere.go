package session

import (
	"bytes"
	"strconv"

	"github.com/shardring/shardring/proxy/backend"
	"github.com/shardring/shardring/proxy/iobuf"
	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/resp"
)

// elsewhere is a request of a transaction that other shards have to hear of too: a
// PUBLISH to a channel that is not the transaction's shard's, or a command for all
// shards. They hear of it as soon as the transaction has been executed, and their
// replies are put where they belong in EXEC's.
type elsewhere struct {
	index int // in EXEC's reply
	cmd   *command.Command
	frame []byte
	shard int // of a PUBLISH; -1: all
}

// execution is an EXEC whose reply is not yet all of it.
type execution struct {
	call  backend.Call
	r     *Request
	home  nodeKey // where the transaction is
	reply iobuf.Queue
	rest  []elsewhere
	parts []*gather // of each of rest
	left  int       // of these, how many are not complete
}

// execute sends EXEC, and afterwards what is to be done elsewhere.
func (s *Session) execute(o *owned, frame []byte, rest []elsewhere) {
	e := &execution{r: s.begin(), home: o.key, rest: rest}
	e.call.To = e
	conn, q, err := s.pool.beginOn(o.conn, &e.call)
	if err != nil {
		e.Fail(&e.call, err)
		return
	}
	s.write(conn, q, frame)
	s.fence()
}

func (e *execution) Reply(_ *backend.Call, part []byte, done bool) {
	c := e.r.core
	if e.r.session != nil {
		e.reply.Append(c.buffer, part)
	}
	if done {
		c.later = append(c.later, e.executed)
	}
}

func (e *execution) Fail(call *backend.Call, err *backend.Error) { e.r.Fail(call, err) }

// executed goes on when the transaction has been executed, or has not.
func (e *execution) executed() {
	s := e.r.session
	if s == nil {
		e.r.core.release(e.r)
		return
	}
	if f := e.reply.Front(); f[0] != '*' || f[1] == '-' {
		e.done()
		return
	}
	e.left = 1
	for i := range e.rest {
		e.send(&e.rest[i])
	}
	e.arrived()
}

// send sends a request to the shards that have not executed it.
func (e *execution) send(x *elsewhere) {
	s := e.r.session
	merge := x.cmd.Merge
	if x.shard >= 0 {
		merge = command.First
	}
	g := s.core.newGather(merge)
	g.req, g.done = e.r, e.arrived
	e.parts = append(e.parts, g)
	for i := range s.pool.snap.Shards {
		if x.shard < 0 || x.shard == i {
			g.parts = append(g.parts, part{shard: i})
		}
	}
	e.left++
	g.missing = len(g.parts) + 1
	for i := range g.parts {
		p := &g.parts[i]
		if x.shard < 0 && s.pool.nodeKey(p.shard) == e.home { // it has done so
			p.g, p.conn = g, s.conn(p.shard)
			g.missing--
			continue
		}
		if q := g.send(i); q != nil {
			q.Append(s.core.buffer, x.frame)
		}
	}
	g.sent()
}

// arrived counts what is complete; then the replies become one.
func (e *execution) arrived() {
	if e.left--; e.left > 0 {
		return
	}
	if e.r.session == nil {
		for _, g := range e.parts {
			e.r.core.releaseGather(g)
		}
		e.r.core.release(e.r)
		return
	}
	if err := e.assemble(); err != nil {
		e.r.reply.Reset(e.r.core.buffer)
		e.r.finishError("ERR " + err.Error())
		return
	}
	e.r.complete()
}

// assemble makes EXEC's reply of the transaction's and of the others.
func (e *execution) assemble() error {
	c := e.r.core
	whole := make([]byte, e.reply.Len())
	e.reply.Peek(whole)
	e.reply.Reset(c.buffer)
	head, rest, _ := bytes.Cut(whole, []byte("\r\n"))
	n, err := strconv.Atoi(string(head[1:]))
	if err != nil {
		return err
	}
	for _, x := range e.rest {
		if x.shard >= 0 {
			n++
		}
	}
	out := &e.r.reply
	out.Append(c.buffer, resp.AppendArray(nil, n))
	for i := range n {
		var own []byte
		next := len(e.rest) > 0 && e.rest[0].index == i
		if !next || e.rest[0].shard < 0 {
			var cut resp.Cutter
			end, _, err := cut.Cut(rest)
			if err != nil {
				return err
			}
			own, rest = rest[:end], rest[end:]
		}
		if !next {
			out.Append(c.buffer, own)
			continue
		}
		g := e.parts[0]
		for j := range g.parts {
			if p := &g.parts[j]; p.out == nil && p.reply.Len() == 0 {
				p.reply.Append(c.buffer, own)
			}
		}
		var merged iobuf.Queue
		if text := g.conclude(&merged); text != "" {
			merged.Reset(c.buffer)
			merged.Append(c.buffer, resp.AppendError(nil, text))
		}
		out.Take(c.buffer, &merged)
		c.releaseGather(g)
		e.rest, e.parts = e.rest[1:], e.parts[1:]
	}
	return nil
}

// done passes the transaction's reply on.
func (e *execution) done() {
	e.r.reply.Take(e.r.core.buffer, &e.reply)
	e.r.complete()
}
