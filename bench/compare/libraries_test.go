package main

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/shard/shardtest"
)

// Every library spreads the keys over all shards, finds them again, and fails
// a run whose values are not what was written.
func TestLibraries(t *testing.T) {
	servers := shardtest.RedisN(t, 2)
	addrs := []string{servers[0].Addr, servers[1].Addr}
	keys := testKeys(100, 16)
	for _, contender := range libraryContenders() {
		t.Run(contender.name, func(t *testing.T) {
			ctx := t.Context()
			c, err := contender.open(addrs)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			w := workload{goroutines: 8, sets: 10, size: 64}
			if err := w.fill(ctx, c, keys); err != nil {
				t.Fatal(err)
			}
			for _, s := range servers {
				n, err := s.Do("DBSIZE")
				if err != nil || n == int64(0) {
					t.Errorf("a shard holds %v keys, %v", n, err)
				}
			}
			f, err := w.run(ctx, c, keys, 20*time.Millisecond)
			if err != nil || f.rate <= 0 || f.p50 <= 0 || f.p99 < f.p50 || f.cpu <= 0 || f.allocs <= 0 {
				t.Errorf("figures %+v, %v", f, err)
			}
			w.sets, w.size = 0, 65
			if _, err := w.run(ctx, c, keys, 20*time.Millisecond); err == nil || !strings.Contains(err.Error(), "want 65") {
				t.Errorf("a run over values of another length: %v", err)
			}
			for _, s := range servers {
				if _, err := s.Do("FLUSHALL"); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestLibraryCommand(t *testing.T) {
	var out strings.Builder
	args := strings.Fields("library --rounds 1 --seconds 0.02 --goroutines 1,8 --sets 0,10 --only redigo")
	if err := run(context.Background(), args, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{
		"| GET, 64 B | 1 | shardring |", "| GET, 64 B | 8 | redigo pool |", "| 90/10 GET/SET, 64 B | 8 | shardring |",
	} {
		if !strings.Contains(out.String(), row) {
			t.Errorf("no row %q", row)
		}
	}
	if strings.Contains(out.String(), "rueidis") {
		t.Error("--only was not obeyed")
	}
	for _, bad := range []string{"", "rings", "library --goroutines 0", "library --sizes x", "library --only ("} {
		if err := run(context.Background(), strings.Fields(bad), io.Discard, io.Discard); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}
