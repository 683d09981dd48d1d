package session

import (
	"bytes"

	"github.com/shardring/shardring/proxy/backend"
	"github.com/shardring/shardring/proxy/iobuf"
)

// waiting is a command that waits for something to happen, with what it takes to ask
// again at the node that takes its node's place: a node that becomes a replica throws
// out all who wait, and none of them was given anything.
type waiting struct {
	call  backend.Call
	r     *Request
	shard string // its name
	frame iobuf.Queue
	size  int    // bytes of frame
	line  []byte // of an error that may throw it out, as far as it has come
	begun bool   // the reply is something else
	since int64  // when it was thrown out first, ns; 0: it was not
	again int64  // ask again then, ns
}

// thrownOut are the beginnings of the errors of a node that has given nothing, because it
// cannot now.
var thrownOut = [...]string{
	"-UNBLOCKED force unblock from blocking operation, instance state changed",
	"-READONLY ", "-LOADING ", "-MASTERDOWN ", "-NOREPLICAS ",
}

// A command that was thrown out is asked again every askAgain until it was refused for
// giveUp; if it waits then, its time begins anew.
const (
	askAgain  = 20e6 // ns
	giveUp    = 5e9  // ns
	maxThrown = 256  // bytes of such an error
)

// ask sends the command over the session's own connection to its shard.
func (w *waiting) ask(frame []byte) {
	s := w.r.session
	i := s.pool.snap.Index(w.shard)
	o := s.own(i)
	s.private.wait = o
	conn, q, err := s.pool.beginOn(o.conn, &w.call)
	if err != nil {
		w.Fail(&w.call, err)
		return
	}
	s.write(conn, q, frame)
}

// Reply passes the reply on, unless it throws the command out.
func (w *waiting) Reply(_ *backend.Call, part []byte, done bool) {
	if w.begun || len(w.line) == 0 && part[0] != '-' || len(w.line)+len(part) > maxThrown {
		w.pass(part, done)
		return
	}
	if w.line = append(w.line, part...); !done {
		return
	}
	s := w.r.session
	if s == nil || !isThrownOut(w.line) {
		w.pass(nil, true)
		return
	}
	p, now := s.pool, s.core.now
	if w.since == 0 {
		w.since = now
	}
	if now-w.since > giveUp || s.private.tx.open {
		w.pass(nil, true)
		return
	}
	p.topo.Doubt(w.shard)
	w.again = now + askAgain
	p.thrown = append(p.thrown, w)
}

func isThrownOut(line []byte) bool {
	for _, t := range thrownOut {
		if bytes.HasPrefix(line, []byte(t)) {
			return true
		}
	}
	return false
}

// pass gives the request what has come.
func (w *waiting) pass(part []byte, done bool) {
	line := append(w.line, part...)
	w.begun, w.line = true, nil
	if done {
		w.frame.Reset(w.r.core.buffer)
	}
	w.r.Reply(&w.call, line, done)
}

// Fail answers with an error that names the shard.
func (w *waiting) Fail(_ *backend.Call, err *backend.Error) {
	w.frame.Reset(w.r.core.buffer)
	w.r.Fail(&w.call, err)
}

// askThrown asks again for those whose time it is.
func (p *Pool) askThrown() {
	var due []*waiting
	kept := p.thrown[:0]
	for _, w := range p.thrown {
		if p.core.now >= w.again || w.r.session == nil {
			due = append(due, w)
		} else {
			kept = append(kept, w)
		}
	}
	clear(p.thrown[len(kept):])
	p.thrown = kept
	for _, w := range due {
		s := w.r.session
		if s == nil || p.snap.Index(w.shard) < 0 {
			w.pass(nil, true)
			continue
		}
		s.release() // what it had at the node that threw it out
		w.line = w.line[:0]
		frame := make([]byte, w.size)
		w.frame.Peek(frame)
		w.ask(frame)
	}
}
