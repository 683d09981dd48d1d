package backend

import (
	"errors"

	"github.com/shardring/shardring/shard/resp"
)

// Broken is called by the driver when the connection has ended or could not be
// made, err says why (io.EOF: the node closed it), and when it has closed the
// socket of a Conn in state Closing (err is then ignored). Link is nil from
// then on.
func (c *Conn) Broken(err error, now int64) {
	c.Link = nil
	switch c.state {
	case Closing:
		c.settle(now)
		return
	case Idle, Waiting, Retired:
		return
	}
	idle := c.state == Ready && c.calls.n == 0 && c.late == 0
	if isEOF(err) {
		c.Stats.EOF++
	} else {
		c.Stats.Errors++
	}
	if idle && isEOF(err) && c.Owner == nil {
		c.clear()
		c.to(Idle) // servers close idle connections; that is no failure
		return
	}
	kind := Lost
	if c.state == Dialing {
		kind = Down
	}
	c.fail(kind, err)
	c.settle(now)
}

// settle chooses the state after a connection's end.
func (c *Conn) settle(now int64) {
	if c.retire {
		c.to(Retired)
		return
	}
	c.retryAt = now + int64(c.backoff())
	c.to(Waiting)
}

// Retire ends the Conn as soon as nothing is under way on it.
func (c *Conn) Retire() {
	c.retire = true
	switch c.state {
	case Idle, Waiting:
		c.lastErr = errRetired
		c.to(Retired)
	case Ready:
		if c.calls.n == 0 && c.late == 0 {
			c.lastErr = errRetired
			c.to(Closing)
			c.wake()
		}
	}
}

// abort gives the connection up; the driver closes it.
func (c *Conn) abort(kind Kind, err error) {
	c.Stats.Errors++
	c.fail(kind, err)
	c.to(Closing)
	c.wake()
}

// fail ends all calls, and reports it.
func (c *Conn) fail(kind Kind, err error) {
	sent := c.state == Ready
	c.endCalls(kind, err)
	c.host.Failed(c, c.fault(kind, err, sent))
	c.tellOwner(c.fault(kind, err, false))
}

func (c *Conn) endCalls(kind Kind, err error) {
	sent := c.state == Ready
	c.lastErr = err
	c.failures++
	calls := c.calls
	c.calls = fifo{load: calls.load}
	c.clear()
	for calls.n > 0 {
		call := calls.pop()
		call.To.Fail(call, c.fault(kind, err, sent))
	}
}

// clear forgets everything that belonged to the last connection.
func (c *Conn) clear() {
	c.Out.Reset(c.pool)
	c.held.Reset(c.pool)
	c.late, c.cut, c.push, c.greet = 0, resp.Cutter{}, false, greeting{}
	c.Subscriber, c.RemoteID, c.Scripts, c.askedAt = false, 0, nil, 0
	c.relieve()
}

func (c *Conn) fault(kind Kind, err error, sent bool) *Error {
	return &Error{Kind: kind, Shard: c.Shard, Node: c.Addr, Err: err, Sent: sent}
}

var errRetired = errors.New("the node left the topology")
