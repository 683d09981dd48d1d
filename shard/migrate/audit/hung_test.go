package audit

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// TestHungServer: one that is connected to and says nothing is waited for as long as
// FindTimeout says, and no longer than the context lasts, when found and when scanned.
func TestHungServer(t *testing.T) {
	f := newFleet(t, 2)
	a := f.open(Options{})
	if err := f.servers[1].Pause(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_, err := Open(t.Context(), f.pool, Options{FindTimeout: 300 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "shard cache-2 at "+f.servers[1].Addr+": connected, but there was no answer") {
		t.Errorf("it hangs: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := a.Find(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it hangs before its scan: %v", err)
	}
	if err := f.servers[1].Resume(); err != nil {
		t.Fatal(err)
	}

	for i := range 5000 {
		f.do(1, "SET", i, i)
	}
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	paused := false
	_, err = a.Find(ctx, func(Key) {
		if !paused {
			paused = true
			if err := f.servers[1].Pause(); err != nil {
				t.Error(err)
			}
			time.AfterFunc(200*time.Millisecond, cancel)
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("it hangs in its scan: %v", err)
	}
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("it took %v", took)
	}
	if err := f.servers[1].Resume(); err != nil {
		t.Fatal(err)
	}
}

// TestHungSampled: one that hangs while its keys are sampled is not waited for either.
func TestHungSampled(t *testing.T) {
	f := newFleet(t, 1)
	for i := range 5000 {
		f.do(0, "SET", i, i)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	paused := false
	a := f.open(Options{KeysPerSecond: 2000, Progress: func(p Progress) {
		if p.Phase == Sampling && !paused {
			paused = true
			if err := f.servers[0].Pause(); err != nil {
				t.Error(err)
			}
			time.AfterFunc(time.Second, cancel) // by when it has asked
		}
	}})
	began := time.Now()
	if _, err := a.Against(ctx, f.pool); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("it took %v", took)
	}
	if err := f.servers[0].Resume(); err != nil {
		t.Fatal(err)
	}
}
