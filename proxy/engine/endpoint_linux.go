package engine

import (
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// Endpoint tells of a client's socket, as CLIENT LIST shows it.
func (s *sock) Endpoint() (remote, local string, fd int) {
	peer, _ := unix.Getpeername(s.fd)
	own, _ := unix.Getsockname(s.fd)
	path := ""
	if u, ok := own.(*unix.SockaddrUnix); ok {
		path = u.Name
	}
	return endpoint(peer, path), endpoint(own, path), s.fd
}

// endpoint writes an address as Redis does: both ends of a unix socket have the
// path.
func endpoint(sa unix.Sockaddr, path string) string {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port)).String()
	case *unix.SockaddrInet6:
		return "[" + netip.AddrFrom16(sa.Addr).String() + "]:" + strconv.Itoa(sa.Port)
	case *unix.SockaddrUnix:
		return path + ":0"
	}
	return "?:0"
}
