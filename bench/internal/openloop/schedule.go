package openloop

import "time"

// schedule says when each request is due. Request i is the one of number
// i / over on connection i % over; times count from the start.
type schedule struct {
	rate  float64 // requests a second
	over  int     // connections
	total int     // requests
}

// due is when request i is due.
func (s schedule) due(i int) time.Duration {
	return time.Duration(float64(i) * 1e9 / s.rate)
}

// dueBy is how many requests are due at t: those before the first whose time is
// later.
func (s schedule) dueBy(t time.Duration) int {
	if t < 0 {
		return 0
	}
	n := min(s.total, int(float64(t)*s.rate/1e9)+1)
	// Rounding may be off by one at the very moment of a request.
	for n < s.total && s.due(n) <= t {
		n++
	}
	for n > 0 && s.due(n-1) > t {
		n--
	}
	return n
}

// share is how many of the first n requests are for a connection.
func (s schedule) share(conn, n int) int {
	return (n - conn + s.over - 1) / s.over
}

// index is which of all requests is that of number k on a connection.
func (s schedule) index(conn, k int) int { return k*s.over + conn }
