//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// endAsGroup has the end of cmd's context kill all that cmd started: runtest
// is a shell before a tclsh before another tclsh.
func endAsGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
