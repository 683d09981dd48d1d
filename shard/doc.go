// Package shard is a client for keys spread over several independent Redis
// servers, built on redigo: what ShardedJedis was for Java. It places keys as
// shardproxy does and reads the same file, so both serve the same data.
//
//	client, err := shard.New(shard.Config{Shards: []shard.Shard{
//		{Name: "cache-1", Primary: "10.0.0.1:6379"},
//		{Name: "cache-2", Primary: "10.0.0.2:6379"},
//	}})
//	...
//	defer client.Close()
//	name, err := redis.String(client.Do(ctx, "GET", "user:1:name"))
//	values, err := redis.Strings(client.Do(ctx, "MGET", "user:1:name", "user:2:name"))
//
// Code written for redigo goes on with client.Get() in place of pool.Get().
//
// It is not a cluster client: the servers know nothing of each other, and a
// key stays with its shard's name, not with a slot. A shard that is down
// answers errors that name it; its keys never move to another shard, unless
// Config.AutoEject says that the pool is a cache.
//
// A shard may be a primary with replicas, found through Sentinels
// (Config.Sentinels) or through what the servers say: the primary is followed
// when it changes, and what the old one refused is sent to the new one.
// Config.ReadFrom has replicas answer reads.
//
// A Client may be used by any number of goroutines. Their commands share one
// connection a shard, pipelined; none waits for another's longer than the
// servers do, and cancelling one disturbs no other. What needs a connection's
// state (blocking commands, Tx, Subscribe) borrows one of a bounded pool.
package shard
