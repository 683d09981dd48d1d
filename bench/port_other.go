//go:build !linux

package main

import "syscall"

func portAtConnect(string, string, syscall.RawConn) error { return errNotLinux }
