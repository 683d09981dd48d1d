package machine

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// ResidentMemory is the resident memory now, in bytes.
func ResidentMemory(pid int) (int64, error) { return StatusField(pid, "VmRSS") }

// StatusField is a field of /proc/PID/status in kB, in bytes.
func StatusField(pid int, name string) (int64, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if n, ok := parseStatusLine(lines.Text(), name); ok {
			return n, nil
		}
	}
	return 0, fmt.Errorf("/proc/%d/status has no %s", pid, name)
}

// parseStatusLine reads "VmHWM:	    1234 kB" as bytes.
func parseStatusLine(line, name string) (int64, bool) {
	value, ok := strings.CutPrefix(line, name+":")
	if !ok {
		return 0, false
	}
	value, ok = strings.CutSuffix(strings.TrimSpace(value), " kB")
	n, err := strconv.ParseInt(value, 10, 64)
	return n << 10, ok && err == nil
}

// OpenFiles counts the descriptors of the process.
func OpenFiles(pid int) (int, error) {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return len(entries), err
}

// RaiseFileLimit sets the soft limit of open files to the hard one, for this
// process and, unlike what the Go runtime does on its own, for those it
// starts. It returns the limit.
func RaiseFileLimit() (int, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("read the limit of open files: %w", err)
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("raise the limit of open files to %d: %w", limit.Max, err)
	}
	return int(limit.Cur), nil
}
