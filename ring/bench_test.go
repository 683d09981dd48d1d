package ring

import (
	"fmt"
	"sort"
	"testing"
)

// benchKeys returns keys of one length, enough of them that neither the
// branch predictor nor the first-level cache learns them by heart.
func benchKeys(length int) [][]byte {
	keys := make([][]byte, 4096)
	for i := range keys {
		keys[i] = fmt.Appendf(nil, "%0*d", length, i*7919)
		copy(keys[i], "user:")
	}
	return keys
}

func benchShards(n int) []Shard {
	shards := make([]Shard, n)
	for i := range shards {
		shards[i] = Shard{Name: fmt.Sprintf("cache-%d", i+1), Weight: 1}
	}
	return shards
}

// BenchmarkOwner is a lookup, hash and tag included. "search" finds the same
// owner by sort.Search over the same points; "hash" is what both pay before.
func BenchmarkOwner(b *testing.B) {
	for _, shards := range []int{4, 100, 1000} {
		for _, length := range []int{16, 40} {
			for _, placement := range []Placement{Murmur3, Ketama, Jedis} {
				r := mustNew(b, Config{Placement: placement, Shards: benchShards(shards)})
				keys := benchKeys(length)
				name := fmt.Sprintf("%s/shards=%d/key=%d/", placement, shards, length)
				run := func(how string, owner func([]byte) int) {
					b.Run(name+how, func(b *testing.B) {
						b.ReportAllocs()
						i := 0
						for b.Loop() {
							owner(keys[i&4095])
							i++
						}
					})
				}
				run("index", r.Owner)
				run("search", func(key []byte) int {
					h := r.sum(r.tag.of(key))
					hashes := r.steps.hashes
					return int(r.steps.owners[sort.Search(len(hashes), func(i int) bool { return hashes[i] >= h })])
				})
				run("hash", func(key []byte) int { return int(r.sum(r.tag.of(key))) })
			}
		}
	}
}

// BenchmarkHash is each hash by itself, over a 16-byte key.
func BenchmarkHash(b *testing.B) {
	keys := benchKeys(16)
	for _, h := range twemproxyHashes() {
		r := mustNew(b, Config{Placement: Ketama, Hash: h, Shards: benchShards(4)})
		b.Run(string(h), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				r.sum(keys[i&4095])
				i++
			}
		})
	}
}

// BenchmarkTag is the cutting of each kind of tag out of a 21-byte key. "regexp"
// is any expression but the usual one; its allocation is the one that doc.go
// admits to.
func BenchmarkTag(b *testing.B) {
	key := []byte("{user:1000}.following")
	for _, c := range []struct {
		name string
		tag  Tag
	}{
		{"none", NoTag()},
		{"pair", mustPair(b, "{}")},
		{"usual", mustPattern(b, `\{(.+?)\}`)},
		{"regexp", mustPattern(b, `^\{(\w+):`)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.tag.Of(key)
			}
		})
	}
}

// BenchmarkNew is the building of a ring of 1,000 shards of weight 1.
func BenchmarkNew(b *testing.B) {
	shards := benchShards(1000)
	for _, placement := range Placements() {
		b.Run(string(placement), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				mustNew(b, Config{Placement: placement, Shards: shards})
			}
		})
	}
}
