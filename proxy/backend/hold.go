package backend

import (
	"bytes"
	"errors"
	"maps"
	"strings"

	"github.com/shardring/shardring/proxy/iobuf"
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
	// leaveWithin is how long a node that lost its place has to answer what is under
	// way, before its calls are given up.
	leaveWithin = 500e6 // ns
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
		to.resume(c.heardAt)
	}
}

func (c *Conn) heldCall(call *Call, now int64) {
	c.putBehind(call.Key)
	if call.deadline == 0 {
		call.deadline = now + heldFor
	}
}

// last returns the Conn that takes the calls of c: that of the node which has its
// node's place now, else c.
func (c *Conn) last() *Conn {
	for c.heir != nil {
		c = c.heir
	}
	return c
}

// Heir returns the Conn that takes what is said to c's place from now on: c itself, unless
// another node has its node's.
func (c *Conn) Heir() *Conn { return c.last() }

// holder returns the Conn where calls that are refused here are held, nil if it has gone
// too.
func (c *Conn) holder() *Conn {
	if to := c.last(); to == c || !to.retire {
		return to
	}
	return nil
}

// fallBack has another Conn take a call, whose request are the first n bytes of src.
func (c *Conn) fallBack(call *Call, src *iobuf.Queue, n int) {
	call.again = true
	to := c.Fallback.last()
	if err := to.use(c.heardAt); err != nil {
		move(c.pool, nil, src, n)
		call.To.Fail(call, err)
		return
	}
	move(c.pool, to.place(call, c.heardAt), src, n)
}

// requestLen returns the length of the first call's request; end is that of the last.
func (c *Conn) requestLen(end uint64) int {
	if next := c.calls.head.next; next != nil {
		end = next.at
	}
	return int(end - c.calls.head.at)
}

// end is where the next request will begin.
func (c *Conn) end() uint64 { return c.written + uint64(c.Out.Len()) }

// Wrote is called by the driver when n bytes from the front of Out were written.
func (c *Conn) Wrote(n int) {
	if c.Owner != nil || c.late > 0 && c.calls.n == 0 {
		c.Out.Discard(c.pool, n)
		c.written += uint64(n)
		c.kept.Reset(c.pool)
		c.keptAt = c.written
		return
	}
	move(c.pool, &c.kept, &c.Out, n)
	c.written += uint64(n)
}

// forget drops the requests that have been answered.
func (c *Conn) forget() {
	upto := c.written
	if h := c.calls.head; h != nil && h.at < upto {
		upto = h.at
	}
	if n := int(upto - c.keptAt); n > 0 {
		c.kept.Discard(c.pool, n)
		c.keptAt = upto
	}
}

// pop takes the first call from those under way.
func (c *Conn) pop() *Call {
	c.ended++
	return c.calls.pop()
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

func (s *stash) headLen() int {
	if next := s.calls.head.next; next != nil {
		return int(next.at - s.base)
	}
	return s.bytes.Len()
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
	c.wake()
}

// Bequeath hands what waits to heir, a Conn to the node that takes this one's place,
// and what is refused from now on too. heir holds back the sessions with something under
// way here until that is answered.
func (c *Conn) Bequeath(heir *Conn, now int64) {
	c.heir, heir.prev = heir, c
	c.leaveBy = now + leaveWithin
	for _, f := range [...]*fifo{&c.calls, &c.again.calls, &c.next.calls} {
		for call := f.head; call != nil; call = call.next {
			heir.putBehind(call.Key)
			if call.deadline == 0 && f != &c.calls {
				call.deadline = now + heldFor
			}
		}
	}
	if c.stale != nil && heir.stale == nil {
		heir.stale = map[uint64]struct{}{}
	}
	maps.Copy(heir.stale, c.stale)
	heir.again.take(c.pool, &c.again)
	c.next.take(c.pool, &heir.next) // what is refused here from now on comes before all of it
	heir.next.take(c.pool, &c.next)
	c.behind, c.stale, c.holding = nil, nil, false
	heir.Wanted(now)
}

// Doubtful is told whether the node of a replica is not to be read from any more. What is
// under way there has a little time to be answered, then it is said to the Fallback.
func (c *Conn) Doubtful(doubtful bool, now int64) {
	switch {
	case !doubtful:
		c.leaveBy = 0
	case c.leaveBy == 0:
		c.leaveBy = now + answerWithin
	}
}

// Leave ends a connection of a session's own soon: another node has taken the node's
// place, and what the node keeps for the session is of no use any more.
func (c *Conn) Leave(now int64) {
	if c.leaveBy == 0 {
		c.leaveBy = now + leaveWithin
	}
}

// succeeded reports whether nothing is under way any more where c's node has taken
// another's place.
func (c *Conn) succeeded() bool {
	for p := c.prev; p != nil; p = c.prev {
		if p.calls.n > 0 {
			return false
		}
		p.heir = c // whoever lost its place twice
		c.prev = p.prev
	}
	return true
}

// Wanted connects if calls wait for it.
func (c *Conn) Wanted(now int64) {
	if !c.again.empty() || !c.next.empty() {
		c.Open(now)
		c.resume(now)
	}
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
