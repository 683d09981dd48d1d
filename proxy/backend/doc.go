// Package backend is the proxy's side of a connection to one node, without the
// socket: bytes and the time in, bytes out.
//
// A [Conn] pairs replies with the calls they belong to by their order, as Redis
// answers in the order of the requests. A driver owns the socket: it dials when
// the Conn wants to, writes Conn.Out, and hands over what it reads.
//
//	          Begin            Out
//	session ---------> Conn -------> driver ---> node
//	          Reply    FIFO           |
//	        <--------- Conn <---------+ Received
//
// It knows nothing of sessions, rings or sockets. A Conn and everything that
// calls it belong to one loop; nothing here may be called concurrently.
package backend
