package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/shardring/shardring/bench/internal/stats"
)

// table is markdown: sections of a heading, a text and rows under a header.
type table struct {
	sections []section
}

type section struct {
	heading string
	text    string
	header  []string
	rows    [][]string
}

func (t table) write(w io.Writer) error {
	var b strings.Builder
	for _, s := range t.sections {
		fmt.Fprintf(&b, "## %s\n\n%s\n\n", s.heading, s.text)
		writeRow(&b, s.header)
		writeRow(&b, slices.Repeat([]string{"---"}, len(s.header)))
		for _, row := range s.rows {
			writeRow(&b, row)
		}
		b.WriteString("\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
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
