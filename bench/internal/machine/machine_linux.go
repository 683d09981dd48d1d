package machine

import (
	"fmt"
	"os"
	"strings"

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
