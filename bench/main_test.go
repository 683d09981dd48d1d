package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The whole program with tiny runs: every load of a set and every target has
// its row, with figures.
func TestEndToEnd(t *testing.T) {
	if err := supported(); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "RESULTS.md")
	args := []string{"--set", "short", "--targets", "direct,nutcracker", "--seconds", "0.01", "--rounds", "1", "--open", "--single", "--out", out}
	var stdout strings.Builder
	if err := mainContext(context.Background(), args, &stdout, io.Discard); err != nil {
		t.Fatal(err)
	}
	text := stdout.String()
	if file, err := os.ReadFile(out); err != nil || string(file) != text {
		t.Errorf("the file is not what was printed: %v", err)
	}
	for _, l := range shortLoads() {
		for row, want := range map[string]int{
			"| " + l.String() + " | direct |":     2, // ratios and figures
			"| " + l.String() + " | nutcracker |": 1, // figures
		} {
			if slices.Contains(singleLoads(), l) && strings.Contains(row, "direct") {
				want++ // figures of --single
			}
			if got := strings.Count(text, row); got != want {
				t.Errorf("%d rows begin with %q, want %d", got, row, want)
			}
		}
	}
	for row, want := range map[string]int{
		"| nutcracker over 1 |": 2 * len(singleLoads()), // ratios and figures
		"\n| direct | ":         3,                      // what it is; latencies and ratios of --open
		"\n| nutcracker | ":     2,                      // what it is; latencies
	} {
		if got := strings.Count(text, row); got != want {
			t.Errorf("%d rows have %q, want %d", got, row, want)
		}
	}
	if strings.Contains(text, "–  |") || strings.Contains(text, "| – |") || strings.Contains(text, "Failed runs") {
		t.Error("figures are missing")
	}
	if t.Failed() {
		t.Log(text)
	}
}

// An error reply must not count as a served request.
func TestErrorRepliesFailTheRun(t *testing.T) {
	ctx := context.Background()
	f, err := startFleet(ctx, 1, targets("")[:1])
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	load := Load{"GET", 1, 64, 5, 1}
	if err := f.preload(load); err != nil {
		t.Fatal(err)
	}
	if s := f.measure(ctx, f.targets[0], load, 100, time.Minute); s.Err != nil || s.Rate <= 0 || s.CPU <= 0 || s.Peak <= 0 {
		t.Fatalf("a good run gave %+v", s)
	}
	if _, err := f.shards[0].Do("CONFIG", "SET", "requirepass", "x"); err != nil {
		t.Fatal(err)
	}
	if s := f.measure(ctx, f.targets[0], load, 100, time.Minute); s.Err == nil {
		t.Fatalf("a run of NOAUTH replies gave %+v", s)
	}
}
