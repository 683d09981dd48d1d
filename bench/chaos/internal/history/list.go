package history

import "sync"

// List is a key that one writer RPUSHes increasing numbers to and anybody reads.
type List struct {
	Key   string
	shard *Shard

	mu     sync.Mutex // protects the following fields
	writes writes
	gone   map[uint64]bool // acknowledged and, as was found before, not there
	short  uint64          // by how much its length was found too small
}

// List adds a key.
func (s *Shard) List(key string) *List {
	return &List{Key: key, shard: s, gone: map[uint64]bool{}}
}

// elementSize is that of one element; their key and number are what counts.
const elementSize = 24

// Begin returns the number and the text of the next element.
func (l *List) Begin() (n uint64, element string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n = l.writes.begin()
	return n, string(AppendValue(nil, l.Key, n, elementSize))
}

// End tells what became of element n; length is the reply of an RPUSH that was
// acknowledged.
func (l *List) End(n uint64, o Outcome, length int64) {
	l.shard.history.ended(o)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writes.end(n, o)
	if o != Acked {
		return
	}
	// All that was acknowledged is before n, for its writer awaits or pipelines.
	switch least, most := l.writes.count-max(l.short, uint64(len(l.gone))), l.writes.begun-l.writes.failures(); {
	case uint64(length) > most:
		l.shard.Wrong(Twice, l.Key, "element %d made the length %d, at most %d were pushed", n, length, most)
	case uint64(length) < least && !l.shard.lossy():
		l.short += least - uint64(length)
		l.shard.Wrong(Stale, l.Key, "element %d made the length %d, %d were acknowledged", n, length, least)
	}
}

// Len is how many elements were begun.
func (l *List) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int(l.writes.begun)
}

// Reading begins a read of the list's end; see Register.Reading.
func (l *List) Reading(old bool) Reading {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Reading{l.writes.acked, old || l.shard.older()}
}

// Read judges the last elements of the list, as LRANGE key -N -1 has them, of a
// read that began with before.
func (l *List) Read(before Reading, elements []string) {
	l.shard.history.reads.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	seen, first, last, ok := l.walk(elements)
	if !ok || l.shard.lossy() || last == 0 && len(elements) > 0 {
		return // wrong already; or all of unknown outcome, which may have pushed the others out of sight
	}
	if last < before.floor {
		if before.old || l.shard.older() {
			l.shard.history.older.Add(1)
		} else {
			l.shard.Wrong(Stale, l.Key, "ends with %d, %d had been acknowledged", last, before.floor)
			return
		}
	}
	for n := first; n < last; n++ {
		if n <= before.floor && l.there(n) && !seen[n] {
			l.gone[n] = true
			l.shard.Wrong(Lost, l.Key, "element %d is not between %d and %d", n, first, last)
			return
		}
	}
}

// Audit judges all elements while nobody writes, and goes on from there.
func (l *List) Audit(elements []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	seen, _, _, ok := l.walk(elements)
	if !ok {
		return
	}
	missing, first := 0, uint64(0)
	for n := uint64(1); n <= l.writes.acked; n++ {
		if l.there(n) && !seen[n] {
			if missing++; missing == 1 {
				first = n
			}
			l.gone[n] = true
		}
	}
	if missing > 0 {
		l.shard.missing(l.Key, missing, "%d acknowledged elements are not there, the first is %d", missing, first)
	}
}

// there is whether n was acknowledged and not missed by an audit; it looks only at
// numbers up to acked. The mutex is held.
func (l *List) there(n uint64) bool {
	_, other := l.writes.other[n]
	return !other && !l.gone[n]
}

// walk looks at each element, and returns the first and last of those whose order
// is certain. The mutex is held.
func (l *List) walk(elements []string) (seen map[uint64]bool, first, last uint64, ok bool) {
	seen = make(map[uint64]bool, len(elements))
	for _, e := range elements {
		key, n, whole := ParseValue(e)
		switch {
		case key != "" && key != l.Key:
			l.shard.Wrong(Foreign, l.Key, "holds element %d of %s", n, key)
		case !whole:
			l.shard.Wrong(Malformed, l.Key, "holds %.60q", e)
		case n > l.writes.begun || n == 0:
			l.shard.Wrong(Unwritten, l.Key, "holds element %d, only %d were begun", n, l.writes.begun)
		case l.writes.failed(n):
			l.shard.Wrong(Undone, l.Key, "holds element %d, whose writer was told that it was not executed", n)
		case seen[n]:
			l.shard.Wrong(Twice, l.Key, "holds element %d twice", n)
		case n < last && !l.writes.unknown(n):
			l.shard.Wrong(Disordered, l.Key, "holds element %d behind %d", n, last)
		default:
			seen[n] = true
			if !l.writes.unknown(n) {
				if last = n; first == 0 {
					first = n
				}
			}
			continue
		}
		return nil, 0, 0, false
	}
	return seen, first, last, true
}
