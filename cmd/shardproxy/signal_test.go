package main

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

func terminate(t *testing.T, cmd *exec.Cmd) { send(t, cmd, syscall.SIGTERM) }

func send(t *testing.T, cmd *exec.Cmd, s os.Signal) {
	t.Helper()
	if err := cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// exitOf is the exit code, or minus the signal.
func exitOf(state *os.ProcessState) int {
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return -int(ws.Signal())
	}
	return state.ExitCode()
}
