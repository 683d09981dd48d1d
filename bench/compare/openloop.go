package main

import (
	"context"
	"math/rand/v2"
	"time"
)

// arrivals are when the operations of an open loop are due, from its
// beginning: those of many independent clients, at random, and the same for
// every run of the workload.
func (w workload) arrivals(wanted time.Duration) []time.Duration {
	random := rand.New(rand.NewPCG(1, 2))
	at := make([]time.Duration, 0, int(w.rate*wanted.Seconds()*1.1))
	gap := float64(time.Second) / w.rate
	for t := time.Duration(0); ; {
		t += time.Duration(random.ExpFloat64() * gap)
		if t >= wanted {
			return at
		}
		at = append(at, t)
	}
}

// announce sends each operation's time to the workers when it has come. due
// has room for all: who is slow does not get less to do.
func announce(ctx context.Context, due chan<- time.Time, begin time.Time, arrivals []time.Duration) error {
	defer close(due)
	clock, err := newAlarm()
	if err != nil {
		return err
	}
	defer clock.Close()
	for _, at := range arrivals {
		if err := ctx.Err(); err != nil {
			return err
		}
		t := begin.Add(at)
		if err := clock.wait(t); err != nil {
			return err
		}
		due <- t
	}
	return nil
}

// serve does one operation for each that is due. Its latency counts from
// then, whatever it had to wait for.
func (w *worker) serve(ctx context.Context, due <-chan time.Time) error {
	for t := range due {
		if err := w.step(ctx); err != nil {
			return err
		}
		w.record(time.Since(t))
	}
	return nil
}
