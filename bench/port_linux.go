package main

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// portAtConnect has a socket that is bound to an address alone get its port
// when it connects: then ports whose last connection is closed, but still
// remembered, count as free.
func portAtConnect(_, _ string, c syscall.RawConn) error {
	var err error
	if e := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	}); e != nil {
		return e
	}
	return err
}
