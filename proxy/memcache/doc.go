// Package memcache knows the words of memcached's text protocol, the classic and the
// meta commands: where a client's request ends and what it is about ([Parser]), where a
// server's reply ends ([Cutter]), and how the replies of several servers become one. It
// has no sockets, no clock and no rings.
//
// What memcached would refuse before it reads a request's data is answered here, in
// the words of memcached 1.6, so that a server is sent only what the two agree on how
// long it is.
package memcache
