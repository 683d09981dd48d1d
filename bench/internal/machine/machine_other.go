//go:build !linux

package machine

import (
	"errors"
	"runtime"
	"time"
)

var errNotLinux = errors.New("processes are looked at through Linux's /proc, run it on Linux")

func system() []string { return []string{runtime.GOOS + "/" + runtime.GOARCH} }

// CPUTime is read on Linux only.
func CPUTime(int) (time.Duration, error) {
	return 0, errors.New("the CPU time of another process is read on Linux only")
}

// ResidentMemory is read on Linux only.
func ResidentMemory(int) (int64, error) { return 0, errNotLinux }

// OpenFiles is counted on Linux only.
func OpenFiles(int) (int, error) { return 0, errNotLinux }

// RaiseFileLimit works on Linux only.
func RaiseFileLimit() (int, error) { return 0, errNotLinux }
