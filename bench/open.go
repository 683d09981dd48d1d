package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/shardring/shardring/bench/internal/openloop"
)

// openSection is the latency at a rate that all targets are asked for alike,
// however slowly they answer.
type openSection struct {
	comparison
	rate  float64   // requests a second
	peaks []float64 // requests a second that each target served at most; NaN if not measured
}

const (
	openStretch = 4                // a run takes so much longer than that of a closed loop, for its p99.9
	openWarmUp  = 0.1              // of a run
	openDrain   = 30 * time.Second // for the last replies
)

func openLoad() Load { return Load{"GET", 1, 64, 50, 1} }

// measureOpen finds how many requests the sharding proxies can serve, then asks
// them, and redis-server itself, for half of what the slower one can.
func measureOpen(ctx context.Context, p plan, chosen []target) (openSection, error) {
	p.loads = []Load{openLoad()}
	s := openSection{comparison: comparison{plan: p}}
	for _, t := range chosen {
		if t.sharding || t.spec == nil {
			s.targets = append(s.targets, t)
		}
	}
	f, err := startFleet(ctx, 4, s.targets)
	if err != nil {
		return s, err
	}
	defer f.close()
	if s.results, err = f.run(ctx, p); err != nil {
		s.results = nil
		return s, err
	}
	if err := s.chooseRate(); err != nil {
		return s, err
	}
	fmt.Fprintf(p.progress, "open loop of %s at %s/s\n", openLoad(), thousands(int(s.rate)))
	keys := openRequests(openLoad())
	warm := f.openTurn(ctx, p, keys, s.rate, openStretch*openWarmUp*p.seconds)
	takeTurns(1, len(f.targets), warm)
	measured := takeTurns(p.rounds, len(f.targets), f.openTurn(ctx, p, keys, s.rate, openStretch*p.seconds))
	s.results = []result{{openLoad(), measured}}
	return s, ctx.Err()
}

// chooseRate takes the maxima from the results of the closed loop.
func (s *openSection) chooseRate() error {
	slowest := math.Inf(1)
	for i, t := range s.targets {
		peak := medianOf(s.results[0].samples[i], rateOf)
		s.peaks = append(s.peaks, peak)
		if t.sharding && peak < slowest {
			slowest = peak
		}
	}
	if math.IsInf(slowest, 1) {
		return errors.New("open loop: no sharding proxy whose maximum could be measured")
	}
	s.rate = slowest / 2
	return nil
}

// openTurn is one run of so many seconds against the target of an index.
func (f *fleet) openTurn(ctx context.Context, p plan, requests [][]byte, rate, seconds float64) func(i int) Sample {
	cfg := openloop.Config{
		Conns:    openLoad().Clients,
		Rate:     rate,
		Requests: max(1, int(rate*seconds)),
		Request:  requests,
		Reply:    getReply(openLoad().Size),
		Drain:    openDrain,
	}
	limit := p.limit() + openDrain + time.Duration(seconds*float64(time.Second))
	return func(i int) Sample {
		t := f.targets[i]
		cfg.Addr = t.addr
		return f.sample(ctx, t, cfg.Requests, limit, func(ctx context.Context) (clientFigures, error) {
			r, err := openloop.Run(ctx, cfg)
			if err != nil {
				return clientFigures{}, err
			}
			ms := func(ns int64) float64 { return float64(ns) / 1e6 }
			return clientFigures{
				Rate:    float64(cfg.Requests) / r.Elapsed.Seconds(),
				P50:     ms(r.Latency.ValueAtPercentile(50)),
				P99:     ms(r.Latency.ValueAtPercentile(99)),
				P999:    ms(r.Latency.ValueAtPercentile(99.9)),
				Max:     ms(r.Latency.Max()),
				Late:    ms(r.Late.ValueAtPercentile(99)),
				Overdue: !r.OnSchedule(),
			}, nil
		})
	}
}

// openRequests asks for each key of a load once, in an order that looks random
// and is the same for all targets and runs.
func openRequests(l Load) [][]byte {
	var list [][]byte
	for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(l.keyspace()) {
		list = append(list, getRequest(keyName(i)))
	}
	return list
}

func (s openSection) write(b *strings.Builder) {
	if len(s.results) == 0 {
		return
	}
	var peaks []string
	for i, t := range s.targets {
		peaks = append(peaks, fmt.Sprintf("%s %s/s", t.name, figure(s.peaks[i], -1)))
	}
	l := openLoad()
	fmt.Fprintf(b, "## Open loop\n\n%s of %s over %d connections, at %s requests/s for every target: half of what the slower sharding proxy "+
		"served in a closed loop right before (%s). Requests go out by a schedule that waits for no reply, "+
		"and a latency counts from when its request was due. Median (least–greatest) of %d runs of %.2g s; late is the p99 of how late the generator itself wrote, "+
		"which the latencies hold.\n\n", l.Command, bytesName(l.Size), l.Clients, thousands(int(s.rate)), strings.Join(peaks, ", "),
		s.plan.rounds, openStretch*s.plan.seconds)
	b.WriteString("| target | p50 ms | p99 ms | p99.9 ms | max ms | late ms | CPU µs |\n|---|---|---|---|---|---|---|\n")
	samples := s.results[0].samples
	for i, t := range s.targets {
		fmt.Fprintf(b, "| %s |", t.name)
		for _, ms := range []func(Sample) float64{p50Of, p99Of, p999Of, maxOf, lateOf} {
			fmt.Fprintf(b, " %s |", spread(spreadOf(samples[i], ms), 3))
		}
		fmt.Fprintf(b, " %v |\n", spreadOf(samples[i], cpuOf))
	}
	b.WriteString("\n")
	if base := s.index(baseline); base >= 0 && len(s.targets) > 1 {
		fmt.Fprintf(b, "As ratios to %s:\n\n| target | p50 | p99 | p99.9 | max | CPU |\n|---|---|---|---|---|---|\n", baseline)
		for i, t := range s.targets {
			if i != base {
				fmt.Fprintf(b, "| %s | %v | %v | %v | %v | %v |\n", t.name,
					ratios(samples[i], samples[base], p50Of), ratios(samples[i], samples[base], p99Of), ratios(samples[i], samples[base], p999Of),
					ratios(samples[i], samples[base], maxOf), ratios(samples[i], samples[base], cpuOf))
			}
		}
		b.WriteString("\n")
	}
	s.writeOverdue(b)
	s.writeFailed(b)
}

// writeOverdue names the runs whose schedule was not kept.
func (s openSection) writeOverdue(b *strings.Builder) {
	var runs []string
	for i, t := range s.targets {
		for round, sample := range s.results[0].samples[i] {
			if sample.Overdue {
				runs = append(runs, fmt.Sprintf("%s in round %d", t.name, round+1))
			}
		}
	}
	if len(runs) == 0 {
		fmt.Fprintf(b, "The generator kept its schedule: in every run it wrote 99%% of the requests within %v of when they were due.\n\n", openloop.Tolerance)
		return
	}
	fmt.Fprintf(b, "The generator did NOT keep its schedule, it wrote more than 1%% of the requests over %v late: %s.\n\n",
		openloop.Tolerance, strings.Join(runs, ", "))
}
