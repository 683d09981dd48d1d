package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// Every contender spreads keys as evenly as its number of points lets it, and
// gives the same answer again. Names are as long as their number, so that the
// length of the answer tells them apart; ours answers with the index.
func TestRingContendersSpreadKeys(t *testing.T) {
	const shards = 20
	var names []string
	for i := range shards {
		names = append(names, strings.Repeat("x", i+1))
	}
	keys := testKeys(20_000, 16)
	for _, c := range ringContenders() {
		look, err := c.build(names)
		if err != nil {
			t.Fatal(err)
		}
		owned := make(map[int]int)
		for i := range keys {
			owned[look(keys[i:i+1])]++
		}
		most := 0
		for _, n := range owned {
			most = max(most, n)
		}
		// With a point a shard it would be 3.5 times the mean.
		if len(owned) != shards || most*shards > 2*len(keys) {
			t.Errorf("%s: %d of %d shards own keys, one of them %.2f times the mean", c.name, len(owned), shards, float64(most*shards)/float64(len(keys)))
		}
		if first := look(keys); first != look(keys) {
			t.Errorf("%s answers differently at another time", c.name)
		}
	}
}

// The rendezvous is the one by which a go-redis Ring places keys.
func TestRendezvousIsGoRedis(t *testing.T) {
	addrs := make(map[string]string) // of nobody: a placement needs no server
	for i := range 5 {
		addrs[strings.Repeat("x", i+1)] = fmt.Sprintf("192.0.2.%d:6379", i)
	}
	ring := goredis.NewRing(&goredis.RingOptions{Addrs: addrs, HeartbeatFrequency: time.Hour})
	defer ring.Close()
	look, err := buildRendezvous(slices.Sorted(maps.Keys(addrs)))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range append(testKeys(1000, 16), "a{b}c", "a{}c", "a{b", "{b}", "") {
		c, err := ring.GetShardClientForKey(key)
		if err != nil {
			t.Fatal(err)
		}
		if name := strings.Repeat("x", look([]string{key})); addrs[name] != c.Options().Addr {
			t.Errorf("%q: on %s, with go-redis on %s", key, addrs[name], c.Options().Addr)
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
	_, tables, _ := strings.Cut(out.String(), "## Lookups")
	for _, c := range ringContenders() {
		if got := strings.Count(tables, "| "+c.name+" |"); got != 7 {
			t.Errorf("%d rows of %s, want 6 of lookups and 1 of building", got, c.name)
		}
	}
	for _, row := range []string{
		"| 4 | 16 B | " + ourRing + " | 160 |", "| allocations ≤ 0 | met |", "| ms ≤ 50 |", "| modula | 1.000 |", "| Lookups |", "| Building |",
	} {
		if !strings.Contains(out.String(), row) {
			t.Errorf("no %q in the report:\n%s", row, out.String())
		}
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
		built, err := buildAll(context.Background(), shards)
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
