package main

import (
	"testing"

	"github.com/shardring/shardring/bench/internal/stats"
)

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		values  []float64
		bound   float64
		atMost  verdict
		atLeast verdict
	}{
		{nil, 1, unmeasured, unmeasured},
		{[]float64{0.5}, 0.5, met, met},
		{[]float64{0.5}, 0.49, missed, met},
		{[]float64{0.5}, 0.51, met, missed},
		{[]float64{0.4, 0.6, 0.5}, 0.6, met, between},
		{[]float64{0.4, 0.6, 0.5}, 0.55, between, between},
		{[]float64{0.4, 0.6, 0.5}, 0.4, between, met},
		{[]float64{0.4, 0.6, 0.5}, 0.39, missed, met},
	} {
		s := stats.Of(c.values)
		if got := atMost(s, c.bound); got != c.atMost {
			t.Errorf("%v at most %v: %v, want %v", c.values, c.bound, got, c.atMost)
		}
		if got := atLeast(s, c.bound); got != c.atLeast {
			t.Errorf("%v at least %v: %v, want %v", c.values, c.bound, got, c.atLeast)
		}
	}
}
