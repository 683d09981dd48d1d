package backend

import (
	"cmp"
	"time"
)

// dialTimeout is how long connecting may take where nothing is said.
const dialTimeout = time.Second

// Configure changes settings of a connection that goes on: the time limit of calls
// that begin from now on, and how it is made the next time.
func (c *Conn) Configure(username, password string, timeout, dial time.Duration) {
	c.Username, c.Password = username, password
	c.Timeout, c.DialTimeout = timeout, cmp.Or(dial, dialTimeout)
}
