package ring

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
)

// A Difference is what changes between two rings.
type Difference struct {
	Moved float64 // share of the hash space whose owner changes, 0 to 1
	Moves []Move  // from whom to whom, in the shards' order; none with a share of 0
}

// A Move is a part of the hash space that goes from one shard to another.
type Move struct {
	From, To string  // names, as Ring.Name gives them
	Share    float64 // of the whole hash space, 0 to 1
}

// Diff compares the owners of every hash under a and b and returns the exact
// shares that move. Shards are matched by name; what else they have may
// differ. It fails with [ErrNotComparable] unless equal keys have equal hashes
// under both, that is the same hash and tag, and both rings divide the hash
// space alike: by points, or by residues (Modula, Slots). Random has no owner
// to compare.
//
// A share is of the values of the hash; of keys it is as true as the hash is
// even.
func Diff(a, b *Ring) (*Difference, error) {
	switch {
	case a.family == familyRandom || b.family == familyRandom:
		return nil, fmt.Errorf("ring: %w: under placement random no shard owns a key", ErrNotComparable)
	case a.hash != b.hash:
		return nil, fmt.Errorf("ring: %w: hash %s and hash %s", ErrNotComparable, a.hash, b.hash)
	case !a.tag.same(&b.tag):
		return nil, fmt.Errorf("ring: %w: tag %v and tag %v", ErrNotComparable, a.tag, b.tag)
	case (a.period == 0) != (b.period == 0):
		return nil, fmt.Errorf("ring: %w: one of placements %s and %s places by points, the other by residues",
			ErrNotComparable, a.placement, b.placement)
	}
	type pair struct{ from, to int }
	counts := make(map[pair]count)
	walk(a, b, func(from, to int, n count) {
		if a.names[from] != b.names[to] {
			counts[pair{from, to}] = counts[pair{from, to}].plus(n)
		}
	})
	pairs := make([]pair, 0, len(counts))
	for p := range counts {
		pairs = append(pairs, p)
	}
	slices.SortFunc(pairs, func(x, y pair) int {
		return cmp.Or(cmp.Compare(x.from, y.from), cmp.Compare(x.to, y.to))
	})
	d := &Difference{}
	var moved count
	for _, p := range pairs {
		moved = moved.plus(counts[p])
		d.Moves = append(d.Moves, Move{From: a.names[p.from], To: b.names[p.to], Share: counts[p].share(a.hash)})
	}
	d.Moved = moved.share(a.hash)
	return d, nil
}

// Shares returns the part of the hash space that each shard owns, by index;
// they add up to 1. Under Random every live shard has the same.
func (r *Ring) Shares() []float64 {
	shares := make([]float64, len(r.shards))
	if r.family == familyRandom {
		for _, i := range r.live {
			shares[i] = 1 / float64(len(r.live))
		}
		return shares
	}
	counts := make([]count, len(r.shards))
	walk(r, r, func(owner, _ int, n count) { counts[owner] = counts[owner].plus(n) })
	for i, n := range counts {
		shares[i] = n.share(r.hash)
	}
	return shares
}

// walk calls visit for runs of hashes that have one owner under a and one
// under b, until every hash is counted once. Rings by residues repeat
// themselves, so only one common period is walked and each run counted as
// often as it occurs. The cost is that of one lookup a run.
func walk(a, b *Ring, visit func(from, to int, n count)) {
	last := a.hash.last()
	end := last // of the walk
	var repeats, rest uint64 = 1, 0
	if a.period != 0 {
		if cycle := commonMultiple(a.period, b.period); cycle <= last {
			// last+1 does not overflow: placements by residues have 32 bits.
			end, repeats, rest = cycle-1, (last+1)/cycle, (last+1)%cycle
		}
	}
	for first := uint64(0); ; {
		from, fromEnd := a.run(first)
		to, toEnd := b.run(first)
		runEnd := min(fromEnd, toEnd, end)
		n := length(first, runEnd).times(repeats)
		if first < rest {
			n = n.plus(length(first, min(runEnd, rest-1)))
		}
		visit(from, to, n)
		if runEnd == end {
			return
		}
		first = runEnd + 1
	}
}

// run returns the owner of a hash and the last hash up to which it is known
// to be the same.
func (r *Ring) run(hash uint64) (owner int, last uint64) {
	var base uint64
	if r.period != 0 {
		base = hash - hash%r.period
	}
	at := r.steps.find(hash - base)
	owner = int(r.steps.owners[at])
	if at == len(r.steps.hashes) {
		return owner, r.hash.last()
	}
	return owner, base + r.steps.hashes[at]
}

// commonMultiple is the least common multiple of two numbers below 1<<32.
func commonMultiple(a, b uint64) uint64 {
	gcd, rest := a, b
	for rest != 0 {
		gcd, rest = rest, gcd%rest
	}
	return a / gcd * b
}

// A count is a number of hashes. It has 128 bits because there are 1<<64
// hashes of 64 bits, one more than fit.
type count struct{ high, low uint64 }

// length counts the hashes from first to last, both included.
func length(first, last uint64) count {
	return count{low: last - first}.plus(count{low: 1})
}

func (n count) plus(m count) count {
	low, carry := bits.Add64(n.low, m.low, 0)
	return count{n.high + m.high + carry, low}
}

func (n count) times(m uint64) count {
	high, low := bits.Mul64(n.low, m)
	return count{n.high*m + high, low}
}

// share is the part that n is of all values of the hash.
func (n count) share(h Hash) float64 {
	return (float64(n.high)*(1<<32)*(1<<32) + float64(n.low)) / (float64(h.last()) + 1)
}
