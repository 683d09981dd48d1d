package backend

import "fmt"

// Load is what connections to one node have in common: the calls under way there, and
// how many these may be. It belongs to one loop, as the connections do.
type Load struct {
	N   int // but those of Patient calls, which are no work until something happens
	Max int // 0: no limit
}

// tooMany refuses a call that would be one too many, or returns nil. A connection with an
// Owner is not refused: what it has to say goes with what it has said.
func (c *Conn) tooMany(call *Call) *Error {
	l := c.calls.load
	if l.Max == 0 || l.N < l.Max || call.Patient || c.Owner != nil {
		return nil
	}
	return c.fault(Full, fmt.Errorf("%d requests under way (max_in_flight)", l.N), false)
}
