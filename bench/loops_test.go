package main

import (
	"strings"
	"testing"

	"github.com/shardring/shardring/bench/internal/loopsim"
)

func TestLoopsSection(t *testing.T) {
	row := func(loops int, ratio float64) loopsRow {
		return loopsRow{"fast", loopsConfig(loops, 1000, 16, loopsim.FastServer()), loopsim.Result{Rate: 1_234_400}, ratio}
	}
	var b strings.Builder
	loopsSection{rows: []loopsRow{row(1, 1), row(2, 1.69), row(2, 1.7), row(4, 1.2)}}.write(&b)
	for _, want := range []string{"## Loops: a simulation", "Nothing below was measured", "| fast | 1,000, P16 | 2 | 1,234,000 |",
		"in 1 of 2 cases. Less in: 1,000 clients, P16, servers fast: 1.69."} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	b.Reset()
	if (loopsSection{}).write(&b); b.Len() > 0 {
		t.Errorf("nothing simulated gives %q", b.String())
	}
}
