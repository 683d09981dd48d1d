package backend

import (
	"maps"

	"github.com/shardring/shardring/proxy/iobuf"
)

// A node may lose its place, as a primary or as a replica that is read from. Then another
// Conn takes what this one holds: its heir, or its Fallback.

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

// Wanted connects if calls wait for it.
func (c *Conn) Wanted(now int64) {
	if !c.again.empty() || !c.next.empty() {
		c.Open(now)
		c.resume(now)
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
	if to := c.last(); to == c || !to.retire || to.state != Retired && to.state != Closing {
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
