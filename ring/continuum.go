package ring

import (
	"cmp"
	"math/bits"
	"slices"
)

// A continuum is a step function from hashes to owners: sorted points, each
// of which owns the hashes from the one after its predecessor up to itself;
// what lies above the last point belongs to the first.
//
// Hashes and owners are kept apart, so that eight hashes share a cache line,
// and an index over the top bits of the hash says where to look: bucket b
// holds the points index[b] to index[b+1]-1. There is about one bucket a
// point, so a lookup reads one or two points of a ring of any size; where
// points crowd into a bucket the search inside it is binary.
type continuum struct {
	hashes []uint64 // ascending, distinct
	owners []uint16 // of each point, and one more: the first again, for the wrap
	index  []uint32 // one entry a bucket and one more
	shift  uint     // bucket of a hash: hash >> shift
}

// A point is a place on a continuum before it is built. Of two points with
// one hash the lower rank wins.
type point struct {
	hash uint64
	rank uint16
}

// newContinuum sorts points into a continuum over hashes of the given width;
// owner maps a point's rank to the shard. It takes over the points.
func newContinuum(points []point, owner []int, width uint) continuum {
	slices.SortFunc(points, func(a, b point) int {
		if c := cmp.Compare(a.hash, b.hash); c != 0 {
			return c
		}
		return cmp.Compare(a.rank, b.rank)
	})
	points = slices.CompactFunc(points, func(a, b point) bool { return a.hash == b.hash })

	// At least one bit, so that shift stays below 64.
	top := max(1, min(uint(bits.Len(uint(len(points)))), width))
	c := continuum{
		hashes: make([]uint64, len(points)),
		owners: make([]uint16, len(points)+1),
		index:  make([]uint32, 1<<top+1),
		shift:  max(width, top) - top,
	}
	for i, p := range points {
		c.hashes[i] = p.hash
		c.owners[i] = uint16(owner[p.rank])
		c.index[p.hash>>c.shift+1]++
	}
	c.owners[len(points)] = c.owners[0]
	for b := 1; b < len(c.index); b++ {
		c.index[b] += c.index[b-1]
	}
	return c
}

// find returns the position of the first point that is not below the hash,
// len(hashes) if there is none. Both are valid in owners.
func (c *continuum) find(hash uint64) int {
	bucket := hash >> (c.shift & 63)
	low, high := c.index[bucket], c.index[bucket+1]
	for low < high {
		middle := (low + high) / 2
		if c.hashes[middle] < hash {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return int(low)
}
