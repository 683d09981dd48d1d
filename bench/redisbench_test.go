package main

import (
	"strings"
	"testing"
)

const benchmarkCSV = `"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"
"mget key:__rand_int__ key:__rand_int__","54794.52","0.595","0.176","0.583","0.887","1.071","4.639"
`

func TestParseCSV(t *testing.T) {
	got, err := parseCSV([]byte(benchmarkCSV))
	if want := (clientFigures{Rate: 54794.52, P50: 0.583, P99: 1.071}); err != nil || got != want {
		t.Fatalf("parseCSV = %+v, %v, want %+v", got, err, want)
	}
	for _, c := range []struct{ text, want string }{
		{"", "0 lines"},
		{benchmarkCSV + benchmarkCSV, "4 lines"},
		{strings.ReplaceAll(benchmarkCSV, "p99_latency_ms", "p98"), `no column "p99_latency_ms"`},
		{strings.ReplaceAll(benchmarkCSV, "54794.52", "fast"), `column "rps"`},
		{"\"GET\",\"1\"\n1", "csv"},
	} {
		if _, err := parseCSV([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40q: error %v, want one with %q", c.text, err, c.want)
		}
	}
}
