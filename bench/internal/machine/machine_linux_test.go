package machine

import (
	"os"
	"syscall"
	"testing"
	"time"
)

func TestCPUTimeIsThatOfTheProcess(t *testing.T) {
	read := func() (clock, usage time.Duration) {
		clock, err := CPUTime(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			t.Fatal(err)
		}
		return clock, time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	clock, usage := read()
	for begin := time.Now(); time.Since(begin) < 100*time.Millisecond; {
	}
	clock2, usage2 := read()
	got, want := clock2-clock, usage2-usage
	if diff := (got - want).Abs(); got < 10*time.Millisecond || diff > 20*time.Millisecond {
		t.Errorf("CPUTime rose by %v, getrusage by %v", got, want)
	}
	// Linux has no pid so great.
	if _, err := CPUTime(1 << 22); err == nil {
		t.Error("no error for a process that does not exist")
	}
}
