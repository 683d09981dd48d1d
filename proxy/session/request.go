package session

import (
	"github.com/shardring/shardring/proxy/backend"
	"github.com/shardring/shardring/proxy/iobuf"
	"github.com/shardring/shardring/shard/resp"
)

// Request is one request of a client, from when it was read until its reply is
// in the session's output: the slot that keeps replies in order.
//
// Invariant: a Request is in its session's FIFO before anything is sent for it,
// and is used again only when no connection holds a Call of it. It may outlive
// its session.
type Request struct {
	core    *Core
	session *Session // nil once the client is gone
	next    *Request // in the session's FIFO

	call    backend.Call // of a request that goes to one shard
	gather  *gather      // of one that goes to several
	reply   iobuf.Queue  // what has come and cannot go out yet
	then    *execution   // of one that is part of its reply, and in no FIFO
	text    *textRequest // what only few requests of memcached have; nil: nothing
	form    textForm     // of memcached
	mute    bool         // nobody wants the reply
	done    bool         // reply is whole
	started bool         // a part of the reply has gone out
	sent    int          // bytes of it
	held    int          // bytes that came before it was the head: counted in session.held
}

// Reply takes a part of the only shard's reply.
func (r *Request) Reply(_ *backend.Call, part []byte, done bool) {
	s := r.session
	if s == nil {
		if done {
			r.core.release(r)
		}
		return
	}
	if r.mute {
		if done {
			r.complete()
		}
		return
	}
	if s.head != r {
		r.reply.Append(r.core.buffer, part)
		r.done = done
		r.hold(len(part))
		return
	}
	if !done && !r.started && r.reply.Len()+len(part) < r.core.limits.Stream {
		r.reply.Append(r.core.buffer, part) // should its shard fail, the client gets an error
		r.hold(len(part))
		return
	}
	r.goOut()
	s.Out.Append(r.core.buffer, part)
	r.sent += len(part)
	r.started, r.done = true, done
	if done {
		s.advance()
	} else {
		s.touch()
		s.bound()
	}
}

// hold counts n bytes that have come and cannot go out yet. It may be the end of
// the session.
func (r *Request) hold(n int) {
	r.held += n
	r.session.held += n
	r.session.bound()
}

// goOut moves what has come of the reply to the output.
func (r *Request) goOut() {
	s := r.session
	if r.mute {
		r.reply.Reset(r.core.buffer)
	}
	r.sent += r.reply.Len()
	s.Out.Take(r.core.buffer, &r.reply)
	s.held -= r.held
	r.held = 0
}

// Fail answers with an error that names the shard.
func (r *Request) Fail(_ *backend.Call, err *backend.Error) {
	if r.session == nil {
		r.core.release(r)
		return
	}
	r.session.pool.Stats.Errors++
	if r.started {
		r.done = true
		r.session.breakOff()
		return
	}
	r.reply.Reset(r.core.buffer)
	if r.form != noText {
		r.finishFault(err)
		return
	}
	r.finishError(err.Reply())
}

// finishError makes text the whole reply.
func (r *Request) finishError(text string) {
	if r.form != noText {
		r.finishLine(text)
		return
	}
	r.finish(resp.AppendError(r.core.inline[:0], text))
}

// finish makes b the whole reply.
func (r *Request) finish(b []byte) {
	r.reply.Append(r.core.buffer, b)
	r.complete()
}

// complete is called when reply is whole.
func (r *Request) complete() {
	r.done = true
	if r.then != nil {
		r.then.arrived()
		return
	}
	switch s := r.session; {
	case s == nil:
		r.core.release(r)
	case s.head == r:
		s.advance()
	default:
		r.hold(r.reply.Len() - r.held)
	}
}

// drop forgets what has come of the reply: nobody wants it any more.
func (r *Request) drop() {
	r.reply.Reset(r.core.buffer)
	if r.gather != nil {
		r.gather.drop(r.core)
	}
}

// release gives a request back when nobody refers to it any more.
func (c *Core) release(r *Request) {
	r.reply.Reset(c.buffer)
	if r.gather != nil {
		c.releaseGather(r.gather)
	}
	if r.text != nil {
		c.releaseText(r.text)
	}
	*r = Request{}
	c.requests.put(r)
}
