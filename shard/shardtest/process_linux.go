package shardtest

import "syscall"

// ownGroup puts the child into a process group of its own and has the kernel
// kill it when this process ends, however it ends.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
