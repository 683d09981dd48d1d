// Package openloop asks a server at a fixed rate, whether or not it answers.
//
// A closed loop, as redis-benchmark's, sends a client's next request when the
// last one is answered: a server that stalls is asked less, and the requests
// that would have met the stall are never counted. Here the moment at which
// each request is due is known beforehand, and its latency counts from then,
// so that what waited behind a stall, in the server, in a socket's buffer or in
// the generator itself, counts in full.
//
//	r, err := openloop.Run(ctx, openloop.Config{
//		Addr:     "127.0.0.1:6379",
//		Conns:    50,
//		Rate:     20_000,
//		Requests: 100_000,
//		Request:  [][]byte{[]byte("*1\r\n$4\r\nPING\r\n")},
//		Reply:    []byte("+PONG\r\n"),
//	})
//	p99 := time.Duration(r.Latency.ValueAtPercentile(99))
//
// It is not for replies that differ from each other: that all bytes are the
// expected ones is the only thing looked at, which keeps the generator, one
// thread around epoll, cheap beside what it measures. Runs may be concurrent.
package openloop

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Config says what to ask. All fields but Drain are needed.
type Config struct {
	Addr     string   // IPv4 address and port of the server
	Conns    int      // connections, 1 to 10,000; request i goes to connection i modulo Conns
	Rate     float64  // requests a second over all connections, at most 10 million
	Requests int      // how many in all
	Request  [][]byte // all of one length; each connection sends them in turn, and begins with another one
	Reply    []byte   // what every request must be answered

	// Drain is how long to wait for replies after the last request was due;
	// 0 means 10 s. It is an error if some are missing then.
	Drain time.Duration
}

// Result is what a run has found.
type Result struct {
	Latency *hdrhistogram.Histogram // ns from when a request was due to when its reply was read
	Late    *hdrhistogram.Histogram // ns from when a request was due to when it was written: the generator's own part
	Elapsed time.Duration           // from the first request to the last reply
}

// Tolerance is what a generator that has its processor to itself stays far
// below.
const Tolerance = time.Millisecond

// OnSchedule reports whether 99% of the requests were written within Tolerance
// of when they were due. If not, Latency tells of the generator, or of the
// machine it shares with the server, or of a server that takes no more.
func (r Result) OnSchedule() bool {
	return time.Duration(r.Late.ValueAtPercentile(99)) <= Tolerance
}

const maxRate = 10_000_000

// check names the first field that is out of range.
func (c Config) check() (netip.AddrPort, error) {
	addr, err := netip.ParseAddrPort(c.Addr)
	if err != nil || !addr.Addr().Is4() {
		return addr, fmt.Errorf("openloop: Addr %q: want an IPv4 address and a port", c.Addr)
	}
	switch {
	case c.Conns < 1 || c.Conns > 10_000:
		return addr, fmt.Errorf("openloop: Conns %d: want 1 to 10,000", c.Conns)
	case !(c.Rate > 0 && c.Rate <= maxRate):
		return addr, fmt.Errorf("openloop: Rate %g: want more than 0, at most %d", c.Rate, maxRate)
	case c.Requests < 1:
		return addr, fmt.Errorf("openloop: Requests %d: want at least 1", c.Requests)
	case len(c.Request) == 0 || len(c.Request[0]) == 0:
		return addr, fmt.Errorf("openloop: Request is empty")
	case len(c.Reply) == 0:
		return addr, fmt.Errorf("openloop: Reply is empty")
	case c.Drain < 0:
		return addr, fmt.Errorf("openloop: Drain %v: want 0 or more", c.Drain)
	}
	for i, r := range c.Request {
		if len(r) != len(c.Request[0]) {
			return addr, fmt.Errorf("openloop: Request %d has %d bytes, the first has %d: want all of one length", i, len(r), len(c.Request[0]))
		}
	}
	return addr, nil
}
