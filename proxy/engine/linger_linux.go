package engine

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// unsent returns the bytes that were written to a socket and that its peer has
// not acknowledged; of a unix socket, not read.
func unsent(fd int) int {
	n, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ)
	if err != nil {
		return 0
	}
	return n
}

// connUnsent is unsent for the goroutine driver.
func connUnsent(c net.Conn) (n int) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return 0
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) { n = unsent(int(fd)) })
	return n
}
