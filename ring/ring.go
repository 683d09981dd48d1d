package ring

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"unsafe"

	"github.com/twmb/murmur3"
)

// A Ring maps keys to shards. It is immutable and safe for concurrent use.
type Ring struct {
	placement Placement
	hash      Hash
	tag       Tag
	shards    []Shard
	names     []string // of each shard, what it is known by
	live      []int    // indices of the shards that own keys, ascending

	family family
	sum32  func([]byte) uint32 // the hash, unless the family fixes it

	// steps maps a hash, or its residue by period if that is not 0, to the
	// owner. Random has none.
	steps  continuum
	period uint64
}

// A family is how a tag is hashed. It is looked at for every key: the two
// hashes of 64 bits are called directly, the others by Ring.sum32.
type family uint8

const (
	familyMurmur3   family = iota
	familyMurmur64A        // Jedis
	familyMD5              // Jedis
	familyTwemproxy        // one of twelve, and 0 for an empty key
	familySlots            // CRC16
	familyRandom           // nothing is hashed
)

func familyOf(p Placement, h Hash) family {
	switch {
	case p == Random:
		return familyRandom
	case p == Slots:
		return familySlots
	case p.isTwemproxy():
		return familyTwemproxy
	case h == HashMD5:
		return familyMD5
	case h == HashMurmur64A:
		return familyMurmur64A
	}
	return familyMurmur3
}

// New builds the ring of a configuration. What the configuration gets wrong
// comes back as a [*ConfigError]. The ring keeps a copy of the shards.
func New(cfg Config) (*Ring, error) {
	var err error
	if cfg.Placement, cfg.Hash, err = cfg.Placement.check(cfg.Hash); err != nil {
		return nil, err
	}
	if cfg.Tag.kind == tagDefault {
		cfg.Tag = cfg.Placement.defaultTag()
	}
	if err := cfg.checkCount(); err != nil {
		return nil, err
	}
	names, err := cfg.names()
	if err != nil {
		return nil, err
	}
	if err := cfg.checkWeights(); err != nil {
		return nil, err
	}
	if err := cfg.checkSlots(); err != nil {
		return nil, err
	}
	r := &Ring{
		placement: cfg.Placement,
		hash:      cfg.Hash,
		tag:       cfg.Tag,
		shards:    cloneShards(cfg.Shards),
		names:     names,
		family:    familyOf(cfg.Placement, cfg.Hash),
		sum32:     cfg.Hash.sum32(),
	}
	for i := range cfg.Shards {
		r.live = append(r.live, i)
	}
	if err := r.build(); err != nil {
		return nil, err
	}
	return r, nil
}

// build places the live shards.
func (r *Ring) build() error {
	var (
		points []point
		owner  []int
		err    error
	)
	width := r.hash.bits()
	switch r.placement {
	case Murmur3:
		points, owner = murmur3Points(r.shards, r.live)
	case Jedis, Jedis29:
		points, owner = jedisPoints(r.placement, r.sum, r.shards, r.live)
	case Ketama:
		points, owner = ketamaPoints(r.shards, r.live)
		width = 32 // of the points, whatever the hash of the keys
	case Modula:
		points, owner, r.period = modulaPoints(r.shards, r.live)
		width = 32
	case Slots:
		points, owner, err = slotPoints(r.shards)
		r.period, width = slotCount, 14
	case Random:
		return nil
	}
	if err != nil {
		return err
	}
	r.steps = newContinuum(points, owner, width)
	return nil
}

// sum is the hash of a tag.
func (r *Ring) sum(tag []byte) uint64 {
	switch r.family {
	case familyMurmur3:
		return murmur3.Sum64(tag)
	case familyMurmur64A:
		return murmur64A(tag)
	case familyTwemproxy:
		if len(tag) == 0 {
			return 0
		}
	}
	return uint64(r.sum32(tag))
}

// Owner returns the shard that owns the key, as an index into Config.Shards.
// It keeps no reference to the key.
func (r *Ring) Owner(key []byte) int {
	if r.family == familyRandom {
		return r.live[rand.IntN(len(r.live))]
	}
	h := r.sum(r.tag.of(key))
	if r.period != 0 {
		h %= r.period
	}
	return int(r.steps.owners[r.steps.find(h)])
}

// OwnerString is [Ring.Owner] for a key in a string.
func (r *Ring) OwnerString(key string) int {
	// Owner only reads the key and does not keep it.
	return r.Owner(unsafe.Slice(unsafe.StringData(key), len(key)))
}

// A Location says why a shard owns a key.
type Location struct {
	Tag   []byte // the part of the key that was hashed, a view into the key
	Hash  uint64 // its hash; of Jedis's Murmur64A the bits of Java's long; 0 for Random
	Point uint64 // the ring point that owns the hash; Modula: the residue; Slots: the slot; 0 for Random
	Shard int    // index into Config.Shards
}

// Locate is [Ring.Owner] with the reason.
func (r *Ring) Locate(key []byte) Location {
	tag := r.tag.of(key)
	if r.family == familyRandom {
		return Location{Tag: tag, Shard: r.Owner(key)}
	}
	h := r.sum(tag)
	if r.period != 0 {
		residue := h % r.period
		return Location{Tag: tag, Hash: h, Point: residue, Shard: int(r.steps.owners[r.steps.find(residue)])}
	}
	at := r.steps.find(h)
	return Location{Tag: tag, Hash: h, Point: r.steps.hashes[at%len(r.steps.hashes)], Shard: int(r.steps.owners[at])}
}

// Without returns the ring on which the shards with these indices, and those
// already missing from r, own nothing: what auto_eject_hosts makes of it. The
// indices of the others stay. Under Ketama and Modula the points are dealt
// anew among the live shards, as twemproxy does, so some keys of live shards
// move too; under Murmur3, Jedis and Jedis29 only keys of the missing move.
// It fails for an index out of range, with [ErrNoLiveShard] when none is left,
// and for Slots, where no other shard owns a slot.
func (r *Ring) Without(down []int) (*Ring, error) {
	for _, i := range down {
		if i < 0 || i >= len(r.shards) {
			return nil, fmt.Errorf("ring: no shard %d to leave out; there are %d", i, len(r.shards))
		}
	}
	if len(down) == 0 {
		return r, nil
	}
	if r.placement == Slots {
		return nil, fmt.Errorf("ring: shard %s cannot be left out: placement slots gives its slots to no other", r.names[down[0]])
	}
	rest := *r
	rest.live = slices.DeleteFunc(slices.Clone(r.live), func(i int) bool { return slices.Contains(down, i) })
	if len(rest.live) == 0 {
		return nil, fmt.Errorf("ring: %w", ErrNoLiveShard)
	}
	if err := rest.build(); err != nil {
		return nil, err
	}
	return &rest, nil
}

// Shards returns a copy of the shards as they were configured, the slots of
// Slots included only if they were.
func (r *Ring) Shards() []Shard { return cloneShards(r.shards) }

// Name is what shard i is known by: its name, or SHARD-i if it has none.
func (r *Ring) Name(i int) string { return r.names[i] }

// Placement returns the placement in force, never empty.
func (r *Ring) Placement() Placement { return r.placement }

// Hash returns the hash in force, never empty.
func (r *Ring) Hash() Hash { return r.hash }

// Tag returns the tag in force, never the zero Tag.
func (r *Ring) Tag() Tag { return r.tag }

// Points returns the number of distinct points on the ring; for Modula the
// total weight, for Slots 16384, for Random the number of live shards.
func (r *Ring) Points() int {
	switch {
	case r.family == familyRandom:
		return len(r.live)
	case r.period != 0:
		return int(r.period)
	}
	return len(r.steps.hashes)
}

func cloneShards(shards []Shard) []Shard {
	shards = slices.Clone(shards)
	for i := range shards {
		shards[i].Slots = slices.Clone(shards[i].Slots)
	}
	return shards
}
