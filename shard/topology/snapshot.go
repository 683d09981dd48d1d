package topology

import (
	"github.com/shardring/shardring/ring"
	"github.com/shardring/shardring/shard/config"
)

// Snapshot is one state of a pool. It is immutable and may be read by any
// number of goroutines; whoever serves a request takes one snapshot and uses
// it until that request is answered.
type Snapshot struct {
	// Epoch numbers the snapshots of a pool from 1, without gaps.
	Epoch uint64
	// Config is what the pool was made from or updated with last, so that who
	// uses a snapshot has settings that go with its shards.
	Config *config.Pool
	// Ring places keys on indices of Shards. Ejected shards own nothing in
	// it, unless all are ejected: then it is the full ring and AllEjected is
	// true.
	Ring *ring.Ring
	// Shards are in the order of the configuration.
	Shards []Shard
	// Ejected holds the indices of the ejected shards, ascending. It is nil
	// when every shard serves, and always nil in a store.
	Ejected []int
}

// AllEjected reports that no shard is left to serve. Requests then fail at
// once, as twemproxy answers them with ECONNREFUSED, until one is let back in.
func (s *Snapshot) AllEjected() bool {
	return len(s.Ejected) > 0 && len(s.Ejected) == len(s.Shards)
}

// Index returns the position of the shard with this name, or -1.
func (s *Snapshot) Index(name string) int {
	for i := range s.Shards {
		if s.Shards[i].Name == name {
			return i
		}
	}
	return -1
}
