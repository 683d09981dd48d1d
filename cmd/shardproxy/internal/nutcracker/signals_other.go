//go:build !unix

package nutcracker

import (
	"context"
	"os"
	"os/signal"
)

func watchSignals(_ *Log, stop context.CancelCauseFunc) (end func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt)
	go func() {
		if _, ok := <-signals; ok {
			stop(errInterrupted)
		}
	}()
	return func() { signal.Stop(signals); close(signals) }
}

func dieTerminated() {}
