// Package session is the proxy without its sockets: clients' bytes in, their
// replies out, and between them the nodes' bytes out and in. Nothing in it
// blocks, reads a clock or starts a goroutine, so the same code runs under
// every driver of package engine, and in tests with no socket at all.
//
//	client bytes --> Session.Received --> Parser --> command.Table --> ring
//	                     |                                              |
//	                     | Request (a slot in the session's FIFO)       v
//	                     |   one shard: Call -------------------> backend.Conn.Out
//	                     |   several:   gather of parts, a Call each -->  ...
//	                     v                                              |
//	client <------- Session.Out <-- in order <-- Request <-- Reply -----+
//
// A [Core] is everything that one loop owns: its sessions, its connections to
// the nodes, its buffers. A driver calls it in turns:
//
//	core.Begin(now)            // the time; new topologies
//	s.Received(b), c.Received  // whatever the sockets had to say
//	core.End()                 // sessions that may go on do
//	core.TakeConns(), core.TakeSessions() // write, dial, close: once a turn each
//
// A Core and all that belongs to it may be used by one goroutine at a time.
package session
