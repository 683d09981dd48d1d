package engine

import "time"

const (
	// lingerFor is how long a socket that we ended is still read, and what
	// comes thrown away: closing it with unread bytes would make the kernel
	// reset it, and the client might never see the last replies. A client that
	// has not yet taken them all gets as much time again, so many times.
	lingerFor   = int64(500 * time.Millisecond)
	lingerTimes = 10
)
