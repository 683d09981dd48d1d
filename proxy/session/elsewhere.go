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
	index   int // in EXEC's reply
	cmd     *command.Command
	frame   []byte
	apart   bool   // the transaction does not contain it: a PUBLISH, or what is answered here
	here    bool   // the proxy answers it
	channel string // of a PUBLISH
}

// execution is an EXEC whose reply is not yet all of it.
type execution struct {
	call  backend.Call
	r     *Request
	home  nodeKey // where the transaction is
	reply iobuf.Queue
	rest  []elsewhere
	parts []*gather // of each of rest; nil: see local
	local []*Request
	left  int // of these, how many are not complete
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
		e.r.hold(len(part))
	}
	if done {
		c.later = append(c.later, e.executed)
	}
}

func (e *execution) Fail(call *backend.Call, err *backend.Error) {
	e.release()
	e.r.Fail(call, err)
}

// release gives back what the execution holds, but for its request.
func (e *execution) release() {
	c := e.r.core
	e.reply.Reset(c.buffer)
	for i, g := range e.parts {
		if g != nil {
			c.releaseGather(g)
		} else if r := e.local[i]; r != nil {
			c.release(r)
		}
	}
	e.parts, e.local = nil, nil
}

// executed goes on when the transaction has been executed, or has not.
func (e *execution) executed() {
	s := e.r.session
	if s == nil {
		e.release()
		e.r.core.release(e.r)
		return
	}
	if f := e.reply.Front(); f[0] != '*' || f[1] == '-' {
		e.done()
		return
	}
	e.left = 1
	for i := range e.rest {
		e.parts, e.local = append(e.parts, nil), append(e.local, nil)
		if e.rest[i].here {
			e.answer(i)
		} else {
			e.send(i)
		}
	}
	e.arrived()
}

// answer has the proxy answer a request.
func (e *execution) answer(i int) {
	s, c := e.r.session, e.r.core
	r := c.requests.get()
	r.core, r.session, r.then = c, s, e
	e.local[i] = r
	e.left++
	s.inside = r
	s.local(e.rest[i].cmd, e.rest[i].arguments())
}

// arguments takes the request apart again.
func (x *elsewhere) arguments() *arguments {
	var p resp.Parser
	lim := resp.DefaultLimits()
	p.Parse(x.frame, &lim) // it was parsed before
	return &arguments{x.frame, p.Args}
}

// send sends a request to the shards that have not executed it.
func (e *execution) send(i int) {
	s, x := e.r.session, &e.rest[i]
	g := s.core.newGather(x.cmd.Merge)
	g.req, g.done = e.r, e.arrived
	e.parts[i] = g
	if x.cmd.Merge == command.Slowlog {
		g.most = slowlogCount(x.arguments())
	}
	if x.apart {
		g.merge = command.First
		g.parts = append(g.parts, part{shard: s.pool.ring.OwnerString(x.channel)})
	} else {
		for i := range s.pool.snap.Shards {
			g.parts = append(g.parts, part{shard: i})
		}
	}
	e.left++
	g.missing = len(g.parts) + 1
	for i := range g.parts {
		p := &g.parts[i]
		if !x.apart && s.pool.is(p.shard, e.home) { // it has done so
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
		e.release()
		e.r.core.release(e.r)
		return
	}
	if err := e.assemble(); err != nil {
		e.release()
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
		if x.apart {
			n++
		}
	}
	out := &e.r.reply
	out.Append(c.buffer, resp.AppendArray(nil, n))
	for i := range n {
		var own []byte
		next := len(e.rest) > 0 && e.rest[0].index == i
		if !next || !e.rest[0].apart {
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
		if r := e.local[0]; r != nil {
			out.Take(c.buffer, &r.reply)
			c.release(r)
			e.rest, e.parts, e.local = e.rest[1:], e.parts[1:], e.local[1:]
			continue
		}
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
		e.rest, e.parts, e.local = e.rest[1:], e.parts[1:], e.local[1:]
	}
	return nil
}

// done passes the transaction's reply on.
func (e *execution) done() {
	e.r.reply.Take(e.r.core.buffer, &e.reply)
	e.r.complete()
}
