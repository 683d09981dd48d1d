package history

import "sync"

// Register is a key that one writer SETs to increasing numbers and anybody GETs.
type Register struct {
	Key   string
	shard *Shard
	size  int

	mu     sync.Mutex // protects the following fields
	writes writes
	floor  uint64          // the highest number acknowledged or read
	early  map[uint64]bool // numbers that were read while their write was under way
}

// Register adds a key of values of about size bytes.
func (s *Shard) Register(key string, size int) *Register {
	return &Register{Key: key, shard: s, size: size, early: map[uint64]bool{}}
}

// Begin returns the next write's number and value.
func (r *Register) Begin() (n uint64, value string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n = r.writes.begin()
	return n, string(AppendValue(nil, r.Key, n, r.size))
}

// End tells what became of write n.
func (r *Register) End(n uint64, o Outcome) {
	r.shard.history.ended(o)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writes.end(n, o)
	switch {
	case o == Acked:
		r.floor = max(r.floor, n)
	case o == Failed && r.early[n]:
		r.undone(n)
	}
	delete(r.early, n)
}

// Reading is what a read must not fall behind, to be taken before it is sent.
type Reading struct {
	floor uint64
	old   bool
}

// Reading begins a read. old: a replica may answer it, so it may be older than what
// was acknowledged.
func (r *Register) Reading(old bool) Reading {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Reading{r.floor, old || r.shard.older()}
}

// Read judges the answer to a read that began with before: value, or no value.
func (r *Register) Read(before Reading, value string, exists bool) {
	r.shard.history.reads.Add(1)
	n, ok := r.number(value, exists)
	if !ok {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.written(n) {
		return
	}
	switch {
	case n >= before.floor || r.writes.unknown(n):
		if r.shard.binds() {
			r.floor = max(r.floor, n)
		}
		if n > r.writes.acked && !r.writes.unknown(n) {
			r.early[n] = true
		}
	case before.old || r.shard.older():
		r.shard.history.older.Add(1)
	default:
		r.floor = n // what is gone is reported once
		r.shard.Wrong(Stale, r.Key, "got write %d after %d had been acknowledged or read", n, before.floor)
	}
}

// Audit judges what the server holds while nobody writes, and goes on from there.
func (r *Register) Audit(value string, exists bool) {
	n, ok := r.number(value, exists)
	if !ok {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.written(n) {
		return
	}
	if n < r.writes.acked && !r.writes.unknown(n) {
		r.shard.missing(r.Key, 1, "holds write %d, %d was acknowledged", n, r.writes.acked)
	}
	r.floor, r.writes.acked = n, n
}

// number returns the number in a value, 0 for none.
func (r *Register) number(value string, exists bool) (uint64, bool) {
	if !exists {
		return 0, true
	}
	key, n, whole := ParseValue(value)
	switch {
	case key != "" && key != r.Key:
		r.shard.Wrong(Foreign, r.Key, "got the value of %s, write %d", key, n)
	case !whole:
		r.shard.Wrong(Malformed, r.Key, "got %.60q", value)
	default:
		return n, true
	}
	return 0, false
}

// written is whether n may be there at all. The mutex is held.
func (r *Register) written(n uint64) bool {
	switch {
	case n > r.writes.begun:
		r.shard.Wrong(Unwritten, r.Key, "got write %d, only %d were begun", n, r.writes.begun)
	case r.writes.failed(n):
		r.undone(n)
	default:
		return true
	}
	return false
}

func (r *Register) undone(n uint64) {
	r.shard.Wrong(Undone, r.Key, "got write %d, whose writer was told that it was not executed", n)
}
