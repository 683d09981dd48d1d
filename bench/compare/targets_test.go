package main

import (
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/bench/internal/stats"
)

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		bound  bound
		values []float64
		want   verdict
	}{
		{atLeast(1.2), []float64{1.2, 1.3}, met},
		{atLeast(1.2), []float64{1.1, 1.3, 1.3}, within},
		{atLeast(1.2), []float64{1.0, 1.1}, missed},
		{atMost(4), []float64{3, 4}, met},
		{atMost(4), []float64{3, 5}, within},
		{atMost(4), []float64{4.1}, missed},
		{atMost(4), nil, missed},
		{atLeast(4), nil, missed},
	} {
		if got := c.bound.judge(stats.Of(c.values)); got != c.want {
			t.Errorf("%v of %v: %s, want %s", c.bound, c.values, got, c.want)
		}
	}
}

// Every target names a figure that its table has, and a contender that there
// is: one with a slip of the pen would never be judged.
func TestTargetsAreOfWhatIsMeasured(t *testing.T) {
	tables := map[string][]string{ // figures
		lookupTable:   {"times", "allocations"},
		buildingTable: {"ms"},
	}
	for _, l := range []layout{
		layoutOf(0, false, 0), layoutOf(100, false, 0), layoutOf(0, true, 0), layoutOf(0, false, 2), layoutOf(0, true, 2),
	} {
		for _, c := range l.columns {
			tables[l.table] = append(tables[l.table], c.name)
		}
	}
	contenders := map[string]bool{others: true}
	for _, c := range libraryContenders() {
		contenders[c.name] = true
	}
	for _, c := range ringContenders() {
		contenders[c.name] = true
	}
	seen := make(map[target]bool)
	for _, target := range targets() {
		if !slices.Contains(tables[target.table], target.figure) || !contenders[target.to] {
			t.Errorf("%+v is of nothing that is measured", target)
		}
		target.bound = bound{}
		if seen[target] {
			t.Errorf("%+v is there twice", target)
		}
		seen[target] = true
	}
}

func TestJudge(t *testing.T) {
	found := func(figure string) stats.Spread {
		return stats.Of(map[string][]float64{"rate": {1.3}, "p50": {0.9}, "p99": {0.9, 1.1}, "p99.9": {1.2}}[figure])
	}
	for _, c := range []struct {
		table, to string
		ours      bool
		at        int
		want      [2]string
	}{
		{closedTable, "rueidis", false, 16, [2]string{"rate ≥ 1.2", "met"}},
		{closedTable, "rueidis", false, 64, [2]string{"rate ≥ 2", "missed"}},
		{closedTable, "rueidis", false, 32, [2]string{"", ""}},
		{closedTable, "rueidis tuned", false, 16, [2]string{"", ""}},
		{openTable, "redigo pool", false, 256, [2]string{"p50 ≤ 1, p99 ≤ 1, p99.9 ≤ 1", "p50 met, p99 within the spread, p99.9 missed"}},
		{openTable, ourLibrary, true, 256, [2]string{"", ""}},
	} {
		js := judge(c.table, "row", c.to, c.ours, c.at, found)
		if got := [2]string(verdictCells(js)); got != c.want {
			t.Errorf("%s, %s at %d: %q, want %q", c.table, c.to, c.at, got, c.want)
		}
	}
}

func TestSummary(t *testing.T) {
	s := section{heading: "Lookups", judged: judge(lookupTable, "4 shards", "serialx/hashring", false, 4, func(string) stats.Spread {
		return stats.Of([]float64{4, 6})
	})}
	text := table{[]section{s, {heading: "Evenness"}}}.String()
	for _, want := range []string{"| Lookups | 0 | 1 | 0 |\n\n", "| Lookups: 4 shards | times | serialx/hashring | ≥ 5 | 5.00 (4.00–6.00) | within the spread |"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "| Evenness |") {
		t.Error("a table without targets is counted")
	}
}

// Every part of everything parses, and they take about six minutes.
func TestParts(t *testing.T) {
	const rings = 30 * time.Second
	total := rings
	for _, args := range parts() {
		if _, err := parse(args, io.Discard, func(*flag.FlagSet) {}); err != nil {
			t.Errorf("%q: %v", args, err)
		}
		if args[0] != "library" {
			continue
		}
		var f libraryFlags
		flags := flag.NewFlagSet("", flag.ContinueOnError)
		f.register(flags)
		if err := flags.Parse(args[1:]); err != nil {
			t.Fatal(err)
		}
		o, err := f.options()
		if err != nil {
			t.Fatal(err)
		}
		loads := len(o.workloads)
		if o.open && o.workloads[0].busy == 0 {
			loads *= 2
		}
		runs := float64(loads*len(o.contenders)) * (float64(o.rounds) + 0.2)
		total += time.Duration(runs*float64(o.wanted)) + time.Duration(loads)*500*time.Millisecond
	}
	if total < 5*time.Minute || total > 7*time.Minute {
		t.Errorf("everything takes about %v", total)
	}
}

// A report goes to the file and to standard output.
func TestOut(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report.md")
	profile := filepath.Join(t.TempDir(), "cpu")
	if err := os.WriteFile(file, []byte(strings.Repeat("an old and long report\n", 1000)), 0o666); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	args := strings.Fields("library --rounds 1 --seconds 0.01 --goroutines 1 --sizes 64 --sets 0 --only none --out " + file + " --cpuprofile " + profile)
	if err := run(t.Context(), args, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != out.String() || !strings.Contains(out.String(), "`go run . library --rounds 1") {
		t.Errorf("the file has %q, %v; standard output %q", got, err, out.String())
	}
	if got, err := os.Stat(profile); err != nil || got.Size() == 0 {
		t.Errorf("the profile: %v, %v", got, err)
	}
}
