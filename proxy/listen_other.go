//go:build !unix

package proxy

import "errors"

func setReusePort(uintptr) error { return errors.New("reuseport: not on this system") }

func listenAgain(uintptr, int) error { return nil }
