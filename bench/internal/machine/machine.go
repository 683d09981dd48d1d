// Package machine describes the machine a benchmark ran on.
package machine

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
)

// Facts are the processor, the system, the memory and Go's version, one fact
// a line.
func Facts() []string {
	return append(system(), fmt.Sprintf("cores: %d", runtime.NumCPU()), runtime.Version())
}

// FirstLine is the first line a command prints, "" if it fails: what most
// programs say about their version.
func FirstLine(ctx context.Context, command string, args ...string) string {
	out, err := exec.CommandContext(ctx, command, args...).CombinedOutput()
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return line
}
