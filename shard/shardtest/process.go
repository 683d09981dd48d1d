package shardtest

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
)

var errNotRunning = errors.New("not running")

// process is one run of a program: a process group of its own, until exited
// is closed.
type process struct {
	pid    int
	exited chan struct{}
	err    error // why it ended, as of exec.Cmd.Wait; valid once exited is closed
}

// launch starts cmd and returns once it runs. One goroutine owns the process
// and keeps its thread until the process has ended, for Linux sends the
// parent-death signal when the thread that forked ends.
func launch(cmd *exec.Cmd) (*process, error) {
	p := &process{exited: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		cmd.SysProcAttr = ownGroup()
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		p.pid = cmd.Process.Pid
		started <- nil
		p.err = cmd.Wait()
		killGroup(p.pid) // what the program itself may have left behind
		close(p.exited)
	}()
	return p, <-started
}

func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// send signals the whole group, unless the process has ended.
func (p *process) send(sig os.Signal) error {
	if !p.running() {
		return errNotRunning
	}
	return signalGroup(p.pid, sig)
}

// kill ends the group and waits.
func (p *process) kill() {
	if p.running() {
		killGroup(p.pid)
	}
	<-p.exited
}
