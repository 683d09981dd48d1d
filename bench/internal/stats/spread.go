// Package stats holds the few statistics that the benchmarks quote.
package stats

import (
	"fmt"
	"math"
	"slices"
)

// Spread is the median of some values with the least and the greatest. N is
// how many they were; with none, the others are NaN.
type Spread struct {
	N                int
	Median, Min, Max float64
}

// Of is the spread of some values, in any order; they are not changed.
func Of(values []float64) Spread {
	if len(values) == 0 {
		return Spread{Median: math.NaN(), Min: math.NaN(), Max: math.NaN()}
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return Spread{N: n, Median: (sorted[(n-1)/2] + sorted[n/2]) / 2, Min: sorted[0], Max: sorted[n-1]}
}

// String writes "0.80 (0.78–0.85)".
func (s Spread) String() string {
	if s.N == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f (%.2f–%.2f)", s.Median, s.Min, s.Max)
}
