package shardtest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// ownGroup puts the child into a process group of its own and has the kernel
// kill it when this process ends, however it ends.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// awaitStopped returns when all threads of a process that was sent SIGSTOP are stopped:
// one that runs on another processor goes on for a moment, and may answer a request.
func awaitStopped(pid int) error {
	for end := time.Now().Add(stopTimeout); ; time.Sleep(100 * time.Microsecond) {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		if err != nil {
			return err
		}
		stopped := true
		for _, t := range threads {
			stat, err := os.ReadFile(t) // "pid (name) state …"; an error: the thread has ended
			after := stat[bytes.LastIndexByte(stat, ')')+1:]
			if err == nil && len(after) > 1 && bytes.IndexByte([]byte("TtZX"), after[1]) < 0 {
				stopped = false
			}
		}
		if stopped {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("still runs %v after SIGSTOP", stopTimeout)
		}
	}
}
