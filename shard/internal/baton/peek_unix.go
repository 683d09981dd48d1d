//go:build unix

package baton

import (
	"io"
	"net"
	"syscall"
)

// peek asks the kernel, without waiting, whether the peer of an idle
// connection is still there. Connections that hide their socket are taken to
// be.
func peek(nc net.Conn) error {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return err
	}
	var n int
	var perr error
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		for {
			n, _, perr = syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK)
			if perr != syscall.EINTR {
				return
			}
		}
	})
	switch {
	case err != nil:
		return err
	case perr == syscall.EAGAIN:
		return nil
	case perr != nil:
		return perr
	case n == 0:
		return io.EOF
	}
	return errUnasked
}
