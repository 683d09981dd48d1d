//go:build !linux

package main

import (
	"errors"
	"syscall"
)

var errNotLinux = errors.New("the benchmark reads CPU time and memory from Linux's /proc, run it on Linux")

func supported() error                    { return errNotLinux }
func resetPeak(int) error                 { return errNotLinux }
func peakMemory(int) (int64, error)       { return 0, errNotLinux }
func endWithParent() *syscall.SysProcAttr { return nil }
