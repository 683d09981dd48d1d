package backend

import "time"

// busyAfter is how long a script may run until its node is taken for busy.
const busyAfter = 100 * time.Millisecond

// Busy reports whether the node has been running a script for long. It answers
// others with an error, but who shares the script's connection waits behind it.
func (c *Conn) Busy(now int64) bool {
	return c.runsScript() && now-c.heardAt >= int64(busyAfter)
}

// runsScript reports whether a script is what the node owes an answer for first.
func (c *Conn) runsScript() bool {
	return c.state == Ready && c.late == 0 && c.calls.n > 0 && c.calls.head.Script && !c.cut.Begun()
}

// Under yields the calls under way, first the one that is answered first.
func (c *Conn) Under(yield func(*Call) bool) {
	for call := c.calls.head; call != nil; call = call.next {
		if !yield(call) {
			return
		}
	}
}
