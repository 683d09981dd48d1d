//go:build !linux

package main

import "time"

// alarm wakes one goroutine at given times, as well as the runtime can.
type alarm struct{}

func newAlarm() (*alarm, error) { return &alarm{}, nil }

// wait returns at that time; at once if it has passed.
func (*alarm) wait(until time.Time) error {
	time.Sleep(time.Until(until))
	return nil
}

func (*alarm) Close() error { return nil }
