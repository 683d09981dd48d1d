package main

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestReport(t *testing.T) {
	sample := func(rate, cpu float64) Sample {
		return Sample{clientFigures: clientFigures{Rate: rate, P50: 1, P99: 2}, CPU: cpu, ShardCPU: 3, Peak: 4}
	}
	timed := func(p99 float64, overdue bool) Sample {
		return Sample{clientFigures: clientFigures{P50: 0.1, P99: p99, P999: 3, Max: 4, Late: 0.05, Overdue: overdue}, CPU: 10}
	}
	get := Load{"GET", 1, 64, 50, 1}
	both := []target{{name: "nutcracker"}, {name: "shardproxy", ours: true}}
	p := plan{rounds: 2, seconds: 1.5}
	r := report{
		facts:   facts{Command: "go run ./bench --set short", Date: time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC), Lines: []string{"cores: 2"}},
		targets: both,
		sections: []section{
			loadsSection{comparison{both, p, []result{{get, [][]Sample{
				{sample(1000, 10), sample(2000, 10)},
				{sample(1500, 5), {Err: errors.New("connection refused")}},
			}}}}},
			openSection{
				comparison{both, p, []result{{get, [][]Sample{
					{timed(0.5, false), timed(1, false)},
					{timed(0.25, false), timed(1, true)},
				}}}},
				10_000, []float64{20_000, 30_000},
			},
			singleSection{comparison{both, p, []result{{get, [][]Sample{
				{sample(1000, 10), sample(2000, 10)},
				{sample(500, 5), sample(1000, 5)},
			}}}}},
			idleSection{
				{target: both[0], count: 1024, stages: []stage{{"started", 1 << 20}, {"connected", 3 << 20}}},
				{target: both[1], count: 1024, err: errors.New("no answer")},
			},
			churnSection{
				{target: both[0], count: 5000, rate: 9999.6, cpu: 50, files: 1, stages: []stage{{"", 1 << 20}, {"", 2 << 20}, {"", 3 << 20}}},
				{target: both[1], count: 5000, err: errors.New("reset")},
			},
			syscallSection{
				{target: both[0], load: get, requests: 1000, calls: []syscallCount{{"read", 2000}, {"write", 500}, {"brk", 1}}},
				{target: both[1], load: get, err: errors.New("no ptrace")},
			},
		},
		took: 61 * time.Second,
	}
	text := r.String()
	for _, want := range []string{
		"`go run ./bench --set short`, 2026-01-02 03:04 UTC, in 1m1s.",
		"- cores: 2\n",
		"| GET, 64 B, 50 clients, P1 | shardproxy | 5.00 : 10.00 | 0.50 (0.50–0.50) | ≤ 0.80: met | 1.50 (1.50–1.50) | ≥ 1.05: met | 1.00 (1.00–1.00) | ≤ 1.00: met |\n",
		"| GET, 64 B, 50 clients, P1 | shardproxy | 0.50 (0.50–0.50) | 1.50 (1.50–1.50) | 1.00 (1.00–1.00) | 1.00 (1.00–1.00) |\n",
		"| GET, 64 B, 50 clients, P1 | nutcracker | 1,500 | 1.000 | 2.000 | 10.00 (3.00) | 4.0 |\n",
		"| GET, 64 B, 50 clients, P1 | shardproxy | 1,500 | 1.000 | 2.000 | 5.00 (3.00) | 4.0 |\n",
		"- shardproxy, GET, 64 B, 50 clients, P1, round 2: connection refused\n",
		"at 10,000 requests/s", "(nutcracker 20,000/s, shardproxy 30,000/s)",
		"| nutcracker | 0.100 (0.100–0.100) | 0.750 (0.500–1.000) | 3.000 (3.000–3.000) | 4.000 (4.000–4.000) | 0.050 (0.050–0.050) | 10.00 (10.00–10.00) |\n",
		"| shardproxy | 1.00 (1.00–1.00) | 0.75 (0.50–1.00) | 1.00 (1.00–1.00) | 1.00 (1.00–1.00) | 1.00 (1.00–1.00) |\n",
		"NOT keep its schedule, it wrote more than 1% of the requests over 1ms late: shardproxy in round 2.\n",
		"| GET, 64 B, 50 clients, P1 | shardproxy | 0.50 (0.50–0.50) | 0.50 (0.50–0.50) | 1.00 (1.00–1.00) | 1.00 (1.00–1.00) |\n",
		"| target | clients | started | connected |\n",
		"| nutcracker | 1,024 | 1.0 MiB | 3.0 MiB (2.00) |\n",
		"shardproxy with 1,024 clients failed: no answer\n",
		"| nutcracker | 10,000 | 50.0 | 1.0 MiB | 2.0 MiB | 3.0 MiB | 2.0 MiB | 1 |\n",
		"shardproxy failed: reset\n",
		"| GET, 64 B, 50 clients, P1 | nutcracker | 2.50 | read 2.00, write 0.50 |\n",
		"shardproxy, GET, 64 B, 50 clients, P1: no ptrace\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if got := r.failures(); got != 3 {
		t.Errorf("%d failures, want those of the load, the idle clients and the churn", got)
	}
	if t.Failed() {
		t.Log(text)
	}
}

// What was interrupted before its first result leaves no headings behind.
func TestReportOfNothingIsEmpty(t *testing.T) {
	r := report{sections: []section{loadsSection{}, openSection{}, singleSection{}, idleSection{}, churnSection{}, syscallSection{}}}
	if text := r.String(); text != "" {
		t.Errorf("got %q", text)
	}
}
