package ring

import (
	"bytes"
	"fmt"
	"math"
	"regexp"
	"slices"
	"sort"

	"github.com/twmb/murmur3"
)

// The placements once more, as plainly as the rules can be written: all points
// in a list, read from end to end for every key. Only the hash functions and
// ketama's rounding are shared with the code under test; the golden vectors
// vouch for those.

// referenceOwner places a key on the ring that cfg describes, without the
// shards that are down.
func referenceOwner(cfg Config, down []int, key []byte) int {
	placement, hash, err := cfg.Placement.check(cfg.Hash)
	if err != nil {
		panic(err)
	}
	tag := referenceTag(cfg.Tag, placement, key)
	var live []int
	for i := range cfg.Shards {
		if !slices.Contains(down, i) {
			live = append(live, i)
		}
	}
	switch placement {
	case Murmur3:
		sort.Slice(live, func(i, j int) bool { return cfg.Shards[live[i]].Name < cfg.Shards[live[j]].Name })
		var best, first nearest
		for _, i := range live {
			for n := range 160 * cfg.Shards[i].Weight {
				p := murmur3.StringSum64(fmt.Sprintf("%s-%d", cfg.Shards[i].Name, n))
				best.offer(p, i, p >= murmur3.Sum64(tag))
				first.offer(p, i, true)
			}
		}
		return best.or(first)
	case Jedis, Jedis29:
		sum := func(p []byte) int64 { return int64(murmur64A(p)) }
		if hash == HashMD5 {
			sum = func(p []byte) int64 { return int64(md5First(p)) }
		}
		points := make(map[int64]int)
		for _, i := range live {
			s := cfg.Shards[i]
			for n := range 160 * s.Weight {
				text := fmt.Sprintf("%s*%d", s.Name, n)
				if placement == Jedis29 {
					text = fmt.Sprintf("%s*%d%d", s.Name, s.Weight, n)
				}
				if s.Name == "" {
					text = fmt.Sprintf("SHARD-%d-NODE-%d", i, n)
				}
				points[sum([]byte(text))] = i
			}
		}
		var best, first nearest
		for p, i := range points {
			// From the lowest long to the highest, as Java compares them.
			above := uint64(p - math.MinInt64)
			best.offer(above, i, p >= sum(tag))
			first.offer(above, i, true)
		}
		return best.or(first)
	case Slots:
		slot := int(crc16(tag) % slotCount)
		for i, s := range cfg.Shards {
			for _, r := range s.Slots {
				if r.First <= slot && slot <= r.Last {
					return i
				}
			}
		}
		panic("the reference takes slots with ranges only")
	}
	sort.Slice(live, func(i, j int) bool {
		a, b := cfg.Shards[live[i]].Name, cfg.Shards[live[j]].Name
		return len(a) < len(b) || len(a) == len(b) && a < b
	})
	h := uint32(0)
	if len(tag) > 0 {
		h = hash.sum32()(tag)
	}
	var total int64
	for _, i := range live {
		total += int64(cfg.Shards[i].Weight)
	}
	if placement == Modula {
		left := int64(h) % total
		for _, i := range live {
			if left -= int64(cfg.Shards[i].Weight); left < 0 {
				return i
			}
		}
	}
	var best, first nearest
	for _, i := range live {
		for n := range ketamaSums(cfg.Shards[i].Weight, total, len(live)) {
			sum := md5Sum(fmt.Sprintf("%s-%d", cfg.Shards[i].Name, n))
			for at := 0; at < 16; at += 4 {
				p := uint32(sum[at]) | uint32(sum[at+1])<<8 | uint32(sum[at+2])<<16 | uint32(sum[at+3])<<24
				best.offer(uint64(p), i, p >= h)
				first.offer(uint64(p), i, true)
			}
		}
	}
	return best.or(first)
}

// nearest keeps the lowest point that was offered, the first of equal ones.
type nearest struct {
	found bool
	point uint64
	shard int
}

func (n *nearest) offer(point uint64, shard int, fits bool) {
	if fits && (!n.found || point < n.point) {
		*n = nearest{true, point, shard}
	}
}

func (n nearest) or(other nearest) int {
	if n.found {
		return n.shard
	}
	return other.shard
}

// referenceTag is the tag by regular expressions of Go, which read bytes that
// are not UTF-8 one by one.
func referenceTag(tag Tag, placement Placement, key []byte) []byte {
	if tag.kind == tagDefault {
		tag = placement.defaultTag()
	}
	switch tag.kind {
	case tagPair:
		return referencePair(tag.text, key)
	case tagPattern:
		if m := tag.pattern.re.FindSubmatch(key); m != nil && m[1] != nil {
			return m[1]
		}
	}
	return key
}

func referencePair(pair string, key []byte) []byte {
	_, after, ok := bytes.Cut(key, []byte(pair[:1]))
	if !ok {
		return key
	}
	inner, _, ok := bytes.Cut(after, []byte(pair[1:]))
	if !ok || len(inner) == 0 {
		return key
	}
	return inner
}

// referencePattern is open(.+?)close in Go's syntax, written out.
func referencePattern(open, close byte) *regexp.Regexp {
	return regexp.MustCompile(regexp.QuoteMeta(string(open)) + "([^\n\r\u0085\u2028\u2029]+?)" + regexp.QuoteMeta(string(close)))
}
