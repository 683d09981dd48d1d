package backend

import (
	"bytes"
	"errors"
	"strings"
)

// A node that refuses a call has not executed it: it follows another node, loads
// its data, lacks replicas. Such a call is held, and said again to the node, or to
// the one that takes its place, until its time runs out; then the client hears
// what the node said.
//
//	calls ──refused──► again ─┐
//	      ──lost: reads ──►   ├──► calls, once all that was under way is answered
//	Begin ──behind────► next ─┘
//
// Only sessions with something held wait: what they say afterwards stands in next,
// so it stays behind. Others' requests go on. What such a session had under way
// when the first was refused: refused too, it is held; a read that was answered is
// held as well, and read again; a write that was executed cannot be taken back, so
// what is held before it is answered with the node's refusal.

const (
	// againAfter is how long a refused call waits before it is said again to
	// the same node.
	againAfter = 20e6 // ns
	// heldFor is how long a call without a time limit is held at most.
	heldFor = 5e9 // ns
	// leaveWithin is how long a node that lost its place may say nothing while something
	// is under way, before its calls are given up.
	leaveWithin = 800e6 // ns
	// answerWithin is the same for a replica that is not to be read from.
	answerWithin = 100e6 // ns
	// maxKept is how many bytes of requests may be under way before the Conn is Full.
	maxKept = 16 << 20
)

// holds reports whether a call has to wait, in next.
func (c *Conn) holds(call *Call) bool {
	if _, behind := c.behind[call.Key]; behind {
		return true
	}
	if c.frozen && !call.ReadOnly {
		c.putBehind(call.Key)
		return true
	}
	return false
}

// putBehind has what a session says from now on wait behind what is held.
func (c *Conn) putBehind(key uint64) {
	if c.behind == nil {
		c.behind = map[uint64]struct{}{}
	}
	c.behind[key] = struct{}{}
	c.holding = true
}

// keepBehind has those who were here before the connection was made wait too.
func (c *Conn) keepBehind() {
	for _, s := range [...]*stash{&c.again, &c.next} {
		for call := s.calls.head; call != nil; call = call.next {
			c.heldCall(call, c.heardAt)
		}
	}
}

// Freeze has writes wait until the Conn is thawed or its place is taken: what the
// node executes now may be lost.
func (c *Conn) Freeze(frozen bool, now int64) {
	if c.frozen == frozen {
		return
	}
	c.frozen = frozen
	if frozen {
		c.holding = true
		return
	}
	c.resume(now)
}

// diverted takes a part of a reply if its call is to be held, or that is not yet
// known. It is called for connections that many share only.
func (c *Conn) diverted(call *Call, part []byte, done bool) bool {
	if c.skip {
		if done {
			c.skip = false
			c.hold(call)
		}
		return true
	}
	if len(c.line) == 0 && c.holder() == nil {
		return false
	}
	if len(c.line) == 0 && part[0] != '-' {
		if _, stale := c.last().stale[call.Key]; !stale {
			return false
		}
		if call.ReadOnly {
			c.skip = !done
			if done {
				c.hold(call)
			}
			return true
		}
		if !call.Inert {
			c.tellRefused(call.Key)
		}
		return false
	}
	if len(c.line)+len(part) > maxRefusal { // it is something else
		c.flushLine(call)
		return false
	}
	c.line = append(c.line, part...)
	if !done {
		return true
	}
	if !isRefusal(c.line, call.Script) {
		if _, stale := c.last().stale[call.Key]; stale && call.ReadOnly {
			c.line = c.line[:0]
			c.hold(call)
			return true
		} else if stale && !call.Inert {
			c.tellRefused(call.Key)
		}
		line := c.line
		c.line = nil
		c.answered(call, line, true)
		c.line = line[:0]
		return true
	}
	c.refusal = string(trim(c.line[1:]))
	c.line = c.line[:0]
	c.hold(call)
	c.host.Doubted(c)
	return true
}

func (c *Conn) flushLine(call *Call) {
	if len(c.line) > 0 {
		line := c.line
		c.line = nil
		c.answered(call, line, false)
	}
}

// hold takes the first call, which has been answered, out of those under way, to say
// it again.
func (c *Conn) hold(call *Call) {
	c.forget()
	n := c.requestLen(c.end())
	c.pop()
	c.Stats.Replies++
	if c.Fallback != nil && !call.again {
		c.keptAt += uint64(n)
		c.fallBack(call, &c.kept, n)
		return
	}
	to := c.holder()
	if to == nil {
		call.To.Fail(call, c.lateErr())
		return
	}
	q := to.again.push(call)
	move(c.pool, q, &c.kept, n)
	c.keptAt += uint64(n)
	to.heldCall(call, c.heardAt)
	if to.stale == nil {
		to.stale = map[uint64]struct{}{}
	}
	to.stale[call.Key] = struct{}{}
	to.resumeAt = c.heardAt + againAfter
	to.barrier = max(to.barrier, to.ended+uint64(to.calls.n))
	if to != c {
		to.Wanted(c.heardAt)
	}
}

func (c *Conn) heldCall(call *Call, now int64) {
	c.putBehind(call.Key)
	if call.deadline == 0 {
		call.deadline = now + heldFor
	}
}

// tellRefused fails what was held of a session before one of its writes that the node
// executed, with what the node said of it.
func (c *Conn) tellRefused(key uint64) {
	to := c.last()
	rest := stash{calls: fifo{load: to.again.calls.load}}
	for again := &to.again; !again.empty(); {
		if again.calls.head.Key == key {
			call := again.pop(c.pool)
			call.To.Fail(call, to.lateErr())
			continue
		}
		n := again.headLen()
		q := rest.push(again.calls.pop())
		move(c.pool, q, &again.bytes, n)
		again.base += uint64(n)
	}
	to.again = rest
}

// resume says what is held again, if nothing that has to be answered first is under way.
func (c *Conn) resume(now int64) {
	if !c.holding || c.state != Ready || c.frozen || now < c.resumeAt || c.ended < c.barrier || !c.succeeded() {
		return
	}
	c.flow(now)
}

// flow gives everything that waits to the connection.
func (c *Conn) flow(now int64) {
	c.holding, c.behind, c.stale, c.barrier, c.resumeAt = c.frozen, nil, nil, 0, 0
	if c.calls.n+c.late == 0 {
		c.heardAt = now
	}
	for _, s := range [...]*stash{&c.again, &c.next} {
		c.calls.take(&s.calls, c.end()-s.base)
		c.Out.Take(c.pool, &s.bytes)
		s.base = 0
	}
	c.getter = nil
	c.wake()
}

// lateErr is the error of a call that the node would not execute until its time
// was over.
func (c *Conn) lateErr() *Error {
	if c.refusal != "" {
		return c.fault(Unwilling, errors.New(c.refusal), false)
	}
	if c.Addr == "" {
		return c.fault(Down, errNowhere, false)
	}
	return c.fault(Timeout, errNoReply(c.Timeout), false)
}

// failHeld fails all that waits.
func (c *Conn) failHeld(kind Kind, err error) {
	for _, s := range [...]*stash{&c.again, &c.next} {
		for !s.empty() {
			if c.Fallback != nil && !s.calls.head.again {
				n := s.headLen()
				call := s.calls.pop()
				s.base += uint64(n)
				c.fallBack(call, &s.bytes, n)
				continue
			}
			call := s.pop(c.pool)
			call.To.Fail(call, c.fault(kind, err, false))
		}
		s.bytes.Reset(c.pool)
		s.base = 0
	}
	c.behind, c.stale, c.holding = nil, nil, c.frozen
}

// wait keeps what is to be sent until the node has loaded its data.
func (c *Conn) wait() {
	c.refusal = c.lastErr.Error()
	for _, s := range [...]*stash{&c.again, &c.next} {
		for call := s.calls.head; call != nil; call = call.next {
			c.heldCall(call, c.heardAt)
		}
	}
	c.clear()
}

// loading reports whether the last connection ended because the node loads its data.
// What comes meanwhile waits.
func (c *Conn) loading() bool {
	e, busy := c.lastErr.(busyError)
	return busy && strings.HasPrefix(string(e), "LOADING ") && c.Owner == nil
}

// maxRefusal is longer than any refusal.
const maxRefusal = 256

// refusals are the beginnings of the errors by which a node says that it did not
// execute a command and might, later or elsewhere.
var refusals = [...]string{
	"-READONLY ", "-LOADING ", "-MASTERDOWN ", "-NOREPLICAS ", "-CLUSTERDOWN ", "-TRYAGAIN ",
}

// scriptRefusals are those of them that a script gets from the server before it
// has written anything. A script may say anything else itself.
var scriptRefusals = [...]string{
	"-READONLY You can't write against a read only replica.",
	"-LOADING Redis is loading the dataset in memory",
	"-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
	"-NOREPLICAS Not enough good replicas to write.",
}

func isRefusal(line []byte, script bool) bool {
	known := refusals[:]
	if script {
		known = scriptRefusals[:]
	}
	for _, k := range known {
		if bytes.HasPrefix(line, []byte(k)) {
			return true
		}
	}
	return false
}
