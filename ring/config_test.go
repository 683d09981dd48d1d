package ring

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestNewRefuses(t *testing.T) {
	tooHeavy := MaxWeight
	tooHeavy++ // below 0 where int has 32 bits, and refused there too
	one := func(name string, weight int) []Shard {
		return []Shard{{Name: "ok", Weight: 1}, {Name: name, Weight: weight}}
	}
	ranges := func(lists ...[]SlotRange) Config {
		cfg := Config{Placement: Slots}
		for i, list := range lists {
			cfg.Shards = append(cfg.Shards, Shard{Name: fmt.Sprint(i), Weight: 1, Slots: list})
		}
		return cfg
	}
	for _, c := range []struct {
		name  string
		cfg   Config
		field string
		shard int
		text  string // in the message
	}{
		{"no shards", Config{}, "len(Shards)", -1, "0: not a number of shards for placement murmur3; allowed: 1 to 65535"},
		{"too many shards", Config{Shards: benchShards(MaxShards + 1)}, "len(Shards)", -1, "65536"},
		{"more shards than slots", Config{Placement: Slots, Shards: benchShards(slotCount + 1)}, "len(Shards)", -1, "allowed: 1 to 16384"},
		{"placement", Config{Placement: "ketama2", Shards: one("b", 1)}, "Placement", -1,
			`"ketama2": unknown placement; allowed: murmur3, jedis, jedis-2.9, ketama, modula, random, slots`},
		{"unknown hash", Config{Placement: Ketama, Hash: "sha1", Shards: one("b", 1)}, "Hash", -1, `"sha1": unknown hash; allowed: fnv1a_64, one_at_a_time`},
		{"another placement's hash", Config{Placement: Jedis, Hash: HashCRC16, Shards: one("b", 1)}, "Hash", -1,
			`"crc16": not a hash of placement jedis; allowed: murmur64a, md5`},
		{"weight 0", Config{Shards: one("b", 0)}, "Shards[1].Weight", 1, "0: not a weight for placement murmur3; allowed: 1 to 10000"},
		{"weight below 0", Config{Placement: Modula, Shards: one("b", -3)}, "Shards[1].Weight", 1, "-3"},
		{"absurd weight", Config{Placement: Jedis, Shards: one("b", MaxPointWeight+1)}, "Shards[1].Weight", 1, "10001"},
		{"absurd weight of twemproxy", Config{Placement: Ketama, Shards: one("b", tooHeavy)}, "Shards[1].Weight", 1, "allowed: 1 to 2147483647"},
		{"absurd sum", Config{Shards: weighted(11, MaxPointWeight)}, "Shards[10].Weight", 10, "sum of the weights to 110000"},
		{"absurd sum of twemproxy", Config{Placement: Modula, Shards: weighted(3, MaxWeight)}, "Shards[2].Weight", 2, "takes 4294967295"},
		{"no name", Config{Shards: one("", 1)}, "Shards[1].Name", 1, "needs a name"},
		{"no name in ketama", Config{Placement: Ketama, Shards: one("", 1)}, "Shards[1].Name", 1, "needs a name"},
		{"twice the name", Config{Shards: one("ok", 1)}, "Shards[1].Name", 1, `"ok": Shards[0] has this name already`},
		{"twice the name in jedis", Config{Placement: Jedis, Shards: one("ok", 1)}, "Shards[1].Name", 1, "names are unique"},
		{"name of an unnamed shard", Config{Placement: Jedis, Shards: []Shard{{Weight: 1}, {Name: "SHARD-0", Weight: 1}}}, "Shards[1].Name", 1, "SHARD-0"},
		{"long name", Config{Shards: one(strings.Repeat("x", MaxName+1), 1)}, "Shards[1].Name", 1, "longer than 261 bytes"},
		{"slots for one only", ranges([]SlotRange{{0, 16383}}, nil), "Shards[1].Slots", 1, "every shard needs a list"},
		{"slots for the other only", ranges(nil, []SlotRange{{0, 16383}}), "Shards[0].Slots", 0, "every shard needs a list"},
		{"slots twice", ranges([]SlotRange{{0, 9000}}, []SlotRange{{9001, 16383}, {5, 5}}), "Shards[1].Slots[1]", 1, "5: slot 5 belongs to Shards[0] already"},
		{"slots missing", ranges([]SlotRange{{0, 9000}}, []SlotRange{{9002, 16383}}), "Shards", -1, "slot 9001: belongs to no shard"},
		{"slots beyond the last", ranges([]SlotRange{{0, 16384}}), "Shards[0].Slots[0]", 0, "0-16384"},
		{"slots below 0", ranges([]SlotRange{{-1, 16383}}), "Shards[0].Slots[0]", 0, "within 0 to 16383"},
		{"slots backwards", ranges([]SlotRange{{16383, 0}}), "Shards[0].Slots[0]", 0, "16383-0"},
		{"slots elsewhere", Config{Shards: []Shard{{Name: "a", Weight: 1, Slots: []SlotRange{{0, 16383}}}}}, "Shards[0].Slots", 0, "placement murmur3 has no slots"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := New(c.cfg)
			var refused *ConfigError
			if !errors.As(err, &refused) {
				t.Fatalf("got %v and error %v, want a *ConfigError", r, err)
			}
			if refused.Field != c.field || refused.Shard != c.shard || !strings.Contains(err.Error(), c.text) {
				t.Errorf("field %s, shard %d, %q; want %s, %d and %q in it", refused.Field, refused.Shard, err, c.field, c.shard, c.text)
			}
		})
	}
}

func weighted(n, weight int) []Shard {
	shards := benchShards(n)
	for i := range shards {
		shards[i].Weight = weight
	}
	return shards
}

// The greatest of everything is taken.
func TestNewTakesLimits(t *testing.T) {
	for _, cfg := range []Config{
		{Placement: Modula, Shards: weighted(2, MaxWeight)},
		{Placement: Ketama, Shards: weighted(2, MaxWeight)},
		{Placement: Random, Shards: weighted(2, MaxWeight)},
		{Placement: Modula, Shards: benchShards(MaxShards)},
		{Placement: Slots, Shards: benchShards(slotCount)},
		{Shards: []Shard{{Name: strings.Repeat("x", MaxName), Weight: 1}}},
		{Placement: Jedis, Shards: []Shard{{Weight: 1}, {Weight: 1}}},
	} {
		r := mustNew(t, cfg)
		last := len(cfg.Shards) - 1
		if got := r.Shards()[last]; got.Name != cfg.Shards[last].Name || got.Weight != cfg.Shards[last].Weight {
			t.Errorf("%s: last shard %+v, configured %+v", cfg.Placement, got, cfg.Shards[last])
		}
		if got := r.OwnerString("key"); got < 0 || got > last {
			t.Errorf("%s: owner %d of %d shards", cfg.Placement, got, last+1)
		}
	}
}

func TestResolvedDefaults(t *testing.T) {
	for _, c := range []struct {
		placement Placement
		hash      Hash
		tag       string
		points    int
	}{
		{"", HashMurmur3, "{}", 480},
		{Jedis, HashMurmur64A, "none", 480},
		{Jedis29, HashMurmur64A, "none", 480},
		{Ketama, HashFNV64A, "none", 480},
		{Modula, HashFNV64A, "none", 3},
		{Random, HashFNV64A, "none", 3},
		{Slots, HashCRC16, "{}", slotCount},
	} {
		r := mustNew(t, Config{Placement: c.placement, Shards: benchShards(3)})
		if r.Hash() != c.hash || r.Tag().String() != c.tag || r.Points() != c.points || r.Placement() != c.placement.orDefault() {
			t.Errorf("%s: placement %s, hash %s, tag %v, %d points", c.placement, r.Placement(), r.Hash(), r.Tag(), r.Points())
		}
	}
}

// The caller's slices are not the ring's, in either direction.
func TestShardsAreCopied(t *testing.T) {
	cfg := Config{Placement: Slots, Shards: []Shard{{Name: "a", Weight: 1, Slots: []SlotRange{{0, 16383}}}}}
	r := mustNew(t, cfg)
	cfg.Shards[0].Slots[0].First = 1
	r.Shards()[0].Slots[0].First = 2
	if got := r.Shards()[0].Slots[0].First; got != 0 {
		t.Errorf("the ring's slots start at %d, were configured from 0", got)
	}
}

func TestWithoutRefuses(t *testing.T) {
	r := mustNew(t, Config{Shards: benchShards(3)})
	for _, down := range [][]int{{-1}, {3}, {0, 1, 2}} {
		if rest, err := r.Without(down); err == nil {
			t.Errorf("without %v: %v", down, rest.live)
		}
	}
	if same, err := r.Without(nil); err != nil || same != r {
		t.Errorf("without nothing: another ring, error %v", err)
	}
	if _, err := mustNew(t, Config{Placement: Slots, Shards: benchShards(3)}).Without([]int{1}); err == nil {
		t.Error("slots of a missing shard went to others")
	}
}

// However small its weight, a shard gets a slot, and each slot one shard.
func TestDealSlots(t *testing.T) {
	for _, weights := range [][]int{{1}, {1, 1, 1}, {1, MaxWeight}, {MaxWeight, 1, 1}, {1, MaxWeight, 1}, {3, 1, 7, 2}} {
		shards := benchShards(len(weights))
		for i, w := range weights {
			shards[i].Weight = w
		}
		next := 0
		for i, s := range dealSlots(shards) {
			if len(s.Slots) != 1 || s.Slots[0].First != next || s.Slots[0].Last < next {
				t.Errorf("weights %v: shard %d has %v, the next slot is %d", weights, i, s.Slots, next)
			}
			next = s.Slots[0].Last + 1
		}
		if next != slotCount {
			t.Errorf("weights %v: slots end at %d", weights, next)
		}
	}
	got := dealSlots(benchShards(3))
	if want := []SlotRange{{0, 5460}, {5461, 10922}, {10923, 16383}}; !slices.Equal(want, []SlotRange{got[0].Slots[0], got[1].Slots[0], got[2].Slots[0]}) {
		t.Errorf("three shards: %v", got)
	}
}

// Known counts of points in single precision; the double would give 160.
func TestKetamaRounding(t *testing.T) {
	for _, c := range []struct {
		weight     int
		total      int64
		live, sums int
	}{
		{1, 1, 1, 40}, {1, 4, 4, 40}, {1, 25, 25, 39}, {1, 1000, 3, 0}, {999, 1000, 2, 79}, {math.MaxInt32, math.MaxInt32, 1, 40},
	} {
		if got := ketamaSums(c.weight, c.total, c.live); got != c.sums {
			t.Errorf("weight %d of %d, %d live: %d sums, want %d", c.weight, c.total, c.live, got, c.sums)
		}
	}
}
