//go:build unix

package engine

import (
	"math"

	"golang.org/x/sys/unix"
)

// maxFiles returns how many descriptors the process may have; 0: no limit known.
// Go has raised it to the hard limit when the process started.
func maxFiles() int64 {
	var r unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &r) != nil || uint64(r.Cur) > math.MaxInt32 {
		return 0
	}
	return int64(r.Cur)
}
