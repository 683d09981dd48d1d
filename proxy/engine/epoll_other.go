//go:build !linux

package engine

import (
	"fmt"
	"runtime"
)

func newEpollLoop(*Engine, int) (loop, error) {
	return nil, fmt.Errorf("driver %q: not on %s, want %q", Epoll, runtime.GOOS, Goroutine)
}
