package ring

import (
	"fmt"
	"math"
	"slices"
	"strconv"
)

// A Config describes a ring. [New] checks it.
type Config struct {
	// Placement is the rule by which keys are placed; Murmur3 if empty.
	Placement Placement

	// Hash is one of Placement.Hashes, the first of them if empty.
	Hash Hash

	// Tag is the part of a key that is hashed; the placement's default if zero.
	Tag Tag

	// Shards are those that own keys, at least one and at most MaxShards.
	// Their order matters to Jedis, Jedis29 and to Slots without ranges.
	Shards []Shard
}

// Equal reports whether two configurations say the same. Two that do place all
// keys alike; two that do not may, too, as a default may be left out: see [Diff].
func (cfg *Config) Equal(other *Config) bool {
	a, b := &cfg.Tag, &other.Tag
	return cfg.Placement == other.Placement && cfg.Hash == other.Hash &&
		a.kind == b.kind && a.open == b.open && a.close == b.close && a.text == b.text &&
		slices.EqualFunc(cfg.Shards, other.Shards, func(a, b Shard) bool {
			return a.Name == b.Name && a.Weight == b.Weight && slices.Equal(a.Slots, b.Slots) && (a.Slots == nil) == (b.Slots == nil)
		})
}

// A Shard is one owner of keys.
type Shard struct {
	// Name is what the shard is known by: moving it to another machine moves
	// no key while its name stays. It is at most MaxName bytes long and unique
	// in the ring. Only Jedis and Jedis29 take an empty one; such a shard is
	// known by its index, as "SHARD-0".
	Name string

	// Weight is the shard's part of the keys against the other weights, from 1.
	// Murmur3, Jedis and Jedis29 put 160 points on the ring for each unit, so
	// there a weight is at most MaxPointWeight and all together at most
	// MaxPointWeights; elsewhere MaxWeight and MaxWeights. Random ignores it,
	// and so does Slots with ranges.
	Weight int

	// Slots are the hash slots of the shard, for the placement Slots. Either
	// no shard has them (nil), and each gets one contiguous range by weight,
	// as redis-cli --cluster create deals them, or every shard has, and
	// together they cover each slot once. An empty list that is not nil owns
	// nothing.
	Slots []SlotRange
}

// A SlotRange is the slots from First to Last, both included, within 0 to 16383.
type SlotRange struct{ First, Last int }

func (s SlotRange) String() string {
	if s.First == s.Last {
		return strconv.Itoa(s.First)
	}
	return fmt.Sprintf("%d-%d", s.First, s.Last)
}

const (
	MaxShards = math.MaxUint16 // shards of a ring

	// MaxName is the longest name of a shard in bytes, a host name of 255 with
	// a port. twemproxy cuts points of longer names, so that shards could
	// share them.
	MaxName = 255 + len(":65535")

	MaxPointWeight  = 10_000         // weight of one shard where it is counted in points
	MaxPointWeights = 100_000        // and of all, 16 million points
	MaxWeight       = math.MaxInt32  // weight of one shard elsewhere, as in twemproxy
	MaxWeights      = math.MaxUint32 // and of all
)

// names checks the names of the shards and returns what each is known by.
func (cfg *Config) names() ([]string, error) {
	names := make([]string, len(cfg.Shards))
	seen := make(map[string]int, len(cfg.Shards))
	for i, s := range cfg.Shards {
		name := s.Name
		switch {
		case name == "" && !cfg.Placement.isJedis():
			return nil, shardError(i, "Name", `""`, "a shard of placement "+string(cfg.Placement)+" needs a name")
		case name == "":
			name = fmt.Sprintf("SHARD-%d", i)
		case len(name) > MaxName:
			return nil, shardError(i, "Name", strconv.Quote(name), fmt.Sprintf("longer than %d bytes", MaxName))
		}
		if first, ok := seen[name]; ok {
			return nil, shardError(i, "Name", strconv.Quote(name),
				fmt.Sprintf("Shards[%d] has this name already; names are unique", first))
		}
		seen[name] = i
		names[i] = name
	}
	return names, nil
}

// checkWeights checks each weight and their sum.
func (cfg *Config) checkWeights() error {
	one, all := MaxWeight, int64(MaxWeights)
	if cfg.Placement.pointsPerWeight() > 0 {
		one, all = MaxPointWeight, MaxPointWeights
	}
	var sum int64
	for i, s := range cfg.Shards {
		if s.Weight < 1 || s.Weight > one {
			return &ConfigError{Field: fmt.Sprintf("Shards[%d].Weight", i), Shard: i, Value: strconv.Itoa(s.Weight),
				Reason: "not a weight for placement " + string(cfg.Placement), Allowed: fmt.Sprintf("1 to %d", one)}
		}
		if sum += int64(s.Weight); sum > all {
			return shardError(i, "Weight", strconv.Itoa(s.Weight),
				fmt.Sprintf("brings the sum of the weights to %d, and placement %s takes %d", sum, cfg.Placement, all))
		}
	}
	return nil
}

// checkSlots checks that only Slots has them; slotPoints checks which.
func (cfg *Config) checkSlots() error {
	if i := slices.IndexFunc(cfg.Shards, hasSlots); i >= 0 && cfg.Placement != Slots {
		return shardError(i, "Slots", "", "placement "+string(cfg.Placement)+" has no slots")
	}
	return nil
}

// checkCount checks the number of shards.
func (cfg *Config) checkCount() error {
	most := MaxShards
	if cfg.Placement == Slots {
		most = slotCount
	}
	if n := len(cfg.Shards); n < 1 || n > most {
		return &ConfigError{Field: "len(Shards)", Shard: -1, Value: strconv.Itoa(n),
			Reason: "not a number of shards for placement " + string(cfg.Placement), Allowed: fmt.Sprintf("1 to %d", most)}
	}
	return nil
}

func shardError(i int, field, value, reason string) error {
	return &ConfigError{Field: fmt.Sprintf("Shards[%d].%s", i, field), Shard: i, Value: value, Reason: reason}
}
