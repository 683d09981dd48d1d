package config

import (
	"fmt"
	"strings"

	"github.com/shardring/shardring/ring"
)

// MovedError is that a file places keys of a pool on other shards than the one before:
// they would not be found where they are.
type MovedError struct {
	Pool  string  `json:"pool"`
	Share float64 `json:"share"`         // of the keyspace, more than 0, at most 1
	Why   string  `json:"why,omitempty"` // where shards cannot be compared
}

func (e *MovedError) Error() string {
	why := ""
	if e.Why != "" {
		why = " (" + e.Why + ")"
	}
	return fmt.Sprintf("pool %s: %s of the keyspace would move to other shards%s; who wants that says shardproxy: {accept_moved_keys: true} in the file, or accept=moved-keys to POST /reload of the proxy",
		e.Pool, percent(e.Share), why)
}

// percent has more digits where there is little.
func percent(share float64) string {
	if p := share * 100; p >= 1 {
		return fmt.Sprintf("%.1f%%", p)
	}
	return fmt.Sprintf("%.3g%%", share*100)
}

// Moved returns what after moves of the pool before, or nil if every key has the same
// shard in both.
func Moved(before, after *Pool) *MovedError {
	all := func(why string) *MovedError { return &MovedError{after.Name, 1, why} }
	switch {
	case before.Database != after.Database:
		return all(fmt.Sprintf("redis_db %d -> %d", before.Database, after.Database))
	case before.Ring.Equal(&after.Ring):
		return nil
	case before.Ring.Placement == ring.Random && after.Ring.Placement == ring.Random:
		return nil // no key has a shard
	}
	a, err := ring.New(before.Ring)
	if err != nil {
		return all(err.Error())
	}
	b, err := ring.New(after.Ring)
	if err != nil {
		return all(err.Error())
	}
	d, err := ring.Diff(a, b)
	switch {
	case err != nil: // by what they place keys
		return all(strings.TrimPrefix(err.Error(), "ring: "))
	case d.Moved == 0:
		return nil
	}
	return &MovedError{after.Name, d.Moved, ""}
}
