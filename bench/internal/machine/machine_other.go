//go:build !linux

package machine

import "runtime"

func system() []string { return []string{runtime.GOOS + "/" + runtime.GOARCH} }
