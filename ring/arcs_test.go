package ring

import (
	"math"
	"testing"
)

// TestArcs: the arcs go once around, change the owner each time and give every
// shard the share that Shares says.
func TestArcs(t *testing.T) {
	shards := []Shard{{Name: "a", Weight: 1}, {Name: "b", Weight: 3}, {Name: "c", Weight: 1}}
	for _, p := range Placements() {
		t.Run(string(p), func(t *testing.T) {
			r, err := New(Config{Placement: p, Shards: shards})
			if err != nil {
				t.Fatal(err)
			}
			at, owner, sums := 0.0, -1, make([]float64, len(shards))
			for a := range r.Arcs() {
				if a.From != at || a.To <= a.From || a.Shard == owner {
					t.Fatalf("%+v follows %v of shard %d", a, at, owner)
				}
				at, owner = a.To, a.Shard
				sums[a.Shard] += a.To - a.From
			}
			if p == Random {
				if owner != -1 {
					t.Error("random has arcs")
				}
				return
			}
			if at != 1 {
				t.Errorf("the arcs end at %v", at)
			}
			for i, share := range r.Shares() {
				if math.Abs(sums[i]-share) > 1e-6 {
					t.Errorf("shard %d: arcs of %v, share %v", i, sums[i], share)
				}
			}
		})
	}
}

// TestArcsStop: a consumer may stop early.
func TestArcsStop(t *testing.T) {
	r, err := New(Config{Shards: []Shard{{Name: "a", Weight: 1}, {Name: "b", Weight: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for range r.Arcs() {
		if n++; n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("%d arcs, want to stop at 3", n)
	}
}
