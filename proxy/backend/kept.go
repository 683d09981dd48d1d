package backend

// Requests are kept until they are answered, in the chunks that they were written from.

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

// requestLen returns the length of the first call's request; end is that of the last.
func (c *Conn) requestLen(end uint64) int {
	if next := c.calls.head.next; next != nil {
		end = next.at
	}
	return int(end - c.calls.head.at)
}

// pop takes the first call from those under way.
func (c *Conn) pop() *Call {
	c.ended++
	return c.calls.pop()
}
