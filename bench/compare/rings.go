package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/golang/groupcache/consistenthash"
	goredis "github.com/redis/go-redis/v9"
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

// ourRing is what ratios are taken to; it is the first contender.
const ourRing = "shardring murmur3"

func ringContenders() []ringContender {
	return []ringContender{
		{ourRing, "160", placement(ring.Murmur3, "")},
		{"shardring jedis", "160", placement(ring.Jedis, "")},
		{"shardring ketama fnv1a_64", "160", placement(ring.Ketama, "fnv1a_64")},
		{"shardring slots", "–", placement(ring.Slots, "")},
		{"go-redis Ring's rendezvous", "–", buildRendezvous},
		{"serialx/hashring", "160", buildSerialx},
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

// buildRendezvous takes go-redis's own from a Ring that has no server: it is
// what Ring sets when NewConsistentHash is not given.
func buildRendezvous(names []string) (lookups, error) {
	r := goredis.NewRing(&goredis.RingOptions{})
	hash := r.Options().NewConsistentHash(names)
	if err := r.Close(); err != nil {
		return nil, err
	}
	return func(keys []string) (sum int) {
		for _, key := range keys {
			sum += len(hash.Get(hashTag(key)))
		}
		return sum
	}, nil
}

// hashTag is the part of a key that is hashed, as go-redis's Ring takes it
// before it asks its rendezvous, and ours inside.
func hashTag(key string) string {
	if start := strings.IndexByte(key, '{'); start >= 0 {
		if n := strings.IndexByte(key[start+1:], '}'); n > 0 {
			return key[start+1 : start+1+n]
		}
	}
	return key
}

// buildSerialx sets weights, for a node of serialx/hashring has as many points
// as its weight is: one, unless told otherwise.
func buildSerialx(names []string) (lookups, error) {
	weights := make(map[string]int)
	for _, name := range names {
		weights[name] = pointsPerShard
	}
	r := hashring.NewWithWeights(weights)
	if _, ok := r.GetNode("key"); !ok {
		return nil, errors.New("no node for a key")
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
