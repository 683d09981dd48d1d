package command

import (
	"fmt"
	"math"
	"strconv"
)

// A client's SCAN cursor carries the shard: with n shards, cursor c of shard i
// is c*n+i. So a scan visits the shards one after another, needs no state where it
// is split, and goes on through any proxy or client with the same shards.

// SplitCursor returns the shard, of n, that a client's cursor is for, and the
// shard's own cursor. The error is an Error with Redis's text.
func SplitCursor(cursor []byte, n int) (shard int, own uint64, err error) {
	v, err := strconv.ParseUint(string(cursor), 10, 64)
	if err != nil {
		return 0, 0, Error("ERR invalid cursor")
	}
	return int(v % uint64(n)), v / uint64(n), nil
}

// NextCursor returns the client's cursor after a shard, of n, has answered with
// its own. A shard that is done is followed by the next one, the last by 0.
func NextCursor(own uint64, shard, n int) (uint64, error) {
	if own == 0 {
		return uint64((shard + 1) % n), nil
	}
	if own > (math.MaxUint64-uint64(shard))/uint64(n) {
		return 0, fmt.Errorf("cursor %d of shard %d of %d does not fit 64 bits", own, shard, n)
	}
	return own*uint64(n) + uint64(shard), nil
}
