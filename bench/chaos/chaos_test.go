package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/bench/chaos/internal/fleet"
)

// brief is one of each kind of fault, for a second each. `make chaos` runs all, for
// longer.
const brief = "shard-down,pause-primary,torn-link,half-open,reset-link,kill-replica,kill-primary,planned-failover,reload"

func TestScenarios(t *testing.T) {
	names := brief
	if err := fleet.TryHosts(context.Background()); err == nil {
		names += ",black-hole"
	} else {
		t.Logf("black-hole is for `make chaos` on another machine: %v", err)
	}
	if testing.Short() {
		names = "pause-primary,reset-link"
	}
	chosen, err := choose(scenarios(), names)
	if err != nil {
		t.Fatal(err)
	}
	e := env{shardproxy: shardproxy(t), stretch: 800 * time.Millisecond, limit: 800 * time.Millisecond, patience: 5}
	for _, s := range chosen {
		t.Run(s.name, func(t *testing.T) { reported(t, e.play(context.Background(), s)) })
	}
	t.Run("crowd", func(t *testing.T) { reported(t, e.crowd(context.Background(), 1000, 100)) })
}

func reported(t *testing.T, r *row) {
	t.Helper()
	var details bytes.Buffer
	r.details(&details)
	table(&details, []*row{r})
	t.Log(details.String())
	if len(r.failures) > 0 {
		t.Fail()
	}
}

func TestScenariosAreChosenByName(t *testing.T) {
	got, err := choose(scenarios(), "crowd,calm")
	if err != nil || len(got) != 2 || got[0].name != "calm" || got[1].name != "crowd" {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := choose(scenarios(), "calm,storm"); err == nil || !strings.Contains(err.Error(), `no scenario "storm", there are calm, `) {
		t.Errorf("got %v", err)
	}
	seen := map[string]bool{}
	for _, s := range scenarios() {
		if seen[s.name] || s.about == "" || (s.fault == nil) == (s.alone == nil) {
			t.Errorf("%s: a scenario has a name of its own, and a fault or a way alone", s.name)
		}
		seen[s.name] = true
	}
}
