//go:build !unix

package shardtest

import (
	"errors"
	"os"
	"syscall"
)

var (
	sigTerm = os.Kill
	sigStop = os.Signal(syscall.Signal(-1))
	sigCont = os.Signal(syscall.Signal(-2))
)

func ownGroup() *syscall.SysProcAttr { return nil }

func killGroup(pid int) {
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill()
	}
}

func signalGroup(pid int, sig os.Signal) error {
	if sig != os.Kill {
		return errors.New("this system cannot pause a process")
	}
	killGroup(pid)
	return nil
}

func awaitStopped(pid int) error { return nil }
