package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/shardring/shardring/bench/internal/machine"
)

// Sample is one run of one load against one target.
type Sample struct {
	clientFigures
	CPU      float64 // µs a request of the target's process
	ShardCPU float64 // µs a request of all redis-servers together
	Peak     float64 // MiB, most resident memory of the target's process
	Err      error   // why there are no figures
}

// result is all samples of one load: by target, in the fleet's order, then by
// round.
type result struct {
	load    Load
	samples [][]Sample
}

// plan says how long the loads are measured.
type plan struct {
	loads    []Load
	rounds   int
	seconds  float64 // that one run should take
	progress io.Writer
}

// run measures the loads one after the other. When the context ends it
// returns what it has, with the context's error.
func (f *fleet) run(ctx context.Context, p plan) ([]result, error) {
	var results []result
	loaded := Load{}
	for i, load := range p.loads {
		if load.Size != loaded.Size {
			if err := f.preload(load); err != nil {
				return results, err
			}
			if err := f.verifyAll(load); err != nil {
				return results, err
			}
			loaded = load
		}
		if err := f.restartProxies(); err != nil {
			return results, err
		}
		fmt.Fprintf(p.progress, "[%d/%d] %s:", i+1, len(p.loads), load)
		r := f.measureLoad(ctx, p, load)
		if ctx.Err() != nil {
			fmt.Fprintln(p.progress, " interrupted")
			return results, ctx.Err()
		}
		for t, target := range f.targets {
			rate := medianOf(r.samples[t], rateOf)
			if math.IsNaN(rate) {
				fmt.Fprintf(p.progress, " %s failed: %v", target.name, r.samples[t][0].Err)
				continue
			}
			fmt.Fprintf(p.progress, " %s %s/s", target.name, thousands(int(rate)))
		}
		fmt.Fprintln(p.progress)
		results = append(results, r)
	}
	return results, nil
}

func (f *fleet) verifyAll(load Load) error {
	for _, t := range f.targets {
		if err := verify(t.addr, load); err != nil {
			return fmt.Errorf("check that %s answers rightly: %w", t.name, err)
		}
	}
	return nil
}

// measureLoad finds for each target how many requests fill the wanted time,
// then lets the targets take turns. Each round begins with another target.
func (f *fleet) measureLoad(ctx context.Context, p plan, load Load) result {
	r := result{load: load}
	counts := make([]int, len(f.targets))
	for i, t := range f.targets {
		probe := f.measure(ctx, t, load, load.probe(), p.limit())
		counts[i] = requestsFor(load, probe.Rate, p.seconds)
	}
	r.samples = takeTurns(p.rounds, len(f.targets), func(i int) Sample {
		return f.measure(ctx, f.targets[i], load, counts[i], p.limit())
	})
	return r
}

// takeTurns measures each of count targets once a round.
func takeTurns(rounds, count int, measure func(i int) Sample) [][]Sample {
	samples := make([][]Sample, count)
	for round := range rounds {
		for turn := range count {
			i := (round + turn) % count
			samples[i] = append(samples[i], measure(i))
		}
	}
	return samples
}

// limit is when a run is given up: redis-benchmark itself waits for ever.
func (p plan) limit() time.Duration {
	return 10*time.Second + time.Duration(10*p.seconds*float64(time.Second))
}

// requestsFor is a whole number of pipelines that takes about so long at this
// rate, and never less than two of each client. After a failed probe, whose
// rate is 0, that is all there is to try.
func requestsFor(load Load, rate, seconds float64) int {
	n := int(rate * seconds)
	n -= n % load.Pipeline
	return max(n, 2*load.Clients*load.Pipeline)
}

// measure makes one run of redis-benchmark.
func (f *fleet) measure(ctx context.Context, t running, load Load, n int, limit time.Duration) Sample {
	return f.sample(ctx, t, n, limit, func(ctx context.Context) (clientFigures, error) {
		return redisBenchmark(ctx, t.addr, load, n)
	})
}

// sample reads a target's clocks around n requests of a client. The CPU time
// is that of the whole run, with the clients' connects.
func (f *fleet) sample(ctx context.Context, t running, n int, limit time.Duration, client func(context.Context) (clientFigures, error)) Sample {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := resetPeak(t.pid()); err != nil {
		return Sample{Err: err}
	}
	before, err := f.cpu(t)
	if err != nil {
		return Sample{Err: err}
	}
	figures, err := client(ctx)
	if err != nil {
		return Sample{Err: err}
	}
	after, err := f.cpu(t)
	if err != nil {
		return Sample{Err: err}
	}
	peak, err := peakMemory(t.pid())
	if err != nil {
		return Sample{Err: err}
	}
	perRequest := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 / float64(n) }
	return Sample{
		clientFigures: figures,
		CPU:           perRequest(after.target - before.target),
		ShardCPU:      perRequest(after.shards - before.shards),
		Peak:          float64(peak) / (1 << 20),
	}
}

type cpuTimes struct{ target, shards time.Duration }

func (f *fleet) cpu(t running) (cpuTimes, error) {
	own, err := machine.CPUTime(t.pid())
	if err != nil {
		return cpuTimes{}, err
	}
	times := cpuTimes{target: own}
	for _, pid := range f.shardPids() {
		d, err := machine.CPUTime(pid)
		if err != nil {
			return cpuTimes{}, err
		}
		times.shards += d
	}
	return times, nil
}

func rateOf(s Sample) float64     { return s.Rate }
func p50Of(s Sample) float64      { return s.P50 }
func p99Of(s Sample) float64      { return s.P99 }
func p999Of(s Sample) float64     { return s.P999 }
func maxOf(s Sample) float64      { return s.Max }
func lateOf(s Sample) float64     { return s.Late }
func cpuOf(s Sample) float64      { return s.CPU }
func shardCPUOf(s Sample) float64 { return s.ShardCPU }
func peakOf(s Sample) float64     { return s.Peak }
