package backend

import "errors"

// Owner is the one user of a connection of its own. Its methods must not begin
// a call from within.
type Owner interface {
	// Ready is told that the connection is made; RemoteID is known then.
	Ready(c *Conn)
	// Pushed takes the next part of what the node sends without having been
	// asked: a message, an invalidation, the answer to a SUBSCRIBE. done: it was
	// the last part. part is valid during the call only.
	Pushed(c *Conn, part []byte, done bool)
	// Lost is told that the connection ended, after its calls, and why: what the
	// node kept for it is gone.
	Lost(c *Conn, err *Error)
}

// pushed hands a part of a push to the owner.
func (c *Conn) pushed(part []byte, done bool) {
	if done {
		c.push = false
	}
	if c.Owner != nil {
		c.Owner.Pushed(c, part, done)
	}
}

// tellOwner tells the owner of the connection's end, once. The connection is not
// made again: whatever the node kept for the owner is gone with it.
func (c *Conn) tellOwner(err *Error) {
	if o := c.Owner; o != nil {
		c.Owner, c.retire = nil, true
		o.Lost(c, err)
	}
}

// Spotless reports whether a connection is as new: nothing is under way on it, and
// it has not subscribed.
func (c *Conn) Spotless() bool {
	return c.state == Ready && c.InFlight() == 0 && c.late == 0 && !c.push && !c.Subscriber
}

// Drop ends the connection at once, with whatever waits there for its owner,
// who is not told and has gone. Calls under way fail.
func (c *Conn) Drop() {
	c.Owner, c.retire = nil, true
	switch c.state {
	case Idle, Waiting:
		c.failHeld(Lost, errDropped)
		c.to(Retired)
	case Dialing, Greeting, Ready:
		c.endCalls(Lost, errDropped)
		c.to(Closing)
		c.wake()
	}
}

var errDropped = errors.New("given up by the proxy")
