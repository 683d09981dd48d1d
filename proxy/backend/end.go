package backend

import (
	"errors"
	"maps"
	"slices"

	"github.com/shardring/shardring/proxy/iobuf"
	"github.com/shardring/shardring/proxy/memcache"
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
	idle := c.state == Ready && c.InFlight() == 0 && c.late == 0
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
	if c.heir != nil {
		c.last().Wanted(now)
	}
	if c.retire {
		c.failHeld(Down, errRetired)
		c.to(Retired)
		return
	}
	c.retryAt = now + int64(c.backoff())
	c.to(Waiting)
}

// Retire ends the Conn as soon as nothing is under way on it, or where its node has taken
// another's place: that may yet have to be said again here.
func (c *Conn) Retire() {
	if c.retire = true; !c.succeeded() {
		return
	}
	switch c.state {
	case Idle, Waiting:
		c.lastErr = errRetired
		c.failHeld(Down, errRetired)
		c.to(Retired)
	case Dialing, Greeting, Ready:
		if c.InFlight() == 0 && c.late == 0 {
			c.clear()
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

// endCalls ends what is under way. A call that was not sent is kept to be said again, and
// so is one that only reads, once, unless its session wrote after it: it would see that.
func (c *Conn) endCalls(kind Kind, err error) {
	sent := c.state == Ready
	keep := sent && kind == Lost && c.Owner == nil && (c.Fallback != nil || !c.last().retire)
	c.lastErr = err
	c.failures++
	if !keep {
		c.failAll(kind, err, sent)
		c.clear()
		c.failHeld(kind, err)
		return
	}
	var saved stash
	wrote, end := c.lastWrites(), c.end()
	c.forget()
	if h := c.calls.head; h != nil {
		c.takeRequest(nil, int(h.at-c.keptAt)) // of calls whose time ran out
	}
	for i := 0; c.calls.n > 0; i++ {
		n, leads := c.requestLen(end), c.calls.head.leads()
		call := c.pop()
		unsent := call.at >= c.written
		var to *iobuf.Queue
		if last, ok := wrote[call.Key]; unsent || call.ReadOnly && !call.again && !c.mid && (!ok || last < i) {
			call.again = call.again || !unsent
			to = saved.push(call)
		}
		c.mid = false
		if to != nil && call.joined {
			to.AppendString(c.pool, "get")
		}
		call.joined = false
		c.takeRequest(to, n)
		if to != nil && leads {
			to.AppendString(c.pool, "\r\n")
		}
		if to == nil {
			call.To.Fail(call, c.fault(kind, err, !unsent))
		}
	}
	c.clear()
	for c.Fallback != nil && !saved.empty() {
		n := saved.headLen()
		c.fallBack(saved.calls.pop(), &saved.bytes, n)
		saved.base += uint64(n)
	}
	heir := c.last()
	for _, key := range slices.Sorted(maps.Keys(wrote)) {
		if _, stale := heir.stale[key]; stale {
			c.tellRefused(key)
		}
	}
	for call := saved.calls.head; call != nil; call = call.next {
		heir.heldCall(call, c.heardAt)
	}
	heir.again.take(c.pool, &saved)
}

// failAll fails what is under way.
func (c *Conn) failAll(kind Kind, err error, sent bool) {
	for c.calls.n > 0 {
		call := c.pop()
		call.To.Fail(call, c.fault(kind, err, sent && call.at < c.written))
	}
}

// lastWrites returns of each session, by its key, which of the calls under way is the
// last that was sent and may have changed something.
func (c *Conn) lastWrites() map[uint64]int {
	wrote := map[uint64]int{}
	i := 0
	for call := c.calls.head; call != nil && call.at < c.written; call = call.next {
		if !call.ReadOnly && !call.Inert {
			wrote[call.Key] = i
		}
		i++
	}
	return wrote
}

// takeRequest moves the request of the first call to another queue; nil drops it.
func (c *Conn) takeRequest(to *iobuf.Queue, n int) {
	k := min(n, c.kept.Len())
	move(c.pool, to, &c.kept, k)
	move(c.pool, to, &c.Out, min(n-k, c.Out.Len()))
}

// clear forgets everything that belonged to the last connection. What waits is kept.
func (c *Conn) clear() {
	c.Out.Reset(c.pool)
	c.kept.Reset(c.pool)
	c.written, c.keptAt = 0, 0
	c.late, c.cut, c.mid, c.push, c.greet = 0, resp.Cutter{}, false, false, greeting{}
	c.text, c.getter = memcache.Cutter{}, nil
	c.share.reset()
	c.skip, c.line = false, c.line[:0]
	c.Subscriber, c.RemoteID, c.Scripts, c.askedAt = false, 0, nil, 0
	c.relieve()
}

func (c *Conn) fault(kind Kind, err error, sent bool) *Error {
	return &Error{Kind: kind, Shard: c.Shard, Node: c.Addr, Err: err, Sent: sent}
}

var (
	errRetired  = errors.New("the node left the topology")
	errReplaced = errors.New("another node has taken its place")
)
