package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// report is everything a run has found.
type report struct {
	facts   facts
	targets []target
	plan    plan
	results []result
	idle    []idleResult
	took    time.Duration
}

// write renders the report as markdown.
func (r report) write(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# Benchmark of shardproxy\n\n")
	r.writeFacts(&b)
	if len(r.results) > 0 {
		r.writeRatios(&b)
		r.writeFigures(&b)
		r.writeFailures(&b)
	}
	if len(r.idle) > 0 {
		r.writeIdle(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r report) writeFacts(b *strings.Builder) {
	fmt.Fprintf(b, "`%s`, %s, in %v.\n\n", strings.TrimSpace(r.facts.Command),
		r.facts.Date.Format("2006-01-02 15:04 MST"), r.took.Round(time.Second))
	for _, line := range r.facts.Lines {
		fmt.Fprintf(b, "- %s\n", line)
	}
	b.WriteString("\n| target | |\n|---|---|\n")
	for _, t := range r.targets {
		fmt.Fprintf(b, "| %s | %s |\n", t.name, t.note)
	}
	b.WriteString("\n")
}

// writeRatios has one line for each load and target but the baseline: what
// the README quotes.
func (r report) writeRatios(b *strings.Builder) {
	base := r.baseline()
	if base < 0 || len(r.targets) == 1 {
		return
	}
	fmt.Fprintf(b, "## Ratios to %s\n\n", baseline)
	fmt.Fprintf(b, "Median (least–greatest) of %d rounds, each ratio between two runs of one round. "+
		"Below 1 is better for CPU, p50 and p99, above 1 for the rate.\n\n", r.plan.rounds)
	b.WriteString("| load | target | CPU | rate | p50 | p99 |\n|---|---|---|---|---|---|\n")
	for _, res := range r.results {
		for i, t := range r.targets {
			if i == base {
				continue
			}
			fmt.Fprintf(b, "| %s | %s | %v | %v | %v | %v |\n", res.load, t.name,
				ratios(res.samples[i], res.samples[base], cpuOf), ratios(res.samples[i], res.samples[base], rateOf),
				ratios(res.samples[i], res.samples[base], p50Of), ratios(res.samples[i], res.samples[base], p99Of))
		}
	}
	b.WriteString("\n")
}

func (r report) writeFigures(b *strings.Builder) {
	fmt.Fprintf(b, "## Figures\n\nMedians of %d runs of about %.2g s. CPU is µs a request of the target's process, "+
		"in brackets that of the redis-servers together. Peak memory is resident, of a process started for this load.\n\n", r.plan.rounds, r.plan.seconds)
	b.WriteString("| load | target | requests/s | p50 ms | p99 ms | CPU µs | peak MiB |\n|---|---|---:|---:|---:|---:|---:|\n")
	for _, res := range r.results {
		for i, t := range r.targets {
			s := res.samples[i]
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s (%s) | %s |\n", res.load, t.name,
				figure(medianOf(s, rateOf), -1), figure(medianOf(s, p50Of), 3), figure(medianOf(s, p99Of), 3),
				figure(medianOf(s, cpuOf), 2), figure(medianOf(s, shardCPUOf), 2), figure(medianOf(s, peakOf), 1))
		}
	}
	b.WriteString("\n")
}

// writeFailures names every run without figures, so that no gap in a table
// goes unexplained.
func (r report) writeFailures(b *strings.Builder) {
	var lines []string
	for _, res := range r.results {
		for i, t := range r.targets {
			for round, s := range res.samples[i] {
				if s.Err != nil {
					lines = append(lines, fmt.Sprintf("- %s, %s, round %d: %v\n", t.name, res.load, round+1, s.Err))
				}
			}
		}
	}
	if len(lines) > 0 {
		b.WriteString("## Failed runs\n\n" + strings.Join(lines, "") + "\n")
	}
}

func (r report) writeIdle(b *strings.Builder) {
	fmt.Fprintf(b, "## Memory of idle clients\n\nResident memory of the proxy's process, each freshly started, %v after the event; "+
		"in brackets the KiB above the start for each client. The pipelines are of %d GETs of 64 B by every client, %s clients at a time. "+
		"HAProxy holds a second connection for each client, so the limit of open files may leave it fewer clients.\n\n",
		idleSettle, idlePipeline, thousands(idleWindow))
	for i, res := range r.idle {
		if res.err != nil {
			fmt.Fprintf(b, "%s failed: %v\n\n", res.target, res.err)
			continue
		}
		if i == 0 || r.idle[i-1].err != nil {
			header, line := "| target | clients |", "|---|---:|"
			for _, s := range res.stages {
				header, line = header+" "+s.name+" |", line+"---:|"
			}
			b.WriteString(header + "\n" + line + "\n")
		}
		fmt.Fprintf(b, "| %s | %s | %.1f MiB |", res.target, thousands(res.count), mebibytes(res.stages[0].memory))
		for stage := 1; stage < len(res.stages); stage++ {
			fmt.Fprintf(b, " %.1f MiB (%.2f) |", mebibytes(res.stages[stage].memory), res.perClient(stage)/1024)
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
}

// failures counts the runs of our own targets that gave no figures.
func (r report) failures() int {
	n := 0
	ours := make(map[string]bool)
	for _, t := range r.targets {
		ours[t.name] = t.ours
	}
	for _, res := range r.results {
		for i, t := range r.targets {
			for _, s := range res.samples[i] {
				if t.ours && s.Err != nil {
					n++
				}
			}
		}
	}
	for _, res := range r.idle {
		if ours[res.target] && res.err != nil {
			n++
		}
	}
	return n
}

// baseline is its index among the targets, -1 if it is not there.
func (r report) baseline() int {
	for i, t := range r.targets {
		if t.name == baseline {
			return i
		}
	}
	return -1
}

// figure writes a number with so many decimals, a whole one with commas for
// -1, and a dash for one that is missing.
func figure(v float64, decimals int) string {
	switch {
	case math.IsNaN(v):
		return "–"
	case decimals < 0:
		return thousands(int(math.Round(v)))
	}
	return fmt.Sprintf("%.*f", decimals, v)
}

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }
