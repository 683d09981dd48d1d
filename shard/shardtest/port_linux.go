package shardtest

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// holdPort binds a socket to a port that the kernel chooses and never listens
// on it. Linux lets a server that sets SO_REUSEADDR, as all of ours do, listen
// on that port, and gives it to nobody else: neither to a bind to port 0 nor
// to an outgoing connection. While the server is down a connect is refused.
func holdPort() (heldPort, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return heldPort{}, fmt.Errorf("hold a port: %w", err)
	}
	port, err := bindLoopback(fd)
	if err != nil {
		unix.Close(fd)
		return heldPort{}, fmt.Errorf("hold a port: %w", err)
	}
	return heldPort{port: port, release: func() { unix.Close(fd) }}, nil
}

func bindLoopback(fd int) (port int, err error) {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return 0, err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, err
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return 0, err
	}
	return sa.(*unix.SockaddrInet4).Port, nil
}
