package ring

import (
	"fmt"
	"math"
	"slices"
	"strconv"
)

// The placements that divide the hash by a number and give out the residues.
// Both become a continuum of the residues at which an owner's run ends.

// slotCount is the number of hash slots of Redis Cluster.
const slotCount = 16384

// modulaPoints repeats each server as often as its weight says, in
// twemproxy's order, and returns the number of residues.
func modulaPoints(shards []Shard, live []int) ([]point, []int, uint64) {
	order := twemproxyOrder(shards, live)
	points := make([]point, len(order))
	var end uint64
	for rank, s := range order {
		end += uint64(shards[s].Weight)
		points[rank] = point{end - 1, uint16(rank)}
	}
	return points, order, end
}

// slotPoints returns the points of the slots, whose rank is the shard itself.
func slotPoints(shards []Shard) ([]point, []int, error) {
	if !slices.ContainsFunc(shards, hasSlots) {
		shards = dealSlots(shards)
	}
	const free = -1
	var owner [slotCount]int
	for i := range owner {
		owner[i] = free
	}
	order := make([]int, len(shards))
	for i, s := range shards {
		order[i] = i
		if !hasSlots(s) {
			return nil, nil, shardError(i, "Slots", "", "missing; other shards have ranges, so every shard needs a list, if only an empty one")
		}
		for n, r := range s.Slots {
			field := fmt.Sprintf("Slots[%d]", n)
			if r.First < 0 || r.Last < r.First || r.Last >= slotCount {
				return nil, nil, shardError(i, field, r.String(), fmt.Sprintf("a range lies within 0 to %d and does not end before it starts", slotCount-1))
			}
			for slot := r.First; slot <= r.Last; slot++ {
				if owner[slot] != free {
					return nil, nil, shardError(i, field, r.String(), fmt.Sprintf("slot %d belongs to Shards[%d] already", slot, owner[slot]))
				}
				owner[slot] = i
			}
		}
	}
	var points []point
	for slot, i := range owner {
		if i == free {
			return nil, nil, &ConfigError{Field: "Shards", Shard: -1, Value: "slot " + strconv.Itoa(slot),
				Reason: "belongs to no shard; together they cover 0 to 16383"}
		}
		if slot == slotCount-1 || owner[slot+1] != i {
			points = append(points, point{uint64(slot), uint16(i)})
		}
	}
	return points, order, nil
}

func hasSlots(s Shard) bool { return s.Slots != nil }

// dealSlots gives each shard one contiguous range by weight. With equal
// weights these are the ranges of redis-cli --cluster create, down to its
// single precision (clusterManagerCommandCreate in redis-cli.c). Every shard
// gets a slot, however small its weight.
func dealSlots(shards []Shard) []Shard {
	dealt := make([]Shard, len(shards))
	var total int64
	for _, s := range shards {
		total += int64(s.Weight)
	}
	first, cursor := 0, float32(0)
	for i, s := range shards {
		share := float32(slotCount / float32(float32(total)/float32(s.Weight)))
		last := int(math.Round(float64(float32(float32(cursor+share) - 1))))
		left := len(shards) - 1 - i
		if left == 0 {
			last = slotCount - 1
		}
		last = min(max(last, first), slotCount-1-left)
		dealt[i] = Shard{Name: s.Name, Weight: s.Weight, Slots: []SlotRange{{first, last}}}
		first, cursor = last+1, float32(cursor+share)
	}
	return dealt
}
