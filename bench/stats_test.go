package main

import (
	"errors"
	"math"
	"testing"
)

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   spread
		text   string
	}{
		{[]float64{3, 1, 2}, spread{3, 2, 1, 3}, "2.00 (1.00–3.00)"},
		{[]float64{4, 1, 2, 3}, spread{4, 2.5, 1, 4}, "2.50 (1.00–4.00)"},
		{[]float64{7}, spread{1, 7, 7, 7}, "7.00 (7.00–7.00)"},
	} {
		if got := spreadOf(c.values); got != c.want || got.String() != c.text {
			t.Errorf("spreadOf(%v) = %+v %q, want %+v %q", c.values, got, got, c.want, c.text)
		}
	}
	if none := spreadOf(nil); none.N != 0 || !math.IsNaN(none.Median) || none.String() != "–" {
		t.Errorf("the spread of nothing is %+v, %q", none, none)
	}
}

// A ratio belongs to a round: that the machine slows down between two rounds
// must not show.
func TestRatiosPairRounds(t *testing.T) {
	base := []Sample{{CPU: 10}, {CPU: 100}, {CPU: 20, Err: errors.New("x")}, {CPU: 8}, {CPU: 0}}
	other := []Sample{{CPU: 5}, {CPU: 50}, {CPU: 20}, {CPU: 8, Err: errors.New("x")}, {CPU: 1}}
	if got, want := ratios(other, base, cpuOf), (spread{2, 0.5, 0.5, 0.5}); got != want {
		t.Errorf("ratios = %+v, want %+v", got, want)
	}
	if got := medianOf(base, cpuOf); got != 9 {
		t.Errorf("median without the failed run = %v, want 9", got)
	}
	if got := medianOf([]Sample{{Err: errors.New("x")}}, cpuOf); !math.IsNaN(got) {
		t.Errorf("median of failed runs = %v, want NaN", got)
	}
}
