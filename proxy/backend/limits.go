package backend

import (
	"errors"
	"time"
)

// Expire fails the calls whose time has run out, and gives the connection up
// if it was not made in time or its node has been silent for twice the limit.
func (c *Conn) Expire(now int64) {
	if (c.state == Dialing || c.state == Greeting) && now >= c.dialBy {
		c.abort(Down, c.whyNot())
		return
	}
	if by := c.answerBy(); by != 0 && now >= by {
		if c.state == Ready {
			c.abort(Timeout, errNoReply(c.Timeout))
		} else {
			c.abort(Down, errDialTimeout)
		}
		return
	}
	expired := false
	for c.overdue(now) && !c.headBegun() {
		call := c.pop()
		if !call.joined { // those of one line have one reply, and one deadline
			c.late++
		}
		expired = true
		c.Stats.Timeouts++
		call.To.Fail(call, c.fault(Timeout, errNoReply(c.Timeout), true))
	}
	if c.expireHeld(now) && c.Owner != nil && c.state != Ready {
		c.abort(Down, c.whyNot()) // what follows is of no use without it
		return
	}
	c.relieve()
	c.resume(now)
	if c.retire {
		c.Retire() // if that was the last
	}
	if c.state == Waiting && now >= c.retryAt && (c.InFlight() > 0 || c.silent) {
		c.dial(now)
	}
	if c.state != Ready {
		return
	}
	if c.heir != nil {
		c.leaveBy = max(c.leaveBy, c.heardAt+leaveWithin) // it answers, though slowly
	}
	if c.leaveBy != 0 && now >= c.leaveBy && (c.calls.n > 0 || c.Owner != nil) {
		c.abort(Lost, errReplaced)
		return
	}
	if expired {
		c.failures++
		c.host.Failed(c, c.fault(Timeout, errNoReply(c.Timeout), true))
	}
	if (c.late > 0 || c.overdue(now)) && c.Timeout > 0 && now > c.silentBy() {
		c.silent = c.Owner == nil
		c.abort(Lost, errNoReply(2*c.Timeout))
	}
}

// stuck reports whether the node has been silent for as long as a call may take, though it
// owes replies: others would only wait in vain. Once the connection was given up for it, the
// node has to answer a PING first.
func (c *Conn) stuck(now int64) bool {
	if c.state == Ready {
		return c.late > 0 && c.Owner == nil && now-c.heardAt > int64(c.Timeout)
	}
	return c.silent
}

// whyNot is why no connection was made in time.
func (c *Conn) whyNot() error {
	if c.Addr == "" {
		return errNowhere
	}
	return errDialTimeout
}

// Excuse is told that the proxy did not run for d, until now: the node may have said what
// was not read. A limit that runs is moved by d, but for one of twice d or more: there is
// time left to hear the node. What begins after now has its own.
func (c *Conn) Excuse(d time.Duration, now int64) {
	c.heardAt = min(c.heardAt+int64(d), now)
	if c.askedAt != 0 {
		c.askedAt = min(c.askedAt+int64(d), now)
	}
	if 2*d > c.DialTimeout {
		c.dialBy += int64(d)
	}
	if 2*d <= c.Timeout {
		return
	}
	for call := range c.Under {
		if call.deadline != 0 {
			call.deadline += int64(d)
		}
	}
}

// overdue reports whether the time of the first call has run out.
func (c *Conn) overdue(now int64) bool {
	h := c.calls.head
	return h != nil && h.deadline != 0 && now >= h.deadline
}

// headBegun reports whether the first call's reply is on the way in; then only
// its end, or that of the connection, can end the call.
func (c *Conn) headBegun() bool {
	return c.late == 0 && c.greet.left == 0 && !c.push && (c.cut.Begun() || c.text.Begun() || c.share.on)
}

// expireHeld fails the calls whose time ran out while they waited to be sent.
func (c *Conn) expireHeld(now int64) (expired bool) {
	for _, s := range [...]*stash{&c.again, &c.next} {
		for h := s.calls.head; h != nil && h.deadline != 0 && now >= h.deadline; h = s.calls.head {
			s.pop(c.pool)
			c.Stats.Timeouts++
			expired = true
			h.To.Fail(h, c.lateErr())
		}
	}
	return expired
}

func (c *Conn) silentBy() int64 { return c.heardAt + 2*int64(c.Timeout) }

// answerBy returns until when the node has to say something because of Ask, 0 if it
// need not.
func (c *Conn) answerBy() int64 {
	if c.askedAt == 0 || c.Timeout == 0 {
		return 0
	}
	return max(c.askedAt, c.heardAt) + int64(c.Timeout)
}

// Deadline returns when Expire has something to do next, in ns; 0: never.
func (c *Conn) Deadline() int64 {
	d := int64(0)
	if c.state == Dialing || c.state == Greeting {
		d = c.dialBy
	}
	if (c.late > 0 || c.headBegun() && c.calls.n > 0) && c.Timeout > 0 {
		d = c.silentBy() + 1
	}
	if h := c.calls.head; h != nil && h.deadline != 0 && !c.headBegun() && (d == 0 || h.deadline < d) {
		d = h.deadline
	}
	if by := c.answerBy(); by != 0 && (d == 0 || by < d) {
		d = by
	}
	for _, h := range [...]*Call{c.again.calls.head, c.next.calls.head} {
		if h != nil && h.deadline != 0 && (d == 0 || h.deadline < d) {
			d = h.deadline
		}
	}
	if c.state == Waiting && (c.InFlight() > 0 || c.silent) && (d == 0 || c.retryAt < d) {
		d = c.retryAt
	}
	if c.holding && c.resumeAt != 0 && (d == 0 || c.resumeAt < d) {
		d = c.resumeAt
	}
	if c.leaveBy != 0 && (c.calls.n > 0 || c.Owner != nil) && (d == 0 || c.leaveBy < d) {
		d = c.leaveBy
	}
	if by := c.heardAt + int64(busyAfter); c.runsScript() && (d == 0 || by < d) {
		d = by
	}
	return d
}

func (c *Conn) backoff() time.Duration {
	d := c.MinBackoff << min(max(c.failures-1, 0), 20)
	if d > c.MaxBackoff || d <= 0 {
		d = c.MaxBackoff
	}
	return d/2 + time.Duration(float64(d/2)*c.host.Rand())
}

var (
	errDialTimeout = errors.New("could not connect in time")
	errNowhere     = errors.New("no Sentinel has said which node is its primary")
)
