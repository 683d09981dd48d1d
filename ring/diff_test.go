package ring

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// ownerOfHash is the rest of Owner after the hash, by the plainest means.
func (r *Ring) ownerOfHash(h uint64) int {
	if r.period != 0 {
		h %= r.period
	}
	for i, p := range r.steps.hashes {
		if p >= h {
			return int(r.steps.owners[i])
		}
	}
	return int(r.steps.owners[0])
}

// counted is Diff by asking for the owner of every hash there is, which can
// be done for the 15 bits of crc32.
func counted(a, b *Ring) map[Move]int {
	moves := make(map[Move]int)
	for h := uint64(0); h <= HashCRC32.last(); h++ {
		if from, to := a.Name(a.ownerOfHash(h)), b.Name(b.ownerOfHash(h)); from != to {
			moves[Move{From: from, To: to}]++
		}
	}
	return moves
}

func TestDiffIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		placement := rapid.SampledFrom([]Placement{Ketama, Modula}).Draw(t, "placement")
		draw := func(label string) *Ring {
			r, err := New(Config{Placement: placement, Hash: HashCRC32, Shards: drawShards(t, label)})
			if err != nil {
				t.Fatal(err)
			}
			if placement == Ketama {
				// All points of a real one lie far beyond 15 bits.
				for i := range r.steps.hashes {
					r.steps.hashes[i] >>= 16
				}
				r.steps.shift -= 16
			}
			return r
		}
		a, b := draw("before"), draw("after")
		d, err := Diff(a, b)
		if err != nil {
			t.Fatal(err)
		}
		want, moved := counted(a, b), 0
		for _, m := range d.Moves {
			n := want[Move{From: m.From, To: m.To}]
			if m.Share != float64(n)/(1<<15) {
				t.Fatalf("%s to %s: %v of 32768, counted %d", m.From, m.To, m.Share*(1<<15), n)
			}
			moved += n
		}
		if len(d.Moves) != len(want) || d.Moved != float64(moved)/(1<<15) {
			t.Fatalf("%d moves and %v moved, counted %d and %d", len(d.Moves), d.Moved, len(want), moved)
		}
	})
}

// Where not every hash can be asked, a sample must agree.
func TestDiffIsSampled(t *testing.T) {
	before := []Shard{{Name: "a", Weight: 1}, {Name: "b", Weight: 2}, {Name: "c", Weight: 1}}
	after := []Shard{{Name: "d", Weight: 1}, {Name: "b", Weight: 1}, {Name: "a", Weight: 1}}
	for _, c := range []struct {
		name string
		a, b Config
	}{
		{"murmur3", Config{Shards: before}, Config{Shards: after}},
		{"jedis to jedis-2.9", Config{Placement: Jedis, Shards: before}, Config{Placement: Jedis29, Shards: after}},
		{"jedis md5 to ketama md5", Config{Placement: Jedis, Hash: HashMD5, Shards: before}, Config{Placement: Ketama, Hash: HashMD5, Shards: after}},
		{"ketama", Config{Placement: Ketama, Shards: before}, Config{Placement: Ketama, Shards: after}},
		{"modula", Config{Placement: Modula, Shards: before}, Config{Placement: Modula, Shards: after}},
		{"slots", Config{Placement: Slots, Shards: before}, Config{Placement: Slots, Shards: after}},
		{"modula to slots", Config{Placement: Modula, Hash: HashCRC16, Tag: mustPair(t, "{}"), Shards: before}, Config{Placement: Slots, Shards: after}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := mustNew(t, c.a), mustNew(t, c.b)
			d, err := Diff(a, b)
			if err != nil {
				t.Fatal(err)
			}
			const samples = 100_000
			random := rand.New(rand.NewPCG(1, 2))
			seen := make(map[Move]float64)
			for range samples {
				h := random.Uint64() & a.hash.last()
				if from, to := a.Name(a.ownerOfHash(h)), b.Name(b.ownerOfHash(h)); from != to {
					seen[Move{From: from, To: to}] += 1.0 / samples
				}
			}
			sum := 0.0
			for _, m := range d.Moves {
				sum += m.Share
				if got := seen[Move{From: m.From, To: m.To}]; math.Abs(got-m.Share) > 0.01 {
					t.Errorf("%s to %s: %v, sampled %v", m.From, m.To, m.Share, got)
				}
				delete(seen, Move{From: m.From, To: m.To})
			}
			if len(seen) != 0 || math.Abs(sum-d.Moved) > 1e-12 {
				t.Errorf("sampled moves that are missing: %v; moves add up to %v of %v", seen, sum, d.Moved)
			}
		})
	}
}

// From one shard to another the whole space of 64 bits moves, which is one
// hash more than 64 bits can count.
func TestDiffWholeSpace(t *testing.T) {
	a := mustNew(t, Config{Shards: []Shard{{Name: "a", Weight: 1}}})
	b := mustNew(t, Config{Shards: []Shard{{Name: "b", Weight: 1}}})
	d, err := Diff(a, b)
	if err != nil || d.Moved != 1 || len(d.Moves) != 1 || d.Moves[0] != (Move{"a", "b", 1}) {
		t.Errorf("%+v, %v", d, err)
	}
	if d, err := Diff(a, a); err != nil || d.Moved != 0 || len(d.Moves) != 0 {
		t.Errorf("to itself: %+v, %v", d, err)
	}
	if n := (count{low: 1 << 63}).times(6); n != (count{high: 3}) {
		t.Errorf("6 times 1<<63 is %v", n)
	}
}

func TestDiffNotComparable(t *testing.T) {
	shards := benchShards(3)
	ring := func(p Placement, h Hash, tag Tag) *Ring {
		return mustNew(t, Config{Placement: p, Hash: h, Tag: tag, Shards: shards})
	}
	for _, c := range []struct{ a, b *Ring }{
		{ring(Murmur3, "", Tag{}), ring(Jedis, "", mustPair(t, "{}"))},
		{ring(Ketama, HashMD5, Tag{}), ring(Ketama, HashMurmur, Tag{})},
		{ring(Murmur3, "", Tag{}), ring(Murmur3, "", NoTag())},
		{ring(Murmur3, "", mustPattern(t, "a(b)")), ring(Murmur3, "", mustPattern(t, "a(c)"))},
		{ring(Ketama, "", Tag{}), ring(Modula, "", Tag{})},
		{ring(Random, "", Tag{}), ring(Random, "", Tag{})},
	} {
		if d, err := Diff(c.a, c.b); !errors.Is(err, ErrNotComparable) {
			t.Errorf("%s and %s: %v, %v", c.a.placement, c.b.placement, d, err)
		}
	}
	if _, err := Diff(ring(Murmur3, "", Tag{}), ring(Murmur3, "", mustPair(t, "{}"))); err != nil {
		t.Errorf("the default tag and its like: %v", err)
	}
}

func TestShares(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := drawConfig(t)
		r, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		sum, total := 0.0, 0
		for i, share := range r.Shares() {
			sum += share
			total += cfg.Shards[i].Weight
		}
		if math.Abs(sum-1) > 1e-12 {
			t.Fatalf("shares add up to %v", sum)
		}
		if cfg.Placement == Modula && cfg.Hash != HashCRC32 {
			for i, share := range r.Shares() {
				if want := float64(cfg.Shards[i].Weight) / float64(total); math.Abs(share-want) > 1e-8 {
					t.Fatalf("shard %d has %v, by weight %v", i, share, want)
				}
			}
		}
	})
	// Of weight 1 each, a tenth of the smallest must not be lost, nor must a
	// name be luckier than 160 points allow.
	for _, placement := range []Placement{Murmur3, Jedis, Ketama} {
		r := mustNew(t, Config{Placement: placement, Shards: benchShards(100)})
		for i, share := range r.Shares() {
			if share < 0.0065 || share > 0.0135 {
				t.Errorf("%s: shard %d of 100 owns %v", placement, i, share)
			}
		}
	}
	for i, share := range mustNew(t, Config{Placement: Random, Shards: benchShards(4)}).Shares() {
		if share != 0.25 {
			t.Errorf("random: shard %d is asked for %v", i, share)
		}
	}
}

// Evenness is printed, as it is what a reader of the numbers wants to know.
func TestEvenness(t *testing.T) {
	for _, placement := range Placements() {
		for _, n := range []int{4, 100, 1000} {
			most := 0.0
			for _, share := range mustNew(t, Config{Placement: placement, Shards: benchShards(n)}).Shares() {
				most = max(most, share)
			}
			t.Logf("%-9s %4d shards: largest share over mean %.3f", placement, n, most*float64(n))
			if most*float64(n) > 1.5 {
				t.Errorf("%s: the largest of %d shards has %.2f times its part", placement, n, most*float64(n))
			}
		}
	}
}
