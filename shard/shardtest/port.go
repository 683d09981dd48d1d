package shardtest

import (
	"fmt"
	"net"
)

// FreePort returns a TCP port of 127.0.0.1 that nobody used a moment ago.
// Another process may take it before the caller does; servers of this package
// hold theirs instead.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

// heldPort is a port of 127.0.0.1 for one server, from its first start over
// every restart to its Close.
type heldPort struct {
	port    int
	release func() // never nil
}

func (p heldPort) addr() string { return fmt.Sprintf("127.0.0.1:%d", p.port) }
