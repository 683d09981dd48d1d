package session

import (
	"bytes"

	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/resp"
)

// transaction is a session's WATCH and MULTI. It is one shard's: that of the first
// key. Until a key is named it is nowhere, and what is queued meanwhile is kept
// here.
//
//	        MULTI             a key               EXEC, DISCARD
//	none ----------> open ----------> open, on ------------------> none
//	  |                                  ^
//	  +---> on (WATCH) ------ MULTI -----+
type transaction struct {
	open    bool   // MULTI was said
	on      *owned // where it is; nil: no shard yet
	begun   bool   // MULTI was sent there
	watched bool   // WATCH was
	spoiled bool   // something was refused: EXEC executes nothing
	missed  bool   // the connection that watched was lost: EXEC executes nothing
	writes  bool   // something in it writes
	count   int    // of what is in it
	kept    []byte // requests that came before the first key
	rest    []elsewhere
	size    int // bytes that kept and rest were given
}

// none reports whether there is no transaction, and nothing watched.
func (t *transaction) none() bool { return !t.open && t.on == nil && !t.missed }

// spoil has the transaction that is open end without being executed.
func (t *transaction) spoil() { t.spoiled = t.open }

// lost forgets the connection o.
func (t *transaction) lost(o *owned) {
	if t.on != o {
		return
	}
	if t.missed = t.watched; t.begun {
		t.spoiled = true
	}
	t.on, t.begun, t.watched = nil, false, false
}

// The errors of Redis's multi.c and server.c.
const (
	errExecAbort   command.Error = "EXECABORT Transaction discarded because of previous errors."
	errNested      command.Error = "ERR MULTI calls can not be nested"
	errExecAlone   command.Error = "ERR EXEC without MULTI"
	errDropAlone   command.Error = "ERR DISCARD without MULTI"
	errWatchInside command.Error = "ERR WATCH inside MULTI is not allowed"
	errNoMulti     command.Error = "ERR Command not allowed inside a transaction"
)

// transact handles MULTI, EXEC, DISCARD, WATCH and UNWATCH. It returns false as
// handle.
func (s *Session) transact(cmd *command.Command, a *arguments) bool {
	pr := s.priv()
	t := &pr.tx
	switch cmd.Name {
	case "multi":
		if t.open {
			s.begin().finishError(errNested.Error())
			return true
		}
		t.open = true
		s.heat()
		s.begin().finish(okReply)
	case "watch":
		return s.watch(cmd, a)
	case "unwatch":
		if t.on == nil {
			t.missed = false
			s.begin().finish(okReply)
			return true
		}
		if s.fence() {
			return false
		}
		o := t.on
		*t = transaction{}
		s.sendOwn(o, a.frame)
	case "exec":
		return s.exec(a)
	case "discard":
		if !t.open {
			s.begin().finishError(errDropAlone.Error())
			return true
		}
		s.discard()
	}
	return true
}

var okReply = []byte("+OK\r\n")

// watch sends WATCH to the shard of its keys.
func (s *Session) watch(cmd *command.Command, a *arguments) bool {
	t := &s.private.tx
	if t.open {
		s.begin().finishError(errWatchInside.Error())
		return true
	}
	if s.fence() {
		return false
	}
	shard, ok := s.owner(cmd, a)
	if !ok {
		return true
	}
	if t.on != nil && !s.pool.is(shard, t.on.key) {
		s.refuse(command.CrossShard)
		return true
	}
	t.on, t.watched = s.own(shard), true
	s.sendOwn(t.on, a.frame)
	return true
}

// exec executes the transaction, or says why not.
func (s *Session) exec(a *arguments) bool {
	t := &s.private.tx
	switch {
	case !t.open:
		s.begin().finishError(errExecAlone.Error())
		return true
	case t.spoiled:
		r := s.begin()
		s.forsake()
		r.finishError(errExecAbort.Error())
		return true
	case t.missed: // as if a key that was watched had changed
		r := s.begin()
		s.forsake()
		r.finish(s.appendNullArray(nil))
		return true
	}
	if t.on == nil && t.count == 0 {
		r := s.begin()
		*t = transaction{}
		s.heat()
		r.finish([]byte("*0\r\n"))
		return true
	}
	if !t.begun && s.fence() {
		return false
	}
	if t.on == nil {
		t.on = s.own(0) // no key anywhere: any shard will do
	}
	s.beginTransaction()
	o, rest := t.on, t.rest
	*t = transaction{}
	s.heat()
	if rest != nil {
		s.execute(o, a.frame, rest)
	} else {
		s.sendOwn(o, a.frame)
	}
	return true
}

// discard ends the transaction; its shard says OK, if it has one.
func (s *Session) discard() {
	t := s.private.tx
	s.private.tx = transaction{}
	s.heat()
	switch {
	case t.begun:
		s.sendOwn(t.on, resp.AppendRequest(nil, "DISCARD"))
	case t.watched:
		s.sendOwn(t.on, resp.AppendRequest(nil, "UNWATCH"))
	default:
		s.begin().finish(okReply)
	}
}

// forsake ends the transaction, and does not wait until its shard has.
func (s *Session) forsake() {
	t := s.private.tx
	s.private.tx = transaction{}
	s.heat()
	switch {
	case t.begun:
		s.sendSilently(t.on, "DISCARD")
	case t.watched:
		s.sendSilently(t.on, "UNWATCH")
	}
}

// queue handles a request within a transaction. It returns false as handle.
func (s *Session) queue(cmd *command.Command, a *arguments) bool {
	t := &s.private.tx
	switch cmd.Name {
	case "multi", "exec", "discard", "watch", "quit", "reset":
		return s.route(cmd, a)
	}
	if cmd.Flags&command.NoMulti != 0 {
		s.refuse(errNoMulti)
		return true
	}
	shard, bound, err := s.place(cmd, a)
	if err == nil && cmd.Name == "config|set" && setsListening(a) {
		err = notInTransaction(cmd) + " when it says where the server listens"
	}
	if err != nil {
		s.refuse(err)
		return true
	}
	if (t.on != nil || bound) && !t.begun && s.fence() {
		return false
	}
	x := elsewhere{index: t.count, cmd: cmd}
	t.count++
	t.writes = t.writes || s.mayWrite(cmd, a)
	x.here = cmd.Route == command.Local && !onAnyShard(cmd)
	x.apart = x.here
	if cmd.Name == "publish" || cmd.Name == "spublish" {
		shard := s.pool.ring.Owner(a.At(1))
		x.apart = t.on == nil || !s.pool.is(shard, t.on.key)
		x.channel = string(a.At(1))
	}
	if x.apart || cmd.Route == command.All && (len(s.pool.snap.Shards) > 1 || cmd.Merge == command.Settings) {
		if !s.keeps(len(a.frame)) {
			return true
		}
		x.frame = bytes.Clone(a.frame)
		t.rest = append(t.rest, x)
	}
	if x.apart {
		s.begin().finish(queuedReply)
		return true
	}
	s.noteScript(cmd, a)
	frame := s.embodied(cmd, a)
	switch {
	case t.on == nil && !bound:
		if s.keeps(len(frame)) {
			t.kept = append(t.kept, frame...)
			s.begin().finish(queuedReply)
		}
		return true
	case t.on == nil:
		t.on = s.own(shard)
	case bound && !s.pool.is(shard, t.on.key):
		s.refuse(command.CrossShard)
		return true
	}
	s.beginTransaction()
	s.sendOwn(t.on, frame)
	return true
}

// keeps counts n bytes of a transaction that are kept here. It refuses what is too
// much.
func (s *Session) keeps(n int) bool {
	t := &s.private.tx
	if t.size += n; t.size > s.core.limits.Output {
		s.refuse(errTooMuchKept)
		return false
	}
	return true
}

var queuedReply = []byte("+QUEUED\r\n")

const errTooMuchKept command.Error = "ERR shardring: too much in a transaction that is not for its shard alone"

// place returns the shard that a request of a transaction is for; bound is false
// if any would do.
func (s *Session) place(cmd *command.Command, a *arguments) (shard int, bound bool, err error) {
	c := s.core
	switch {
	case len(s.pool.snap.Shards) == 1 && cmd.Whole:
		return 0, true, nil // what the only shard makes of it
	case s.pool.table.Unpaired(a) != nil:
		return 0, false, nil // an error of EXEC's, on any shard
	}
	switch cmd.Route {
	case command.Single, command.Split, command.Own:
		if cmd.Route == command.Own && cmd.Flags&command.PubSub != 0 {
			return 0, false, notInTransaction(cmd)
		}
		keys, err := cmd.Keys(c.keys[:0], a)
		c.keys = keys[:0]
		if err != nil || len(keys) == 0 {
			return 0, false, nil // a wrong number of keys is an error of EXEC's, on any shard
		}
		shard = s.pool.ring.Owner(a.At(keys[0]))
		for _, k := range keys[1:] {
			if !s.pool.random && s.pool.ring.Owner(a.At(k)) != shard {
				return 0, false, command.CrossShard
			}
		}
		return shard, true, nil
	case command.All:
		if cmd.Merge == command.Scan || cmd.Merge == command.RandomKey {
			return 0, false, notInTransaction(cmd) + ": a transaction is one shard's"
		}
		return 0, false, nil
	case command.Local:
		switch cmd.Name {
		case "select", "hello", "auth", "client|reply", "client|tracking", "client|caching":
			return 0, false, notInTransaction(cmd)
		}
		return 0, false, nil
	}
	return 0, false, cmd.Reason()
}

func notInTransaction(cmd *command.Command) command.Error {
	return command.Error("ERR shardring: '" + cmd.Name + "' is not supported in a transaction")
}

// onAnyShard reports whether a command that is answered here may as well be a
// shard's, as part of a transaction.
func onAnyShard(cmd *command.Command) bool {
	switch cmd.Name {
	case "ping", "echo", "time":
		return true
	}
	return false
}

// beginTransaction sends MULTI, and what was kept, where the transaction is.
func (s *Session) beginTransaction() {
	t := &s.private.tx
	if t.begun {
		return
	}
	t.begun = true
	s.sayCaching(t.on.conn)
	s.sendSilently(t.on, "MULTI")
	var p resp.Parser
	lim := resp.DefaultLimits()
	for b := t.kept; len(b) > 0 && t.on != nil; {
		n, st, _ := p.Parse(b, &lim)
		if st != resp.Complete {
			break // not reachable: it was parsed before
		}
		s.toOwn(t.on, &silence{s: s}, b[:n])
		b = b[n:]
		p.Reset()
	}
	t.kept = nil
}
