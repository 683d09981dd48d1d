package main

import (
	"fmt"
	"strings"

	"github.com/shardring/shardring/bench/internal/stats"
)

// The tables that targets speak of.
const (
	closedTable     = "closed loop"
	pipelineTable   = "pipelines"
	openTable       = "open loop"
	closedBusyTable = "closed loop, busy process"
	openBusyTable   = "open loop, busy process"
	lookupTable     = "lookups"
	buildingTable   = "building"
)

// others stands for every contender but ours.
const others = "others"

// target bounds one figure of ours: its ratio to another contender's, or, if
// to is ours itself, the figure.
type target struct {
	table  string
	figure string // as a column is named
	to     string // contender, or others
	at     int    // goroutines, or shards of a ring; 0: any number
	bound  bound
}

// targets are all bounds there are.
func targets() []target {
	all := []target{
		{closedTable, "allocations", ourLibrary, 0, atMost(4)},
		{pipelineTable, "rate", "go-redis Ring", 0, atLeast(1.5)},
		{openTable, "p50", others, 0, atMost(1)},
		{openTable, "p99", others, 0, atMost(1)},
		{openTable, "p99.9", others, 0, atMost(1)},
		{closedBusyTable, "p99", "rueidis", 0, atMost(1)},
		{openBusyTable, "p99", "rueidis", 0, atMost(1)},
		{lookupTable, "allocations", ourRing, 0, atMost(0)},
		{buildingTable, "ms", ourRing, 1000, atMost(50)},
	}
	for _, t := range []struct {
		goroutines                   int
		rueidis, tuned, ring, redigo float64 // our rate to theirs; 0: nothing is wanted
	}{
		{1, 0.9, 0, 1, 1},
		{16, 1.2, 0, 1.6, 1.4},
		{64, 2, 1, 3.5, 3},
		{256, 3, 1, 6, 5},
	} {
		all = append(all,
			target{closedTable, "rate", "rueidis", t.goroutines, atLeast(t.rueidis)},
			target{closedTable, "rate", "go-redis Ring", t.goroutines, atLeast(t.ring)},
			target{closedTable, "rate", "redigo pool", t.goroutines, atLeast(t.redigo)},
		)
		if t.tuned > 0 {
			all = append(all, target{closedTable, "rate", "rueidis tuned", t.goroutines, atLeast(t.tuned)})
		}
	}
	for _, t := range []struct {
		shards            int
		rendezvous, rings float64 // how many times as long as ours they take
	}{
		{4, 2, 5},
		{100, 5, 5},
		{1000, 10, 5},
	} {
		all = append(all,
			target{lookupTable, "times", "go-redis Ring's rendezvous", t.shards, atLeast(t.rendezvous)},
			target{lookupTable, "times", "serialx/hashring", t.shards, atLeast(t.rings)},
			target{lookupTable, "times", "groupcache consistenthash", t.shards, atLeast(t.rings)},
			target{lookupTable, "times", "stathat consistent", t.shards, atLeast(t.rings)},
		)
	}
	return all
}

// bound is what a figure must reach or must not exceed.
type bound struct {
	sign  string // ≥ or ≤
	value float64
}

func atLeast(v float64) bound { return bound{"≥", v} }
func atMost(v float64) bound  { return bound{"≤", v} }

func (b bound) String() string { return fmt.Sprintf("%s %g", b.sign, b.value) }

func (b bound) holds(v float64) bool {
	if b.sign == "≥" {
		return v >= b.value
	}
	return v <= b.value
}

// verdict is met if the bound holds in all rounds, missed if in none;
// otherwise rounds differ by more than what is asked.
type verdict string

const (
	met    verdict = "met"
	within verdict = "within the spread"
	missed verdict = "missed"
)

func (b bound) judge(s stats.Spread) verdict {
	switch least, most := b.holds(s.Min), b.holds(s.Max); {
	case least && most:
		return met
	case least || most:
		return within
	}
	return missed // NaN too: nothing was measured
}

// judgement is one bound on one row of a table.
type judgement struct {
	row    string // what the row is of
	target target
	to     string // the contender of the row
	found  stats.Spread
}

func (j judgement) verdict() verdict { return j.target.bound.judge(j.found) }

// judge finds the targets of a row and holds them against what was found.
// Others' figures are ratios of ours to theirs, as the row has them.
func judge(table, row, to string, ours bool, at int, found func(figure string) stats.Spread) []judgement {
	var js []judgement
	for _, t := range targets() {
		if t.table == table && (t.at == 0 || t.at == at) && (t.to == to || t.to == others && !ours) {
			js = append(js, judgement{row, t, to, found(t.figure)})
		}
	}
	return js
}

// verdictCells are the last two cells of a row: wanted, and the verdict.
func verdictCells(js []judgement) []string {
	var wanted, verdicts []string
	for _, j := range js {
		wanted = append(wanted, fmt.Sprintf("%s %v", j.target.figure, j.target.bound))
		v := string(j.verdict())
		if len(js) > 1 {
			v = j.target.figure + " " + v
		}
		verdicts = append(verdicts, v)
	}
	return []string{strings.Join(wanted, ", "), strings.Join(verdicts, ", ")}
}

// summary counts the verdicts of all sections and lists what is not met.
func summary(sections []section) []section {
	counts := section{
		heading: "Targets",
		text: "A target is met if it holds in all rounds, missed if in none; within the spread, rounds differ by more than what is asked. " +
			"Below are those not met.",
		header: []string{"table", string(met), string(within), string(missed)},
	}
	open := section{header: []string{"load", "figure", "to", "wanted", "found", "verdict"}}
	for _, s := range sections {
		if len(s.judged) == 0 {
			continue
		}
		n := make(map[verdict]int)
		for _, j := range s.judged {
			v := j.verdict()
			n[v]++
			if v != met {
				open.rows = append(open.rows, []string{
					s.heading + ": " + j.row, j.target.figure, j.to, j.target.bound.String(), j.found.String(), string(v),
				})
			}
		}
		counts.rows = append(counts.rows, []string{s.heading, fmt.Sprint(n[met]), fmt.Sprint(n[within]), fmt.Sprint(n[missed])})
	}
	if len(counts.rows) == 0 {
		return nil
	}
	if len(open.rows) == 0 {
		return []section{counts}
	}
	return []section{counts, open}
}
