package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/shardring/shardring/bench/internal/stats"
)

// section is what one kind of measurement has found.
type section interface {
	write(b *strings.Builder) // as markdown; nothing if it has found nothing
	failures() int            // runs of our own targets that gave no figures
}

// report is everything a run has found.
type report struct {
	facts    facts
	targets  []target
	sections []section
	took     time.Duration
}

// String renders the report as markdown. It is empty if nothing was measured.
func (r report) String() string {
	var b, found strings.Builder
	for _, s := range r.sections {
		s.write(&found)
	}
	if found.Len() == 0 {
		return ""
	}
	b.WriteString("# Benchmark of shardproxy\n\n")
	r.writeFacts(&b)
	return b.String() + strings.TrimSpace(found.String()) + "\n"
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

func (r report) failures() int {
	n := 0
	for _, s := range r.sections {
		n += s.failures()
	}
	return n
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

// spread writes a median with the least and the greatest.
func spread(s stats.Spread, decimals int) string {
	if s.N == 0 {
		return figure(s.Median, decimals)
	}
	return fmt.Sprintf("%s (%s–%s)", figure(s.Median, decimals), figure(s.Min, decimals), figure(s.Max, decimals))
}

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }
