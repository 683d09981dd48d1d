package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
)

// Every contender spreads keys: the same answer for the same keys, another
// one for others, on rings of every size.
func TestRingContendersLookUp(t *testing.T) {
	for _, shards := range []int{4, 100} {
		built, err := buildAll(shards)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range built.contenders {
			keys := testKeys(keyCount, 16)
			if sum := built.look[i](keys); sum <= 0 || sum != built.look[i](keys) {
				t.Errorf("%s over %d shards: sum %d", c.name, shards, sum)
			}
		}
	}
}

func TestRingCommand(t *testing.T) {
	if testing.Short() {
		t.Skip("stathat's ring of 1,000 shards takes ten seconds to build")
	}
	var out strings.Builder
	if err := run(context.Background(), []string{"ring", "--rounds", "1", "--seconds", "0"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, c := range ringContenders() {
		if got := strings.Count(out.String(), "| "+c.name+" |"); got != 6 {
			t.Errorf("%d rows of %s, want 6", got, c.name)
		}
	}
	if !strings.Contains(out.String(), "| 4 | 16 B | "+ours+" | 160 |") || !strings.Contains(out.String(), "| modula | 1.000 |") {
		t.Errorf("unexpected report:\n%s", out.String())
	}
}

func TestTestKeys(t *testing.T) {
	seen := make(map[string]bool)
	for _, key := range testKeys(keyCount, 16) {
		if len(key) != 16 || seen[key] {
			t.Fatalf("key %q: %d bytes, seen before: %v", key, len(key), seen[key])
		}
		seen[key] = true
	}
}

func BenchmarkRing(b *testing.B) {
	for _, shards := range []int{4, 100} {
		built, err := buildAll(shards)
		if err != nil {
			b.Fatal(err)
		}
		for i, c := range built.contenders {
			for _, length := range []int{16, 40} {
				keys := testKeys(keyCount, length)
				b.Run(fmt.Sprintf("shards=%d/key=%d/%s", shards, length, c.name), func(b *testing.B) {
					b.ReportAllocs()
					next := 0
					for b.Loop() {
						built.look[i](keys[next : next+1])
						next = (next + 1) % len(keys)
					}
				})
			}
		}
	}
}
