package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/shardring/shardring/bench/internal/machine"
)

// resetPeak makes peakMemory start again from what the process uses now.
func resetPeak(pid int) error {
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil {
		return fmt.Errorf("reset the peak memory of process %d: %w", pid, err)
	}
	return nil
}

// peakMemory is the most resident memory since resetPeak, in bytes.
func peakMemory(pid int) (int64, error) { return machine.StatusField(pid, "VmHWM") }

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
