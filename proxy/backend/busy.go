package backend

import (
	"time"

	"github.com/shardring/shardring/proxy/iobuf"
)

// busyAfter is how long a script may run until its node is taken for busy.
const busyAfter = 100 * time.Millisecond

// Busy reports whether the node has been running a script for long. It answers
// others with an error, but who shares the script's connection waits behind it. While
// something is under way where c's node has taken another's place it is not said: that
// may yet have to be said again here, before what its session says next.
func (c *Conn) Busy(now int64) bool {
	return c.runsScript() && c.late == 0 && now-c.heardAt >= int64(busyAfter) && c.succeeded()
}

// runsScript reports whether a script is under way. It need not be the first call: a
// node sends no reply while it runs one, not even to what came before.
func (c *Conn) runsScript() bool {
	return c.calls.scripts > 0 && c.state == Ready && !c.cut.Begun()
}

// Under yields the calls under way, first the one that is answered first.
func (c *Conn) Under(yield func(*Call) bool) {
	for _, f := range [...]*fifo{&c.calls, &c.again.calls, &c.next.calls} {
		for call := f.head; call != nil; call = call.next {
			if !yield(call) {
				return
			}
		}
	}
}

// CopyRequest appends the request of a call that is under way to dst. It reports false if the
// call is not.
func (c *Conn) CopyRequest(call *Call, dst *iobuf.Queue) bool {
	c.forget()
	for o := c.calls.head; o != nil; o = o.next {
		if o != call {
			continue
		}
		end := c.end()
		if o.next != nil {
			end = o.next.at
		}
		if end > c.written {
			return false // it has not even been sent
		}
		dst.AppendFrom(c.pool, &c.kept, int(o.at-c.keptAt), int(end-o.at))
		return true
	}
	return false
}

// Owes reports whether the node has yet to answer something, be it to nobody, or to
// get it first.
func (c *Conn) Owes() bool { return c.late+c.InFlight() > 0 }
