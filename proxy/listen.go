package proxy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/shardring/shardring/shard/config"
)

// listenAt opens a listener with a backlog (0: the system's), mode and options. What
// it accepts has no TCP keep-alive until somebody says so.
func listenAt(l config.Listen, backlog int, reusePort bool) (net.Listener, error) {
	if l.Network == "unix" {
		if err := removeStale(l.Address); err != nil {
			return nil, err
		}
	}
	lc := net.ListenConfig{KeepAlive: -1}
	if reusePort {
		lc.Control = func(_, _ string, c syscall.RawConn) error {
			var err error
			if e := c.Control(func(fd uintptr) { err = setReusePort(fd) }); e != nil {
				return e
			}
			return err
		}
	}
	ln, err := lc.Listen(context.Background(), l.Network, l.Address)
	if err != nil {
		return nil, err
	}
	if err := setBacklog(ln, backlog); err != nil {
		ln.Close()
		return nil, err
	}
	if l.Network == "unix" && l.Mode != 0 {
		if err := os.Chmod(l.Address, l.Mode); err != nil {
			ln.Close()
			return nil, err
		}
	}
	return ln, nil
}

// removeStale removes a socket that a process left behind, but not one that is
// served, nor a file of another kind.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSocket == 0 {
		return fmt.Errorf("listen %s: it exists and is not a socket", path)
	}
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		c.Close()
		return fmt.Errorf("listen %s: another process serves it", path)
	}
	return os.Remove(path)
}

// setBacklog changes how many clients may wait to be accepted; Go always asks
// for the system's most.
func setBacklog(ln net.Listener, n int) error {
	sc, ok := ln.(syscall.Conn)
	if !ok || n <= 0 {
		return nil
	}
	rc, err := sc.SyscallConn()
	if err != nil {
		return err
	}
	if e := rc.Control(func(fd uintptr) { err = listenAgain(fd, n) }); e != nil {
		return e
	}
	return err
}
