// Package ring decides which shard owns a key.
//
// A ring is built once from names and weights and never changes; every
// method may be called from any number of goroutines. It does no I/O and
// knows nothing of addresses, connections or commands: a shard is a name, and
// a key is bytes.
//
//	r, err := ring.New(ring.Config{Shards: []ring.Shard{
//		{Name: "cache-1", Weight: 1},
//		{Name: "cache-2", Weight: 2},
//	}})
//	if err != nil {
//		return err
//	}
//	i := r.Owner([]byte("user:1000")) // an index into Config.Shards
//
// # Placements
//
// The rule by which keys are placed is a [Placement]. [Murmur3] is our own;
// the others place every key exactly where another program put it: [Jedis]
// and [Jedis29] as ShardedJedis, [Ketama], [Modula] and [Random] as
// twemproxy 0.5, [Slots] as Redis Cluster. README.md holds the rules in one
// table, testdata holds what the real programs answered.
//
// # Cost
//
// Owner cuts the [Tag] out of the key, hashes it and finds the first point
// that is not below the hash. The points are sorted and an index over the
// top bits of the hash leads into them, so a lookup costs a few nanoseconds
// beyond the hash with four shards and with a thousand, and allocates
// nothing. The one exception is a tag given as a regular expression other
// than the usual open(.+?)close: package regexp allocates once a match.
package ring
