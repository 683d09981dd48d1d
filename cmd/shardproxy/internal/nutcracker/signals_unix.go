//go:build unix

package nutcracker

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// watchSignals does what nutcracker does on signals, and calls stop with the
// reason on those that end it. end ends the watch.
func watchSignals(log *Log, stop context.CancelCauseFunc) (end func()) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGTTIN, syscall.SIGTTOU,
		syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM)
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-quit:
				return
			case s := <-signals:
				if why := act(log, s); why != nil {
					signal.Reset(syscall.SIGINT, syscall.SIGTERM) // a second one does not wait
					stop(why)
				}
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(quit)
		<-done
	}
}

// act logs a signal and does what it asks for. It returns the reason to end,
// if it is one.
func act(log *Log, s os.Signal) error {
	say := func(name, action string) {
		log.Always("signal %d (%s) received%s", s, name, action)
	}
	switch s {
	case syscall.SIGUSR1:
		say("SIGUSR1", "")
	case syscall.SIGUSR2:
		say("SIGUSR2", "")
	case syscall.SIGTTIN:
		say("SIGTTIN", ", up logging level")
		log.Shift(1)
	case syscall.SIGTTOU:
		say("SIGTTOU", ", down logging level")
		log.Shift(-1)
	case syscall.SIGHUP:
		say("SIGHUP", ", reopening log file")
		log.Reopen()
	case syscall.SIGINT:
		say("SIGINT", ", exiting")
		return errInterrupted
	case syscall.SIGTERM:
		say("SIGTERM", ", exiting")
		return errTerminated
	}
	return nil
}

// dieTerminated ends the process by SIGTERM, as nutcracker ends, so that whoever
// waits for it sees the same. It returns where the signal does not do so, as
// for a container's first process.
func dieTerminated() {
	signal.Reset(syscall.SIGTERM)
	if syscall.Kill(os.Getpid(), syscall.SIGTERM) == nil {
		time.Sleep(100 * time.Millisecond)
	}
}
