package main

import (
	"fmt"
	"math"
	"slices"
)

// spread is the median of some values with the least and the greatest. N is
// how many they were; with none, the others are NaN.
type spread struct {
	N                int
	Median, Min, Max float64
}

func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{Median: math.NaN(), Min: math.NaN(), Max: math.NaN()}
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return spread{N: n, Median: (sorted[(n-1)/2] + sorted[n/2]) / 2, Min: sorted[0], Max: sorted[n-1]}
}

// String writes "0.80 (0.78–0.85)".
func (s spread) String() string {
	if s.N == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f (%.2f–%.2f)", s.Median, s.Min, s.Max)
}

// medianOf is the median of one figure over the samples that have it.
func medianOf(samples []Sample, figure func(Sample) float64) float64 {
	var values []float64
	for _, s := range samples {
		if s.Err == nil {
			values = append(values, figure(s))
		}
	}
	return spreadOf(values).Median
}

// ratios divides a figure of each sample by the baseline's of the same round.
// A round in which either failed, or the baseline has none, does not count.
func ratios(samples, baseline []Sample, figure func(Sample) float64) spread {
	var values []float64
	for round := range min(len(samples), len(baseline)) {
		a, b := samples[round], baseline[round]
		if a.Err == nil && b.Err == nil && figure(b) > 0 {
			values = append(values, figure(a)/figure(b))
		}
	}
	return spreadOf(values)
}
