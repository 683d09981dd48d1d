package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// resetPeak makes peakMemory start again from what the process uses now.
func resetPeak(pid int) error {
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil {
		return fmt.Errorf("reset the peak memory of process %d: %w", pid, err)
	}
	return nil
}

// peakMemory is the most resident memory since resetPeak, in bytes.
func peakMemory(pid int) (int64, error) { return statusField(pid, "VmHWM") }

// residentMemory is the resident memory now, in bytes.
func residentMemory(pid int) (int64, error) { return statusField(pid, "VmRSS") }

func statusField(pid int, name string) (int64, error) {
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

// openFiles counts the descriptors of the process.
func openFiles(pid int) (int, error) {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return len(entries), err
}

// raiseFileLimit sets the soft limit of open files to the hard one, for this
// process and, unlike what the Go runtime does on its own, for those it
// starts. It returns the limit.
func raiseFileLimit() (int, error) {
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

// endWithParent has the kernel kill a child when this process ends.
func endWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// supported says why the benchmark cannot run here; on Linux it can.
func supported() error {
	if _, err := os.Stat("/proc/self/clear_refs"); err != nil {
		return errors.New("no /proc/PID/clear_refs: the kernel lacks CONFIG_PROC_PAGE_MONITOR")
	}
	return nil
}
