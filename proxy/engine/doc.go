// Package engine drives session.Core: it owns the sockets and the clock.
//
// A loop owns its clients, its connections to the nodes, its buffers and its
// counters; loops share nothing but the topology. There are two drivers of one
// core, and they behave alike:
//
//   - Epoll (Linux): one goroutine a loop around epoll_wait. A turn reads every
//     ready socket, appends to the buffers of the others, and writes each of
//     those once at its end: the fewest system calls a request.
//   - Goroutine (everywhere): a reader and a writer goroutine a socket, and one
//     goroutine a loop that runs the core.
//
// One turn, in both:
//
//	wait -> core.Begin -> reads -> core.End -> write, dial, close -> wait
package engine
