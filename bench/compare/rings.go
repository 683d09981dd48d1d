package main

import (
	"fmt"

	"github.com/cespare/xxhash/v2"
	"github.com/dgryski/go-rendezvous"
	"github.com/golang/groupcache/consistenthash"
	"github.com/serialx/hashring"
	"stathat.com/c/consistent"

	"github.com/shardring/shardring/ring"
)

// lookups asks for the owner of each key and returns something made of the
// answers, so that the compiler cannot drop them. Each contender has its own
// loop: a common one would add an indirect call to every lookup.
type lookups func(keys []string) int

// ringContender is one way from a key to a shard.
type ringContender struct {
	name   string
	points string // a shard, on its ring
	build  func(names []string) (lookups, error)
}

// pointsPerShard is the number of points of a shard of weight 1 under
// murmur3; the contenders that let us choose get the same.
const pointsPerShard = 160

// ours is what ratios are taken to.
const ours = "shardring murmur3"

func ringContenders() []ringContender {
	return []ringContender{
		{ours, "160", placement(ring.Murmur3, "")},
		{"shardring jedis", "160", placement(ring.Jedis, "")},
		{"shardring ketama fnv1a_64", "160", placement(ring.Ketama, "fnv1a_64")},
		{"shardring slots", "–", placement(ring.Slots, "")},
		{"go-redis Ring's rendezvous", "–", buildRendezvous},
		{"serialx/hashring", "120", buildSerialx},
		{"groupcache consistenthash", "160", buildGroupcache},
		{"stathat consistent", "160", buildStathat},
	}
}

func placement(p ring.Placement, h ring.Hash) func([]string) (lookups, error) {
	return func(names []string) (lookups, error) {
		cfg := ring.Config{Placement: p, Hash: h}
		for _, name := range names {
			cfg.Shards = append(cfg.Shards, ring.Shard{Name: name, Weight: 1})
		}
		r, err := ring.New(cfg)
		if err != nil {
			return nil, err
		}
		return func(keys []string) (sum int) {
			for _, key := range keys {
				sum += r.OwnerString(key)
			}
			return sum
		}, nil
	}
}

// go-redis 9.23 has the algorithm of dgryski/go-rendezvous, with xxhash, in an
// internal package.
func buildRendezvous(names []string) (lookups, error) {
	r := rendezvous.New(names, xxhash.Sum64String)
	return func(keys []string) (sum int) {
		for _, key := range keys {
			sum += len(r.Lookup(key))
		}
		return sum
	}, nil
}

func buildSerialx(names []string) (lookups, error) {
	r := hashring.New(names)
	if _, ok := r.GetNode("key"); !ok {
		return nil, fmt.Errorf("no node for a key")
	}
	return func(keys []string) (sum int) {
		for _, key := range keys {
			node, _ := r.GetNode(key)
			sum += len(node)
		}
		return sum
	}, nil
}

func buildGroupcache(names []string) (lookups, error) {
	r := consistenthash.New(pointsPerShard, nil)
	r.Add(names...)
	return func(keys []string) (sum int) {
		for _, key := range keys {
			sum += len(r.Get(key))
		}
		return sum
	}, nil
}

func buildStathat(names []string) (lookups, error) {
	r := consistent.New()
	r.NumberOfReplicas = pointsPerShard
	r.Set(names)
	if _, err := r.Get("key"); err != nil {
		return nil, err
	}
	return func(keys []string) (sum int) {
		for _, key := range keys {
			node, _ := r.Get(key)
			sum += len(node)
		}
		return sum
	}, nil
}

func shardNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("shard-%04d", i)
	}
	return names
}

// testKeys are n different keys of the given length, at least 8.
func testKeys(n, length int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("user:%0*d", length-len("user:"), i*7919)
	}
	return keys
}
