package audit

import (
	"encoding/binary"
	"hash/maphash"
)

// seenHashes bounds what Find remembers of misplaced keys, of all servers together:
// some 20 bytes each.
const seenHashes = 4 << 20

// seen tells keys of one server that SCAN has returned already. It remembers hashes of
// 64 bits of the last keys, at least most and up to twice as many.
//
// That is enough as SCAN repeats keys only where a table shrinks, and then those
// that it has just returned: its cursor counts from the highest bit down, so the buckets
// that become one were looked at one after the other.
type seen struct {
	most        int
	seed        maphash.Seed
	now, before map[uint64]struct{} // before is what now was until it was full
}

func newSeen(most int) *seen {
	return &seen{most: max(1, most), seed: maphash.MakeSeed(), now: map[uint64]struct{}{}}
}

// again says whether the key was here, and remembers it.
func (s *seen) again(database int, name []byte) bool {
	var h maphash.Hash
	h.SetSeed(s.seed)
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(database)))
	h.Write(name)
	sum := h.Sum64()
	if _, known := s.now[sum]; known {
		return true
	}
	if _, known := s.before[sum]; known {
		return true
	}
	if len(s.now) >= s.most {
		s.now, s.before = map[uint64]struct{}{}, s.now
	}
	s.now[sum] = struct{}{}
	return false
}
