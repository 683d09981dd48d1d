package machine

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func system() []string {
	var name unix.Utsname
	kernel := "unknown"
	if err := unix.Uname(&name); err == nil {
		kernel = unix.ByteSliceToString(name.Release[:])
	}
	var memory unix.Sysinfo_t
	_ = unix.Sysinfo(&memory)
	return []string{
		"CPU: " + cpuModel(),
		"Linux " + kernel,
		fmt.Sprintf("memory: %.1f GiB", float64(memory.Totalram)*float64(memory.Unit)/(1<<30)),
	}
}

func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// CPUTime is what all threads of the process, ended ones too, have spent in
// user and kernel mode. It is utime+stime of /proc/PID/stat, read in
// nanoseconds through the process's CPU-time clock instead of 10 ms ticks.
func CPUTime(pid int) (time.Duration, error) {
	// The clock's id as clock_getcpuclockid(3) makes it: the pid inverted,
	// then CPUCLOCK_SCHED (2) in the low three bits.
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &t); err != nil {
		return 0, fmt.Errorf("read the CPU time of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}
