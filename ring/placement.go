package ring

import (
	"slices"
	"strconv"
	"strings"
)

// A Placement is the rule by which keys are given to shards. Its text is what
// stands in a configuration file. The zero value means [Murmur3].
type Placement string

const (
	Murmur3 Placement = "murmur3"   // ours: consistent, 64 bits, by name
	Jedis   Placement = "jedis"     // ShardedJedis of Jedis 2.10 and later
	Jedis29 Placement = "jedis-2.9" // ShardedJedis up to Jedis 2.9.x
	Ketama  Placement = "ketama"    // twemproxy's consistent hashing
	Modula  Placement = "modula"    // twemproxy's hash modulo total weight
	Random  Placement = "random"    // twemproxy's any live server
	Slots   Placement = "slots"     // Redis Cluster's 16384 hash slots
)

// Placements lists every placement, the default first.
func Placements() []Placement {
	return []Placement{Murmur3, Jedis, Jedis29, Ketama, Modula, Random, Slots}
}

// Hashes lists the hashes that the placement takes, the default first. It is
// nil for an unknown placement.
func (p Placement) Hashes() []Hash {
	switch p.orDefault() {
	case Murmur3:
		return []Hash{HashMurmur3}
	case Jedis, Jedis29:
		return []Hash{HashMurmur64A, HashMD5}
	case Ketama, Modula, Random:
		return twemproxyHashes()
	case Slots:
		return []Hash{HashCRC16}
	}
	return nil
}

func (p Placement) orDefault() Placement {
	if p == "" {
		return Murmur3
	}
	return p
}

// defaultTag is what the zero Tag stands for under this placement.
func (p Placement) defaultTag() Tag {
	if p == Murmur3 || p == Slots {
		return Tag{kind: tagPair, open: '{', close: '}', text: "{}"}
	}
	return NoTag()
}

// isJedis: shards may be unnamed, and are then known by their index.
func (p Placement) isJedis() bool { return p == Jedis || p == Jedis29 }

// isTwemproxy: the hash of an empty key is 0, whatever the hash.
func (p Placement) isTwemproxy() bool { return p == Ketama || p == Modula || p == Random }

// pointsPerWeight is how many points a unit of weight puts on the ring, 0 when
// weights only divide what is there.
func (p Placement) pointsPerWeight() int {
	if p == Murmur3 || p.isJedis() {
		return 160
	}
	return 0
}

// check resolves the placement and the hash of a configuration.
func (p Placement) check(h Hash) (Placement, Hash, error) {
	p = p.orDefault()
	allowed := p.Hashes()
	if allowed == nil {
		return "", "", &ConfigError{Field: "Placement", Shard: -1, Value: strconv.Quote(string(p)),
			Reason: "unknown placement", Allowed: list(Placements())}
	}
	if h == "" {
		return p, allowed[0], nil
	}
	if !slices.Contains(allowed, h) {
		reason := "not a hash of placement " + string(p)
		if !slices.Contains(Hashes(), h) {
			reason = "unknown hash"
		}
		return "", "", &ConfigError{Field: "Hash", Shard: -1, Value: strconv.Quote(string(h)),
			Reason: reason, Allowed: list(allowed)}
	}
	return p, h, nil
}

func list[S ~string](values []S) string {
	text := make([]string, len(values))
	for i, v := range values {
		text[i] = string(v)
	}
	return strings.Join(text, ", ")
}
