package main

import (
	"fmt"
	"io"
	"time"

	"github.com/shardring/shardring/bench/chaos/internal/history"
)

// row is what came of a scenario. Pairs are through the proxy, and through the library.
type row struct {
	name     string
	verdict  history.Verdict
	errors   int            // that clients saw during the fault
	kinds    map[string]int // of errors
	pause    [2]time.Duration
	recovery [2]time.Duration
	before   [2]time.Duration // p99 of the other shards
	during   [2]time.Duration
	ended    time.Time // when the time of the fault was over

	notes    []string
	failures []string
	proxyLog string
}

func (r *row) say(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

func (r *row) fail(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

// details is what the table has no room for.
func (r *row) details(w io.Writer) {
	v := r.verdict
	fmt.Fprintf(w, "  writes: %d acknowledged, %d failed, %d unknown; %d answers to reads, %d older than acknowledged where that is allowed\n",
		v.Acked, v.Failed, v.Unknown, v.Reads, v.Older)
	for _, n := range r.notes {
		fmt.Fprintln(w, "  "+n)
	}
	for i, kind := range most(r.kinds) {
		if i == 8 {
			fmt.Fprintln(w, "  …")
			break
		}
		fmt.Fprintf(w, "  error %6d × %s\n", r.kinds[kind], kind)
	}
	for i, wrong := range v.Violations {
		if i == 10 {
			fmt.Fprintln(w, "  …")
			break
		}
		fmt.Fprintln(w, "  WRONG", wrong)
	}
	for _, f := range r.failures {
		fmt.Fprintln(w, "  FAILED", f)
	}
	if r.proxyLog != "" {
		fmt.Fprintf(w, "  end of shardproxy's log:\n%s\n", tail(r.proxyLog, 2000))
	}
}

func tail(text string, size int) string {
	if len(text) > size {
		return "…" + text[len(text)-size:]
	}
	return text
}

// table is all rows as markdown.
func table(w io.Writer, rows []*row) {
	fmt.Fprintln(w, "| scenario | holds | wrong | lost | client errors | longest pause, proxy / library | recovery | other shards' p99 before → during, proxy | library |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|")
	for _, r := range rows {
		holds := "yes"
		if len(r.failures) > 0 {
			holds = "NO"
		}
		fmt.Fprintf(w, "| %s | %s | %d | %d | %d | %s / %s | %s / %s | %s → %s | %s → %s |\n",
			r.name, holds, r.verdict.Wrong, r.verdict.Lost, r.errors,
			ms(r.pause[0]), ms(r.pause[1]), ms(r.recovery[0]), ms(r.recovery[1]),
			ms(r.before[0]), ms(r.during[0]), ms(r.before[1]), ms(r.during[1]))
	}
}

func ms(d time.Duration) string {
	if d >= 10*time.Millisecond {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}
