package main

import (
	"errors"
	"math"
	"testing"

	"github.com/shardring/shardring/bench/internal/stats"
)

// A ratio belongs to a round: that the machine slows down between two rounds
// must not show.
func TestRatiosPairRounds(t *testing.T) {
	base := []Sample{{CPU: 10}, {CPU: 100}, {CPU: 20, Err: errors.New("x")}, {CPU: 8}, {CPU: 0}}
	other := []Sample{{CPU: 5}, {CPU: 50}, {CPU: 20}, {CPU: 8, Err: errors.New("x")}, {CPU: 1}}
	if got, want := ratios(other, base, cpuOf), (stats.Spread{N: 2, Median: 0.5, Min: 0.5, Max: 0.5}); got != want {
		t.Errorf("ratios = %+v, want %+v", got, want)
	}
	if got := medianOf(base, cpuOf); got != 9 {
		t.Errorf("median without the failed run = %v, want 9", got)
	}
	if got := medianOf([]Sample{{Err: errors.New("x")}}, cpuOf); !math.IsNaN(got) {
		t.Errorf("median of failed runs = %v, want NaN", got)
	}
}
