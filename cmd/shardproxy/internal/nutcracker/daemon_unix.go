//go:build unix

package nutcracker

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// daemonize starts this program again in a session of its own, without a
// terminal, and returns when it serves or has failed. A Go process cannot fork
// itself: its threads would be missing in the child.
func daemonize(args []string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("daemonize: %w", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("daemonize: %w", err)
	}
	defer r.Close()
	cmd := exec.Command(self, args...) // its standard files are /dev/null
	cmd.Args[0] = "nutcracker"
	cmd.Env = append(os.Environ(), statusVariable+"="+strconv.Itoa(statusFD))
	cmd.ExtraFiles = []*os.File{w}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	w.Close()
	if err != nil {
		return fmt.Errorf("daemonize: %w", err)
	}
	defer cmd.Process.Release()
	return hear(r)
}

// detach is what is left to do in the second process.
func detach() {
	syscall.Umask(0) // as nutcracker does: a pool's socket has the mode the file gives it
	syscall.CloseOnExec(statusFD)
}
