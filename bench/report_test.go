package main

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestReport(t *testing.T) {
	sample := func(rate, cpu float64) Sample {
		return Sample{clientFigures: clientFigures{rate, 1, 2}, CPU: cpu, ShardCPU: 3, Peak: 4}
	}
	r := report{
		facts:   facts{Command: "go run ./bench --set short", Date: time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC), Lines: []string{"cores: 2"}},
		targets: []target{{name: "nutcracker"}, {name: "shardproxy", ours: true}},
		plan:    plan{rounds: 2, seconds: 1.5},
		results: []result{{
			load: Load{"GET", 1, 64, 50, 1},
			samples: [][]Sample{
				{sample(1000, 10), sample(2000, 10)},
				{sample(1500, 5), {Err: errors.New("connection refused")}},
			},
		}},
		idle: []idleResult{
			{target: "nutcracker", count: 1024, stages: []idleStage{{"started", 1 << 20}, {"connected", 3 << 20}}},
			{target: "shardproxy", count: 1024, err: errors.New("no answer")},
		},
		took: 61 * time.Second,
	}
	var b strings.Builder
	if err := r.write(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"`go run ./bench --set short`, 2026-01-02 03:04 UTC, in 1m1s.",
		"- cores: 2\n",
		"| GET, 64 B, 50 clients, P1 | shardproxy | 0.50 (0.50–0.50) | 1.50 (1.50–1.50) | 1.00 (1.00–1.00) | 1.00 (1.00–1.00) |\n",
		"| GET, 64 B, 50 clients, P1 | nutcracker | 1,500 | 1.000 | 2.000 | 10.00 (3.00) | 4.0 |\n",
		"| GET, 64 B, 50 clients, P1 | shardproxy | 1,500 | 1.000 | 2.000 | 5.00 (3.00) | 4.0 |\n",
		"- shardproxy, GET, 64 B, 50 clients, P1, round 2: connection refused\n",
		"| target | clients | started | connected |\n",
		"| nutcracker | 1,024 | 1.0 MiB | 3.0 MiB (2.00) |\n",
		"shardproxy failed: no answer\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if got := r.failures(); got != 2 {
		t.Errorf("%d failures, want 2", got)
	}
	if t.Failed() {
		t.Log(b.String())
	}
}
