package session

import (
	"slices"

	"github.com/shardring/shardring/proxy/backend"
	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/resp"
)

// evaluation is an EVALSHA under way whose script the pool keeps, with what it takes to
// say it again as EVAL to a node that has lost the script.
type evaluation struct {
	call    backend.Call
	r       *Request
	conn    *backend.Conn
	cmd     *command.Command
	digest  digest
	n       int    // of arguments
	rest    []byte // those after the digest, as they came; they count as held
	caching string // what CLIENT CACHING said of it
	seen    int    // bytes of noScript that have come
}

// noScript is what a node says that does not know the script of an EVALSHA: it has
// executed nothing. Other errors of this code are a script's own, which may have written
// before. A script that returns these very words, and it alone, is executed twice.
const noScript = "-NOSCRIPT No matching script. Please use EVAL.\r\n"

// byDigest reports whether a command names its script so.
func byDigest(cmd *command.Command) bool {
	return cmd.Name == "evalsha" || cmd.Name == "evalsha_ro"
}

// afterDigest returns the arguments that follow the digest, as they came.
func afterDigest(a *arguments) []byte { return a.frame[a.spans[1].End+2:] }

// evaluate sends an EVALSHA whose script is kept, and reports whether it did: after the
// script itself, over a connection that has not carried it since it was made.
func (s *Session) evaluate(shard int, cmd *command.Command, a *arguments) bool {
	if !byDigest(cmd) {
		return false
	}
	body, epoch := s.pool.shared.scripts.body(a.At(1))
	if body == "" {
		return false
	}
	e := s.core.evaluations.get()
	e.r, e.cmd, e.n, e.rest = s.begin(), cmd, a.Len(), append(e.rest, afterDigest(a)...)
	e.digest, _ = digestOf(a.At(1))
	e.call.To, e.call.Script = e, true
	s.label(&e.call)
	s.held += len(e.rest)
	s.load(s.conn(shard), e.digest, body, epoch)
	if pr := s.private; pr != nil && pr.track != nil {
		e.caching = pr.track.caching
	}
	conn, q, err := s.pool.begin(shard, s, &e.call)
	if err != nil {
		e.Fail(&e.call, err)
		return true
	}
	e.conn = conn
	s.write(conn, q, a.frame)
	return true
}

// load has a connection carry a script that it has not carried.
func (s *Session) load(conn *backend.Conn, d digest, body string, epoch uint64) {
	if conn.ScriptsEpoch == epoch && conn.Scripts[d] {
		return
	}
	l := &loading{conn: conn, digest: d}
	l.call.To, l.call.Key, l.call.Inert = l, s.id, true
	_, q, err := s.pool.beginOn(conn, &l.call)
	if err != nil {
		return
	}
	if conn.Scripts == nil || conn.ScriptsEpoch != epoch { // also if it was just dialled
		conn.Scripts, conn.ScriptsEpoch = map[[40]byte]bool{}, epoch
	}
	conn.Scripts[d] = true
	b := resp.AppendRequest(nil, "SCRIPT", "LOAD", body)
	conn.Stats.RequestBytes += uint64(len(b))
	q.Append(s.core.buffer, b)
}

// Reply passes the reply on, unless the node has lost the script.
func (e *evaluation) Reply(_ *backend.Call, part []byte, done bool) {
	if left := noScript[e.seen:]; len(part) <= len(left) && string(part) == left[:len(part)] {
		if e.seen += len(part); done {
			e.lost()
		}
		return
	}
	r, held := e.r, e.seen
	if e.seen = len(noScript); held < len(noScript) && held > 0 {
		r.Reply(nil, []byte(noScript[:held]), false)
	}
	if done {
		e.end()
	}
	r.Reply(nil, part, done)
}

// Fail answers with an error that names the shard.
func (e *evaluation) Fail(_ *backend.Call, err *backend.Error) {
	r := e.r
	e.end()
	r.Fail(nil, err)
}

// lost has the node told again, in words. That comes after whatever the session has sent
// there meanwhile: if there is anything, its order goes first, and the client hears that
// the script is missing.
func (e *evaluation) lost() {
	s := e.r.session
	e.conn = e.conn.Heir()
	if s == nil || s.follows(e.conn) {
		e.refused()
		return
	}
	s.fence()
	s.core.later = append(s.core.later, e.again)
}

// again sends the EVAL. The session has sent nothing since: it is fenced.
func (e *evaluation) again() {
	r := e.r
	if r.session == nil {
		e.refused()
		return
	}
	s := r.session
	body, _ := s.pool.shared.scripts.body(e.digest[:])
	if body == "" { // flushed meanwhile
		e.refused()
		return
	}
	if o, ok := e.conn.Owner.(*owned); ok && e.caching != "" {
		s.sendSilently(o, "CLIENT", "CACHING", e.caching)
	}
	r.call.To, r.call.Script = r, true
	r.call.Key, r.call.ReadOnly = s.id, e.cmd.Flags&command.ReadOnly != 0
	conn, q, err := s.pool.beginOn(e.conn, &r.call)
	if err != nil {
		e.refused() // which is true still
		return
	}
	s.write(conn, q, appendEval(nil, e.cmd, e.n, body, e.rest))
	e.end()
}

// refused tells the client what the node said. The next EVALSHA brings the script.
func (e *evaluation) refused() {
	r := e.r
	delete(e.conn.Scripts, e.digest)
	e.end()
	r.Reply(nil, []byte(noScript), true)
}

// end gives the evaluation back.
func (e *evaluation) end() {
	c := e.r.core
	if s := e.r.session; s != nil {
		s.held -= len(e.rest)
	}
	rest := e.rest[:0]
	if cap(rest) > maxRest {
		rest = nil
	}
	*e = evaluation{rest: rest}
	c.evaluations.put(e)
}

// maxRest is how many bytes of arguments an evaluation keeps room for.
const maxRest = 4096

// follows reports whether something of the session's is under way on a connection.
func (s *Session) follows(c *backend.Conn) bool {
	for call := range c.Under {
		if sessionOf(call) == s {
			return true
		}
	}
	return false
}

// embodied returns what is sent in a transaction for a request: an EVALSHA becomes an
// EVAL, with the script that is kept. Within MULTI a node queues whatever it is told, and
// says only in EXEC's reply that it does not know a script.
func (s *Session) embodied(cmd *command.Command, a *arguments) []byte {
	if !byDigest(cmd) {
		return a.frame
	}
	body, _ := s.pool.shared.scripts.body(a.At(1))
	if body == "" {
		return a.frame
	}
	s.owned = nil // what is sent is not its buffer
	return appendEval(nil, cmd, a.Len(), body, afterDigest(a))
}

// appendEval appends the EVAL, or EVAL_RO, that does what an EVALSHA of n arguments does;
// rest are those after the digest, as they came.
func appendEval(b []byte, cmd *command.Command, n int, body string, rest []byte) []byte {
	name := "EVAL"
	if cmd.Name == "evalsha_ro" {
		name = "EVAL_RO"
	}
	b = slices.Grow(b, 64+len(body)+len(rest))
	b = resp.AppendBulk(resp.AppendBulk(resp.AppendArray(b, n), name), body)
	return append(b, rest...)
}

// loading is a script on its way to a node.
type loading struct {
	call   backend.Call
	conn   *backend.Conn
	digest digest
	begun  bool
}

// Reply: a node that refuses, because it is loading its data, is told again.
func (l *loading) Reply(_ *backend.Call, part []byte, _ bool) {
	if !l.begun && part[0] == '-' {
		delete(l.conn.Scripts, l.digest)
	}
	l.begun = true
}

func (*loading) Fail(*backend.Call, *backend.Error) {}
