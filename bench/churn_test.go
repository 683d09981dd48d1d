package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestChurn(t *testing.T) {
	r := churnResult{target: targets("")[1], count: 2000}
	if err := r.measure(context.Background(), 50*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if len(r.stages) != 3 || r.rate <= 0 || r.cpu <= 0 || r.files != 0 {
		t.Errorf("nutcracker after 2,000 clients: %+v", r)
	}
}

func TestChurnFails(t *testing.T) {
	f, err := startFleet(context.Background(), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	addr := f.shards[0].Addr
	if err := comeAndGo(context.Background(), addr, 10); err == nil || !strings.Contains(err.Error(), "client ") {
		t.Errorf("a server without the key: error %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := comeAndGo(ctx, addr, 10); !errors.Is(err, context.Canceled) {
		t.Errorf("after the context's end: error %v", err)
	}
}
