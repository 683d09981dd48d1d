package ring

import (
	"cmp"
	"crypto/md5"
	"encoding/binary"
	"math"
	"slices"
	"strconv"

	"github.com/twmb/murmur3"
)

// The points of the consistent placements. Each function takes the live
// shards, given by their index, and returns the points and the shard of each
// rank; of two equal points the lower rank wins.

// murmur3Points puts 160 points a weight at the hash of NAME-i. The rank is
// the order of names, so the owner never depends on the order in the list.
func murmur3Points(shards []Shard, live []int) ([]point, []int) {
	order := slices.Clone(live)
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(shards[a].Name, shards[b].Name) })
	points := make([]point, 0, countPoints(shards, order))
	var text []byte
	for rank, s := range order {
		prefix := append(text[:0], shards[s].Name...)
		prefix = append(prefix, '-')
		for i := range Murmur3.pointsPerWeight() * shards[s].Weight {
			text = strconv.AppendInt(prefix, int64(i), 10)
			points = append(points, point{murmur3.Sum64(text), uint16(rank)})
		}
	}
	return points, order
}

// jedisPoints puts 160 points a weight where Jedis does. A later point
// replaces an earlier one, so the rank is the list's order backwards.
func jedisPoints(placement Placement, hash func([]byte) uint64, shards []Shard, live []int) ([]point, []int) {
	order := slices.Clone(live)
	slices.Reverse(order)
	points := make([]point, 0, countPoints(shards, order))
	var text []byte
	for rank, s := range order {
		prefix := append(text[:0], jedisPrefix(placement, shards[s], s)...)
		for n := range placement.pointsPerWeight() * shards[s].Weight {
			text = strconv.AppendInt(prefix, int64(n), 10)
			points = append(points, point{hash(text), uint16(rank)})
		}
	}
	return points, order
}

// jedisPrefix is what stands before the number in the text of a point.
func jedisPrefix(placement Placement, s Shard, index int) string {
	switch {
	case s.Name == "":
		return "SHARD-" + strconv.Itoa(index) + "-NODE-"
	case placement == Jedis29:
		return s.Name + "*" + strconv.Itoa(s.Weight)
	}
	return s.Name + "*"
}

func countPoints(shards []Shard, live []int) int {
	n := 0
	for _, s := range live {
		n += Murmur3.pointsPerWeight() * shards[s].Weight
	}
	return n
}

// ketamaPoints puts four points at the MD5 of each NAME-i. The original
// leaves equal points to the chance of qsort; here the rank is its order of
// servers.
func ketamaPoints(shards []Shard, live []int) ([]point, []int) {
	order := twemproxyOrder(shards, live)
	var total int64
	for _, s := range order {
		total += int64(shards[s].Weight)
	}
	points := make([]point, 0, 160*len(order)) // about; rounding takes or gives a few
	var text []byte
	for rank, s := range order {
		prefix := append(text[:0], shards[s].Name...)
		prefix = append(prefix, '-')
		for i := range ketamaSums(shards[s].Weight, total, len(order)) {
			text = strconv.AppendInt(prefix, int64(i), 10)
			sum := md5.Sum(text)
			for at := 0; at < len(sum); at += 4 {
				points = append(points, point{uint64(binary.LittleEndian.Uint32(sum[at:])), uint16(rank)})
			}
		}
	}
	return points, order
}

// ketamaSums is how many MD5 sums, of four points each, a server gets. The
// original computes in C's float, and every step is rounded to it: equal
// weights do not always give 40, and a tiny weight can give none. The
// conversions keep the compiler from fusing a multiplication with an addition.
func ketamaSums(weight int, total int64, live int) int {
	share := float32(float32(weight) / float32(total))
	points := float32(share * 160)
	sums := float32(points / 4)
	sums = float32(sums * float32(live))
	return int(math.Floor(float64(float32(sums + 1e-10))))
}

// twemproxyOrder sorts shards as twemproxy sorts servers: shorter names
// first, equal lengths by bytes.
func twemproxyOrder(shards []Shard, live []int) []int {
	order := slices.Clone(live)
	slices.SortFunc(order, func(a, b int) int {
		x, y := shards[a].Name, shards[b].Name
		return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y))
	})
	return order
}
