package main

import (
	"fmt"
	"strings"

	"github.com/shardring/shardring/bench/internal/stats"
)

// verdict says whether the rounds of a ratio keep to a bound.
type verdict uint8

const (
	unmeasured verdict = iota // no round has the ratio
	met                       // every round is within the bound
	missed                    // every round is beyond it
	between                   // the rounds disagree
)

func (v verdict) String() string {
	switch v {
	case unmeasured:
		return "not measured"
	case met:
		return "met"
	case missed:
		return "missed"
	case between:
		return "within the spread"
	}
	return fmt.Sprintf("verdict(%d)", uint8(v))
}

func atMost(s stats.Spread, bound float64) verdict { return judge(s.N, s.Max <= bound, s.Min > bound) }

func atLeast(s stats.Spread, bound float64) verdict { return judge(s.N, s.Min >= bound, s.Max < bound) }

func judge(rounds int, allWithin, allBeyond bool) verdict {
	switch {
	case rounds == 0:
		return unmeasured
	case allWithin:
		return met
	case allBeyond:
		return missed
	}
	return between
}

// writeGoals judges our targets under each load that has a goal.
func (c comparison) writeGoals(b *strings.Builder) {
	base := c.index(baseline)
	if base < 0 {
		return
	}
	var rows strings.Builder
	for _, g := range goals() {
		for _, res := range c.results {
			for i, t := range c.targets {
				if res.load == g.load && t.ours {
					writeGoal(&rows, t.name, g, res.samples[i], res.samples[base])
				}
			}
		}
	}
	if rows.Len() == 0 {
		return
	}
	fmt.Fprintf(b, "## Goals\n\nWhat shardproxy is to reach beside %s. CPU is µs a request of shardproxy and of %[1]s, then their ratio; "+
		"the rate and p99 are ratios only. Ratios are medians (least–greatest) of %d rounds. A goal is met if every round is within its bound, "+
		"missed if every round is beyond it; where they disagree it is within the spread.\n\n", baseline, c.plan.rounds)
	b.WriteString("| load | target | CPU µs | CPU | wanted | rate | wanted | p99 | wanted |\n|---|---|---|---|---|---|---|---|---|\n")
	b.WriteString(rows.String() + "\n")
}

func writeGoal(b *strings.Builder, name string, g goal, samples, base []Sample) {
	cpu, rate, p99 := ratios(samples, base, cpuOf), ratios(samples, base, rateOf), ratios(samples, base, p99Of)
	fmt.Fprintf(b, "| %s | %s | %s : %s | %v | ≤ %.2f: %v | %v | ≥ %.2f: %v | %v | ≤ %.2f: %v |\n", g.load, name,
		figure(medianOf(samples, cpuOf), 2), figure(medianOf(base, cpuOf), 2),
		cpu, g.bounds.cpu, atMost(cpu, g.bounds.cpu),
		rate, g.bounds.rate, atLeast(rate, g.bounds.rate),
		p99, g.bounds.p99, atMost(p99, g.bounds.p99))
}
