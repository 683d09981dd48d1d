package ring_test

import (
	"fmt"
	"log"

	"github.com/shardring/shardring/ring"
)

func Example() {
	r, err := ring.New(ring.Config{Shards: []ring.Shard{
		{Name: "cache-1", Weight: 1},
		{Name: "cache-2", Weight: 1},
		{Name: "cache-3", Weight: 2},
	}})
	if err != nil {
		log.Fatal(err)
	}
	for _, key := range []string{"user:1000", "{user:1000}.following", "user:1001"} {
		fmt.Println(key, "->", r.Name(r.OwnerString(key)))
	}
	// Output:
	// user:1000 -> cache-2
	// {user:1000}.following -> cache-2
	// user:1001 -> cache-1
}

// A nutcracker.yml without a distribution and a hash is ketama with fnv1a_64.
// A server that has no name there is named by its address.
func ExampleNew_twemproxy() {
	r, err := ring.New(ring.Config{
		Placement: ring.Ketama,
		Shards: []ring.Shard{
			{Name: "10.0.0.1:6379", Weight: 1},
			{Name: "10.0.0.2:6379", Weight: 1},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Hash(), r.Points(), r.Name(r.OwnerString("user:1000")))
	// Output:
	// fnv1a_64 320 10.0.0.1:6379
}

func ExampleNew_refused() {
	_, err := ring.New(ring.Config{
		Placement: ring.Jedis,
		Hash:      ring.HashCRC16,
		Shards:    []ring.Shard{{Weight: 1}},
	})
	fmt.Println(err)
	// Output:
	// ring: Hash "crc16": not a hash of placement jedis; allowed: murmur64a, md5
}

// ShardedJedis with Sharded.DEFAULT_KEY_TAG_PATTERN and unnamed shards.
func ExampleTagPattern() {
	tag, err := ring.TagPattern(`\{(.+?)\}`)
	if err != nil {
		log.Fatal(err)
	}
	r, err := ring.New(ring.Config{Placement: ring.Jedis, Tag: tag, Shards: []ring.Shard{{Weight: 1}, {Weight: 1}}})
	if err != nil {
		log.Fatal(err)
	}
	for _, key := range []string{"{user:1000}.name", "{user:1000}.mail", "{}}"} {
		fmt.Printf("%s %q -> %s\n", key, tag.Of([]byte(key)), r.Name(r.OwnerString(key)))
	}
	// Output:
	// {user:1000}.name "user:1000" -> SHARD-1
	// {user:1000}.mail "user:1000" -> SHARD-1
	// {}} "}" -> SHARD-1
}

func ExampleRing_Locate() {
	r, err := ring.New(ring.Config{Placement: ring.Slots, Shards: []ring.Shard{
		{Name: "a", Weight: 1, Slots: []ring.SlotRange{{0, 8191}}},
		{Name: "b", Weight: 1, Slots: []ring.SlotRange{{8192, 16383}}},
	}})
	if err != nil {
		log.Fatal(err)
	}
	l := r.Locate([]byte("{user:1000}.following"))
	fmt.Printf("tag %s, slot %d, shard %s\n", l.Tag, l.Point, r.Name(l.Shard))
	// Output:
	// tag user:1000, slot 1649, shard a
}

// What a fourth shard takes from the three others, before it is added.
func ExampleDiff() {
	shards := []ring.Shard{{Name: "cache-1", Weight: 1}, {Name: "cache-2", Weight: 1}, {Name: "cache-3", Weight: 1}}
	before, err := ring.New(ring.Config{Shards: shards})
	if err != nil {
		log.Fatal(err)
	}
	after, err := ring.New(ring.Config{Shards: append(shards, ring.Shard{Name: "cache-4", Weight: 1})})
	if err != nil {
		log.Fatal(err)
	}
	d, err := ring.Diff(before, after)
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range d.Moves {
		fmt.Printf("%s to %s: %.1f%%\n", m.From, m.To, 100*m.Share)
	}
	fmt.Printf("moved: %.1f%%\n", 100*d.Moved)
	// Output:
	// cache-1 to cache-4: 10.3%
	// cache-2 to cache-4: 6.8%
	// cache-3 to cache-4: 8.9%
	// moved: 26.0%
}

// A cache that may lose a shard gives its keys to the others meanwhile.
func ExampleRing_Without() {
	r, err := ring.New(ring.Config{Shards: []ring.Shard{
		{Name: "cache-1", Weight: 1}, {Name: "cache-2", Weight: 1}, {Name: "cache-3", Weight: 1},
	}})
	if err != nil {
		log.Fatal(err)
	}
	rest, err := r.Without([]int{1})
	if err != nil {
		log.Fatal(err)
	}
	for i, share := range rest.Shares() {
		fmt.Printf("%s %.2f\n", r.Name(i), share)
	}
	// Output:
	// cache-1 0.49
	// cache-2 0.00
	// cache-3 0.51
}
