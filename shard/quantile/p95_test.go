package quantile

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// TestP95 follows durations of several shapes: about 5 of 100 are above it, wherever it
// began and by how many goroutines it is told.
func TestP95(t *testing.T) {
	for name, draw := range map[string]func(*rand.Rand) time.Duration{
		"even": func(r *rand.Rand) time.Duration { return time.Duration(r.Int64N(int64(10 * time.Millisecond))) },
		"tail": func(r *rand.Rand) time.Duration { return time.Duration(r.ExpFloat64() * float64(time.Millisecond)) },
		"far": func(r *rand.Rand) time.Duration {
			return time.Duration(math.Exp(r.NormFloat64()) * float64(time.Second))
		},
	} {
		for _, goroutines := range []int{1, 4} {
			t.Run(fmt.Sprint(name, " by ", goroutines), func(t *testing.T) {
				var q P95
				q.Take(time.Minute)
				var wg sync.WaitGroup
				above := make([]int, goroutines)
				const each = 20000
				for i := range goroutines {
					wg.Go(func() {
						r := rand.New(rand.NewPCG(uint64(i), 7))
						for n := range each {
							d := draw(r)
							if n >= each/2 && d > q.Limit(0) {
								above[i]++
							}
							q.Take(d)
						}
					})
				}
				wg.Wait()
				sum := 0
				for _, n := range above {
					sum += n
				}
				if share := float64(sum) / float64(goroutines*each/2); share < 0.03 || share > 0.08 {
					t.Errorf("%.3f are above it, want 0.05", share)
				}
			})
		}
	}
}

// TestLimit: nothing is said before enough is known, and nothing below the floor.
func TestLimit(t *testing.T) {
	var q P95
	for n := range Enough {
		if got := q.Limit(time.Second); got != 0 {
			t.Fatalf("after %d: %v, want 0", n, got)
		}
		q.Take(time.Millisecond)
	}
	if got := q.Limit(time.Second); got != time.Second {
		t.Errorf("%v, want the floor", got)
	}
	if got := q.Limit(0); got < 900*time.Microsecond || got > 1200*time.Microsecond {
		t.Errorf("%v, want about 1 ms", got)
	}
	if n := testing.AllocsPerRun(100, func() { q.Take(q.Limit(0)) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
