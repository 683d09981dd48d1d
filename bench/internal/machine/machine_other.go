//go:build !linux

package machine

import (
	"errors"
	"runtime"
	"time"
)

func system() []string { return []string{runtime.GOOS + "/" + runtime.GOARCH} }

// CPUTime is read on Linux only.
func CPUTime(int) (time.Duration, error) {
	return 0, errors.New("the CPU time of another process is read on Linux only")
}
