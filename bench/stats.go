package main

import "github.com/shardring/shardring/bench/internal/stats"

// medianOf is the median of one figure over the samples that have it.
func medianOf(samples []Sample, figure func(Sample) float64) float64 {
	return spreadOf(samples, figure).Median
}

// spreadOf is the spread of one figure over the samples that have it.
func spreadOf(samples []Sample, figure func(Sample) float64) stats.Spread {
	var values []float64
	for _, s := range samples {
		if s.Err == nil {
			values = append(values, figure(s))
		}
	}
	return stats.Of(values)
}

// ratios divides a figure of each sample by the baseline's of the same round.
// A round in which either failed, or the baseline has none, does not count.
func ratios(samples, baseline []Sample, figure func(Sample) float64) stats.Spread {
	var values []float64
	for round := range min(len(samples), len(baseline)) {
		a, b := samples[round], baseline[round]
		if a.Err == nil && b.Err == nil && figure(b) > 0 {
			values = append(values, figure(a)/figure(b))
		}
	}
	return stats.Of(values)
}
