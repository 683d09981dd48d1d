//go:build !linux

package openloop

import (
	"context"
	"errors"
)

// Run needs Linux's epoll_pwait2.
func Run(_ context.Context, cfg Config) (Result, error) {
	if _, err := cfg.check(); err != nil {
		return Result{}, err
	}
	return Result{}, errors.New("openloop: only on Linux")
}
