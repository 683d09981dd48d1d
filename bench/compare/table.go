package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shardring/shardring/bench/internal/stats"
)

// table is markdown: sections of a heading, a text and rows under a header.
type table struct {
	sections []section
}

// section is one of these; without a heading it goes on where the last ended.
type section struct {
	heading string
	text    string
	header  []string
	rows    [][]string
	judged  []judgement // of its rows

	failures []string // runs that failed and were repeated
}

// String is the verdicts on all sections, then the sections.
func (t table) String() string {
	var b strings.Builder
	for _, s := range append(summary(t.sections), t.sections...) {
		if s.heading != "" {
			fmt.Fprintf(&b, "## %s\n\n%s\n\n", s.heading, s.text)
		}
		if len(s.failures) > 0 {
			fmt.Fprintf(&b, "Runs that failed, and were repeated:\n\n- %s\n\n", strings.Join(s.failures, "\n- "))
		}
		writeRow(&b, s.header)
		writeRow(&b, slices.Repeat([]string{"---"}, len(s.header)))
		for _, row := range s.rows {
			writeRow(&b, row)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// err tells of runs that failed.
func (t table) err() error {
	n := 0
	for _, s := range t.sections {
		n += len(s.failures)
	}
	if n > 0 {
		return fmt.Errorf("%d runs failed and were repeated, see the report", n)
	}
	return nil
}

func writeRow(b *strings.Builder, cells []string) {
	fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
}

// ratio is the spread of ours over theirs, round by round.
func ratio(ours, theirs []float64) stats.Spread {
	var values []float64
	for i := range min(len(ours), len(theirs)) {
		if theirs[i] > 0 {
			values = append(values, ours[i]/theirs[i])
		}
	}
	return stats.Of(values)
}

// thousands writes n with commas: 10,000.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
