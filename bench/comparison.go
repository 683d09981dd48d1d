package main

import (
	"context"
	"fmt"
	"strings"
)

// comparison is loads under which targets took turns.
type comparison struct {
	targets []target
	plan    plan
	results []result
}

// loadsSection is the loads of the chosen set.
type loadsSection struct{ comparison }

func measureLoads(ctx context.Context, p plan, chosen []target) (loadsSection, error) {
	s := loadsSection{comparison{targets: chosen, plan: p}}
	f, err := startFleet(ctx, 4, chosen)
	if err != nil {
		return s, err
	}
	defer f.close()
	s.results, err = f.run(ctx, p)
	return s, err
}

func (s loadsSection) write(b *strings.Builder) {
	if len(s.results) == 0 {
		return
	}
	s.writeGoals(b)
	if s.index(baseline) >= 0 && len(s.targets) > 1 {
		fmt.Fprintf(b, "## Ratios to %s\n\n", baseline)
		s.writeRatios(b, baseline)
	}
	b.WriteString("## Figures\n\n")
	s.writeFigures(b)
	s.writeFailed(b)
}

// writeRatios has one line for each load and target but the base: what the
// README quotes.
func (c comparison) writeRatios(b *strings.Builder, base string) {
	fmt.Fprintf(b, "Median (least–greatest) of %d rounds, each ratio between two runs of one round. "+
		"Below 1 is better for CPU, p50 and p99, above 1 for the rate.\n\n", c.plan.rounds)
	b.WriteString("| load | target | CPU | rate | p50 | p99 |\n|---|---|---|---|---|---|\n")
	to := c.index(base)
	for _, res := range c.results {
		for i, t := range c.targets {
			if i == to {
				continue
			}
			fmt.Fprintf(b, "| %s | %s | %v | %v | %v | %v |\n", res.load, t.name,
				ratios(res.samples[i], res.samples[to], cpuOf), ratios(res.samples[i], res.samples[to], rateOf),
				ratios(res.samples[i], res.samples[to], p50Of), ratios(res.samples[i], res.samples[to], p99Of))
		}
	}
	b.WriteString("\n")
}

func (c comparison) writeFigures(b *strings.Builder) {
	fmt.Fprintf(b, "Medians of %d runs of about %.2g s. CPU is µs a request of the target's process, "+
		"in brackets that of the redis-servers together. Peak memory is resident, of a process started for this load.\n\n", c.plan.rounds, c.plan.seconds)
	b.WriteString("| load | target | requests/s | p50 ms | p99 ms | CPU µs | peak MiB |\n|---|---|---:|---:|---:|---:|---:|\n")
	for _, res := range c.results {
		for i, t := range c.targets {
			s := res.samples[i]
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s (%s) | %s |\n", res.load, t.name,
				figure(medianOf(s, rateOf), -1), figure(medianOf(s, p50Of), 3), figure(medianOf(s, p99Of), 3),
				figure(medianOf(s, cpuOf), 2), figure(medianOf(s, shardCPUOf), 2), figure(medianOf(s, peakOf), 1))
		}
	}
	b.WriteString("\n")
}

// writeFailed names every run without figures, so that no gap in a table
// goes unexplained.
func (c comparison) writeFailed(b *strings.Builder) {
	var lines []string
	for _, res := range c.results {
		for i, t := range c.targets {
			for round, s := range res.samples[i] {
				if s.Err != nil {
					lines = append(lines, fmt.Sprintf("- %s, %s, round %d: %v\n", t.name, res.load, round+1, s.Err))
				}
			}
		}
	}
	if len(lines) > 0 {
		b.WriteString("### Failed runs\n\n" + strings.Join(lines, "") + "\n")
	}
}

// failures counts the runs of our own targets that gave no figures.
func (c comparison) failures() int {
	n := 0
	for _, res := range c.results {
		for i, t := range c.targets {
			for _, s := range res.samples[i] {
				if t.ours && s.Err != nil {
					n++
				}
			}
		}
	}
	return n
}

// index is where the target of this name is, -1 if it is not there.
func (c comparison) index(name string) int {
	for i, t := range c.targets {
		if t.name == name {
			return i
		}
	}
	return -1
}
