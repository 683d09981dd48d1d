package ring

import (
	"crypto/md5"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func md5Sum(text string) [16]byte { return md5.Sum([]byte(text)) }

// drawShards draws 1 to 9 shards with distinct names, some of one length.
func drawShards(t *rapid.T, label string) []Shard {
	names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-c]{1,2}[0-9]{0,3}|n-[0-9]{2}`), 1, 9, rapid.ID).Draw(t, label)
	shards := make([]Shard, len(names))
	for i, name := range names {
		shards[i] = Shard{Name: name, Weight: rapid.IntRange(1, 4).Draw(t, label+" weight")}
	}
	return shards
}

// drawConfig draws a configuration of any placement that has owners.
func drawConfig(t *rapid.T) Config {
	placement := rapid.SampledFrom([]Placement{Murmur3, Jedis, Jedis29, Ketama, Modula, Slots}).Draw(t, "placement")
	cfg := Config{
		Placement: placement,
		Hash:      rapid.SampledFrom(placement.Hashes()).Draw(t, "hash"),
		Tag:       rapid.SampledFrom([]Tag{{}, NoTag(), {kind: tagPair, open: '<', close: '<', text: "<<"}}).Draw(t, "tag"),
		Shards:    drawShards(t, "name"),
	}
	if placement.isJedis() && rapid.Bool().Draw(t, "unnamed") {
		cfg.Shards[0].Name = ""
	}
	if placement == Slots {
		cfg.Shards = dealSlots(cfg.Shards)
	}
	return cfg
}

func drawKey(t *rapid.T) []byte {
	return rapid.OneOf(
		rapid.SliceOfN(rapid.Byte(), 0, 20),
		rapid.SliceOfN(rapid.SampledFrom([]byte("{}<a\x80\xff")), 0, 12),
	).Draw(t, "key")
}

// Owner and Locate agree with the reference, with all shards and without some.
func TestOwnerIsReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := drawConfig(t)
		r, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		var down []int
		if n := len(cfg.Shards); n > 1 && cfg.Placement != Slots {
			down = rapid.SliceOfNDistinct(rapid.IntRange(0, n-1), 0, n-1, rapid.ID).Draw(t, "down")
		}
		if r, err = r.Without(down); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			key := drawKey(t)
			want := referenceOwner(cfg, down, key)
			if got := r.Owner(key); got != want {
				t.Fatalf("%q belongs to %d, the reference has %d", key, got, want)
			}
			if got := r.OwnerString(string(key)); got != want {
				t.Fatalf("%q as a string belongs to %d, the reference has %d", key, got, want)
			}
			if got := r.Locate(key); got.Shard != want {
				t.Fatalf("%q is located on %d, the reference has %d", key, got.Shard, want)
			}
		}
	})
}

// A ring without some shards is the ring of the others. Unnamed shards are
// left out of this: their index is their name, and it stays.
func TestWithoutIsRingOfLive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := Config{
			Placement: rapid.SampledFrom([]Placement{Murmur3, Jedis, Jedis29, Ketama, Modula}).Draw(t, "placement"),
			Shards:    drawShards(t, "name"),
		}
		all, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		n := len(cfg.Shards)
		down := rapid.SliceOfNDistinct(rapid.IntRange(0, n-1), 0, n, rapid.ID).Draw(t, "down")
		// In two steps, which must come to the same.
		half, err := all.Without(down[:len(down)/2])
		if err != nil {
			t.Fatal(err)
		}
		rest, err := half.Without(down[len(down)/2:])
		if len(down) == n {
			if !errors.Is(err, ErrNoLiveShard) {
				t.Fatalf("without any shard: %v", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		var live []int
		small := cfg
		small.Shards = nil
		for i, s := range cfg.Shards {
			if !slices.Contains(down, i) {
				live = append(live, i)
				small.Shards = append(small.Shards, s)
			}
		}
		want, err := New(small)
		if err != nil {
			t.Fatal(err)
		}
		if rest.Points() != want.Points() {
			t.Fatalf("%d points, want %d", rest.Points(), want.Points())
		}
		for i := range 500 {
			key := fmt.Appendf(nil, "key:%d", i)
			if got, want := rest.Owner(key), live[want.Owner(key)]; got != want {
				t.Fatalf("%q belongs to %d, on the ring of the live ones to %d", key, got, want)
			}
		}
		for i, share := range rest.Shares() {
			if (share == 0) != slices.Contains(down, i) && cfg.Placement != Ketama {
				t.Fatalf("shard %d has a share of %v, down are %v", i, share, down)
			}
		}
	})
}

// A new shard takes keys and moves none between the others. (Ketama moves a
// few between the others when the rounding of their points changes.)
func TestAddingMovesOnlyToTheNew(t *testing.T) {
	for _, placement := range []Placement{Murmur3, Jedis, Jedis29} {
		t.Run(string(placement), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				cfg := Config{Placement: placement, Shards: drawShards(t, "name")}
				before, err := New(cfg)
				if err != nil {
					t.Fatal(err)
				}
				at := rapid.IntRange(0, len(cfg.Shards)).Draw(t, "at")
				cfg.Shards = slices.Insert(slices.Clone(cfg.Shards), at, Shard{Name: "the-new-one", Weight: 2})
				after, err := New(cfg)
				if err != nil {
					t.Fatal(err)
				}
				d, err := Diff(before, after)
				if err != nil {
					t.Fatal(err)
				}
				for _, m := range d.Moves {
					if m.To != "the-new-one" {
						t.Fatalf("%v of the keys move from %s to %s", m.Share, m.From, m.To)
					}
				}
				if want := after.Shares()[at]; math.Abs(d.Moved-want) > 1e-12 {
					t.Fatalf("%v of the keys move, the new shard has %v", d.Moved, want)
				}
			})
		})
	}
}

// By name, not by place in the list.
func TestOwnerIndependentOfOrder(t *testing.T) {
	for _, placement := range []Placement{Murmur3, Ketama, Modula} {
		t.Run(string(placement), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				cfg := Config{Placement: placement, Shards: drawShards(t, "name")}
				a, err := New(cfg)
				if err != nil {
					t.Fatal(err)
				}
				cfg.Shards = rapid.Permutation(cfg.Shards).Draw(t, "order")
				b, err := New(cfg)
				if err != nil {
					t.Fatal(err)
				}
				for i := range 200 {
					key := fmt.Appendf(nil, "key:%d", i)
					if x, y := a.Name(a.Owner(key)), b.Name(b.Owner(key)); x != y {
						t.Fatalf("%q belongs to %s, in another order to %s", key, x, y)
					}
				}
			})
		})
	}
}

func TestRandomUsesLiveShards(t *testing.T) {
	all := mustNew(t, Config{Placement: Random, Shards: benchShards(4)})
	r, err := all.Without([]int{2})
	if err != nil {
		t.Fatal(err)
	}
	seen := make([]int, 4)
	for range 3000 {
		seen[r.OwnerString("one key")]++
	}
	for i, n := range seen {
		// A third of 3000 give or take twelve standard deviations.
		if i == 2 && n != 0 || i != 2 && (n < 690 || n > 1310) {
			t.Errorf("shard %d was asked %d times of 3000", i, n)
		}
	}
	if l := r.Locate([]byte("one key")); l.Shard == 2 || string(l.Tag) != "one key" {
		t.Errorf("located at %+v", l)
	}
	if r.Points() != 3 {
		t.Errorf("%d points, want 3", r.Points())
	}
}

func TestLocateSaysWhy(t *testing.T) {
	key := []byte("{user:1000}.following")
	names := func(p Placement, h Hash) *Ring {
		return mustNew(t, Config{Placement: p, Hash: h, Shards: benchShards(3)})
	}
	for _, r := range []*Ring{names(Murmur3, ""), names(Jedis, ""), names(Jedis, HashMD5), names(Ketama, HashMurmur)} {
		l := r.Locate(key)
		if l.Hash != r.sum(l.Tag) {
			t.Errorf("%s: hash %d, want %d", r.placement, l.Hash, r.sum(l.Tag))
		}
		if at, ok := slices.BinarySearch(r.steps.hashes, l.Point); !ok || int(r.steps.owners[at]) != l.Shard {
			t.Errorf("%s: point %d is not one of shard %d", r.placement, l.Point, l.Shard)
		}
	}
	// MurmurHash64A of "abc" as Jedis has it in a long.
	if l := names(Jedis, "").Locate([]byte("abc")); int64(l.Hash) != -5243867982309721058 {
		t.Errorf("jedis: hash %d", int64(l.Hash))
	}
	if l := names(Murmur3, "").Locate(key); string(l.Tag) != "user:1000" {
		t.Errorf("tag %q, want user:1000", l.Tag)
	}
	// CLUSTER KEYSLOT {user:1000}.following is 1649.
	if l := names(Slots, "").Locate(key); l.Point != 1649 {
		t.Errorf("slot %d, want 1649", l.Point)
	}
	if l := names(Modula, HashMD5).Locate([]byte("a")); l.Hash != 3111502092 || l.Point != 3111502092%3 {
		t.Errorf("modula: %+v, want hash 3111502092 and its residue by 3", l)
	}
}

// The points of shards can meet. Which shard has them must not be chance.
func TestEqualPoints(t *testing.T) {
	points := []point{{7, 2}, {7, 0}, {3, 1}, {7, 1}}
	c := newContinuum(points, []int{10, 11, 12}, 8)
	if !slices.Equal(c.hashes, []uint64{3, 7}) || c.owners[0] != 11 || c.owners[1] != 10 || c.owners[2] != 11 {
		t.Errorf("points %v owned by %v, want 3 and 7 by 11 and 10, and 11 again", c.hashes, c.owners)
	}
	// Rank 0 wins, so it is the first name under Murmur3 and twemproxy, and the
	// last in the list under Jedis.
	shards := []Shard{{Name: "b", Weight: 1}, {Name: "aa", Weight: 1}, {Name: "c", Weight: 1}}
	live := []int{0, 1, 2}
	if _, order := murmur3Points(shards, live); !slices.Equal(order, []int{1, 0, 2}) {
		t.Errorf("murmur3 ranks %v", order)
	}
	if _, order := jedisPoints(Jedis, murmur64A, shards, live); !slices.Equal(order, []int{2, 1, 0}) {
		t.Errorf("jedis ranks %v", order)
	}
	if _, order := ketamaPoints(shards, live); !slices.Equal(order, []int{0, 2, 1}) {
		t.Errorf("ketama ranks %v", order)
	}
}

// The index leads where a binary search over all points leads, also where
// points crowd into few buckets.
func TestIndexIsBinarySearch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.SampledFrom([]uint{1, 2, 8, 14, 32, 64}).Draw(t, "width")
		last := uint64(1)<<width - 1
		base := rapid.Uint64Range(0, last).Draw(t, "crowd")
		value := rapid.OneOf(
			rapid.Uint64Range(0, last),
			rapid.SampledFrom([]uint64{0, last}),
			rapid.Custom(func(t *rapid.T) uint64 {
				return min(last, base+min(last-base, rapid.Uint64Range(0, 300).Draw(t, "offset")))
			}),
		)
		hashes := rapid.SliceOfN(value, 1, 200).Draw(t, "points")
		points := make([]point, len(hashes))
		for i, h := range hashes {
			points[i] = point{hash: h}
		}
		c := newContinuum(points, []int{0}, width)
		slices.Sort(hashes)
		hashes = slices.Compact(hashes)
		for range 50 {
			h := value.Draw(t, "hash")
			if want, _ := slices.BinarySearch(hashes, h); c.find(h) != want {
				t.Fatalf("hash %d leads to point %d, want %d", h, c.find(h), want)
			}
		}
	})
}

func TestOwnerAllocatesNothing(t *testing.T) {
	key, text := []byte("{user:1000}.following"), "{user:1000}.following"
	allocs := func(cfg Config) float64 {
		cfg.Shards = benchShards(100)
		r := mustNew(t, cfg)
		return testing.AllocsPerRun(100, func() {
			r.Owner(key)
			r.OwnerString(text)
			r.Locate(key)
		})
	}
	for _, placement := range Placements() {
		for _, hash := range placement.Hashes() {
			if n := allocs(Config{Placement: placement, Hash: hash}); n != 0 {
				t.Errorf("%s with %s: %v allocations", placement, hash, n)
			}
		}
	}
	for _, tag := range []Tag{NoTag(), mustPair(t, "::"), mustPattern(t, `\{(.+?)\}`)} {
		if n := allocs(Config{Tag: tag}); n != 0 {
			t.Errorf("tag %v: %v allocations", tag, n)
		}
	}
}
