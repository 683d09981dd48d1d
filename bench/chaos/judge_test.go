package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/bench/chaos/internal/history"
)

// TestWhatDoesNotHoldIsTold applies a fault that no proxy can hide: the victim comes
// back without its data, and another shard hangs too.
func TestWhatDoesNotHoldIsTold(t *testing.T) {
	e := env{shardproxy: shardproxy(t), stretch: 500 * time.Millisecond, limit: 300 * time.Millisecond, patience: 1}
	r := e.play(context.Background(), scenario{
		name: "told", fleet: servers(listed), load: clients(), noErrors: true,
		fault: func(ctx context.Context, r *run) error {
			if err := r.fleet.Shards[1].Nodes[0].Pause(); err != nil {
				return err
			}
			if err := downAndBack(ctx, r); err != nil {
				return err
			}
			return r.fleet.Shards[1].Nodes[0].Resume()
		},
	})
	told := strings.Join(r.failures, "\n")
	for _, want := range []string{"wrong answers", "errors seen by clients, want none", "errors from other shards"} {
		if !strings.Contains(told, want) {
			t.Errorf("nothing tells of %q:\n%s", want, told)
		}
	}
	if !slices.ContainsFunc(r.verdict.Violations, func(v history.Violation) bool { return v.Kind == history.Lost || v.Kind == history.Stale }) {
		t.Errorf("no loss among %v", r.verdict.Violations)
	}
	var text strings.Builder
	table(&text, []*row{r})
	if !strings.Contains(text.String(), "| told | NO | "+fmt.Sprint(r.verdict.Wrong)+" |") {
		t.Errorf("the table does not say that it failed:\n%s", text.String())
	}
}
