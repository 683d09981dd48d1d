package engine

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"github.com/shardring/shardring/proxy/backend"
)

// flushConn does what a connection to a node wants: dial, close, or write.
func (l *epollLoop) flushConn(c *backend.Conn, now int64) {
	defer c.Flushed()
	s, _ := c.Link.(*sock)
	switch {
	case c.State() == backend.Closing:
		if s != nil {
			l.remove(s)
		}
		c.Broken(nil, now)
	case c.State() == backend.Dialing && s == nil:
		l.dial(c, now)
	case s != nil && !s.connecting:
		if err := l.write(s, &c.Out); err != nil {
			l.remove(s)
			c.Broken(err, now)
		}
	}
}

// dial connects. Names are resolved anew each time, beside the loop.
func (l *epollLoop) dial(c *backend.Conn, now int64) {
	s := &sock{fd: -1, conn: c, connecting: true}
	c.Link = s
	if c.Network == "unix" {
		l.connect(s, &unix.SockaddrUnix{Name: c.Addr}, unix.AF_UNIX, now)
		return
	}
	if ap, err := netip.ParseAddrPort(c.Addr); err == nil && ap.Addr().Zone() == "" {
		sa, family := sockaddr(ap)
		l.connect(s, sa, family, now)
		return
	}
	go func() { // ends with the resolver's own time limits
		ap, err := resolve(c.Addr)
		l.post(func() {
			if s.gone || c.Link != s {
				return // given up meanwhile
			}
			if err != nil {
				c.Broken(err, clock())
				return
			}
			sa, family := sockaddr(ap)
			l.connect(s, sa, family, clock())
		})
	}()
}

// resolve returns the first address of host:port.
func resolve(addr string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return netip.AddrPort{}, err
	}
	n, err := net.DefaultResolver.LookupPort(context.Background(), "tcp", port)
	if err != nil {
		return netip.AddrPort{}, err
	}
	ips, err := net.DefaultResolver.LookupNetIP(context.Background(), "ip", host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if len(ips) == 0 {
		return netip.AddrPort{}, fmt.Errorf("lookup %s: no address", host)
	}
	return netip.AddrPortFrom(ips[0], uint16(n)), nil
}

func sockaddr(ap netip.AddrPort) (unix.Sockaddr, int) {
	a := ap.Addr().Unmap()
	if a.Is4() {
		return &unix.SockaddrInet4{Port: int(ap.Port()), Addr: a.As4()}, unix.AF_INET
	}
	return &unix.SockaddrInet6{Port: int(ap.Port()), Addr: a.As16()}, unix.AF_INET6
}

// connect begins to connect; connected ends it.
func (l *epollLoop) connect(s *sock, sa unix.Sockaddr, family int, now int64) {
	c := s.conn
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		c.Broken(os.NewSyscallError("socket", err), now)
		return
	}
	if family != unix.AF_UNIX {
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		// A node that vanished without a word is noticed after 30 s even
		// when nothing is sent to it.
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 15)
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 5)
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3)
	}
	err = unix.Connect(fd, sa)
	if err != nil && err != unix.EINPROGRESS {
		unix.Close(fd)
		c.Broken(os.NewSyscallError("connect", err), now)
		return
	}
	reg, addErr := l.add(fd, bothWays)
	if addErr != nil {
		c.Broken(addErr, now)
		return
	}
	*s = *reg
	s.conn, s.connecting = c, true
	l.socks[fd] = s
	if err == nil {
		l.connected(s, now)
	}
}

// connected is called when a connect has ended, well or not.
func (l *epollLoop) connected(s *sock, now int64) {
	if n, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_ERROR); err != nil || n != 0 {
		if err == nil {
			err = unix.Errno(n)
		}
		l.remove(s)
		s.conn.Broken(os.NewSyscallError("connect", err), now)
		return
	}
	s.connecting, s.writable = false, true
	s.conn.Connected(now)
	l.flushConn(s.conn, now)
}
