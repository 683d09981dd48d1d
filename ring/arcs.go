package ring

import "iter"

// An Arc is a run of neighbouring places on the ring that one shard owns. From
// and To are fractions of the whole circle, 0 to 1.
type Arc struct {
	From, To float64
	Shard    int // index into Config.Shards
}

// Arcs yields the ring once around in its own order, for drawing it:
// neighbouring arcs have different owners, and each begins where the one
// before it ends. The circle is the hash space, or one period of it where
// residues are placed (Modula, Slots). Random has no arcs.
func (r *Ring) Arcs() iter.Seq[Arc] {
	return func(yield func(Arc) bool) {
		if r.family == familyRandom {
			return
		}
		end := r.hash.last()
		if r.period != 0 {
			end = r.period - 1
		}
		circle := float64(end) + 1
		var arc Arc
		for first := uint64(0); ; {
			owner, last := r.run(first)
			last = min(last, end)
			if owner != arc.Shard && first != 0 {
				if !yield(arc) {
					return
				}
				arc.From = arc.To
			}
			arc.Shard, arc.To = owner, (float64(last)+1)/circle
			if last == end {
				yield(arc)
				return
			}
			first = last + 1
		}
	}
}
