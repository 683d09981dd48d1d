package main

import (
	"context"
	"testing"
	"time"
)

func TestIdleStages(t *testing.T) {
	stages, err := idleStages(context.Background(), targets("")[1], 300, 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if len(stages) != 5 {
		t.Fatalf("%d stages", len(stages))
	}
	for _, s := range stages[1:] {
		if s.memory <= 0 {
			t.Errorf("%s: %d bytes", s.name, s.memory)
		}
	}
	if stages[3].memory-stages[0].memory < 300*idlePipeline*1024 {
		t.Errorf("nutcracker after pipelines: %+v, want its mbufs in there", stages)
	}
}
