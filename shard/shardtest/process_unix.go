//go:build unix

package shardtest

import (
	"os"
	"syscall"
)

const (
	sigTerm = syscall.SIGTERM
	sigStop = syscall.SIGSTOP
	sigCont = syscall.SIGCONT
)

func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }

func signalGroup(pid int, sig os.Signal) error {
	return syscall.Kill(-pid, sig.(syscall.Signal))
}
