// Command library shows the Go client: single commands, splits, pipelines, a
// walk over all shards, a transaction, a queue, messages.
//
//	go run ./examples/library 127.0.0.1:7001 127.0.0.1:7002 127.0.0.1:7003 127.0.0.1:7004
//
// The arguments are redis-servers; each is a shard. With a file for shardproxy,
// the client is shard.Open("pools.yml", "cache") instead, and finds the same keys.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"sync/atomic"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("usage: library HOST:PORT…")
	}
	// The name is the shard's identity: its keys stay with it when the server
	// moves to another address.
	var shards []shard.Shard
	for i, addr := range os.Args[1:] {
		shards = append(shards, shard.Shard{Name: fmt.Sprintf("cache-%d", i+1), Primary: addr})
	}
	client, err := shard.New(shard.Config{Shards: shards})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	if err := use(client); err != nil {
		log.Fatal(err)
	}
	fmt.Println("all of it works")
}

// use does one of each. All goroutines of a program share one client.
func use(client *shard.Client) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	// Do returns what redigo returns, so redis.String and its friends work.
	if _, err := client.Do(ctx, "SET", "go:hello", "world", "EX", 60); err != nil {
		return err
	}
	hello, err := redis.String(client.Do(ctx, "GET", "go:hello"))
	if err != nil {
		return err
	}
	fmt.Printf("go:hello is %q, on %s\n", hello, client.ShardFor("go:hello"))

	// A pipeline goes to all its shards at once. Each reply has its own error.
	p := client.Pipeline()
	keys := redis.Args{}
	for i := range 1000 {
		key := fmt.Sprintf("go:%d", i)
		keys = keys.Add(key)
		p.Add("SET", key, i)
	}
	p.Add("LPUSH", "go:0", "not a list")
	replies, err := p.Exec(ctx)
	if err == nil || len(replies) != 1001 || replies[999].Err != nil || replies[1000].Err == nil {
		return fmt.Errorf("want an error for the last command only, got %v", err)
	}
	fmt.Println("a pipeline of 1,000 SET, and then:", replies[1000].Err)

	// MGET, MSET, DEL, EXISTS, … are split between the shards and put together.
	values, err := redis.Ints(client.Do(ctx, "MGET", keys...))
	if err != nil {
		return err
	}
	for i, v := range values {
		if v != i {
			return fmt.Errorf("MGET returned %d for go:%d", v, i)
		}
	}
	fmt.Println("MGET of", len(values), "keys")

	// Each shard, with a connection of its own: anything goes on it.
	var total atomic.Int64
	err = client.ForEachShard(ctx, func(ctx context.Context, name string, conn redis.Conn) error {
		n, err := redis.Int64(conn.Do("DBSIZE"))
		total.Add(n)
		return err
	})
	if err != nil {
		return err
	}
	fmt.Println("keys on all shards:", total.Load())

	if err := useOwn(ctx, client); err != nil {
		return err
	}
	deleted, err := redis.Int(client.Do(ctx, "DEL", keys.Add("go:none")...))
	if err != nil || deleted != 1000 {
		return fmt.Errorf("DEL returned %d, %v; want 1000", deleted, err)
	}

	// A shard that is down is an error that names it, and says whether the
	// command may have been executed.
	var down *shard.ShardError
	if _, err := client.Do(ctx, "GET", "go:hello"); errors.As(err, &down) {
		fmt.Println(down.Shard, "is down; safe to retry:", down.SafeToRetry)
	}
	return nil
}

// useOwn does what needs a connection's state. Each borrows one for as long as
// it takes.
func useOwn(ctx context.Context, client *shard.Client) error {
	// A transaction is on one shard: what stands in braces is hashed alone. It
	// aborts if go:{7}:stock is changed after it was read.
	if _, err := client.Do(ctx, "SET", "go:{7}:stock", 3, "EX", 60); err != nil {
		return err
	}
	_, err := client.Tx(ctx, []string{"go:{7}:stock"}, func(tx *shard.Tx) error {
		n, err := redis.Int(client.Do(ctx, "GET", "go:{7}:stock"))
		if err != nil {
			return err
		}
		tx.Add("SET", "go:{7}:stock", n-1, "KEEPTTL")
		tx.Add("RPUSH", "go:{7}:orders", "one")
		return nil
	})
	if err != nil {
		return err
	}

	// A blocking command waits until there is something, or the context ends.
	order, err := redis.Strings(client.Do(ctx, "BLPOP", "go:{7}:orders", 0))
	if err != nil {
		return err
	}
	fmt.Println("an order:", order[1])

	// A channel lives on the shard that its name hashes to, a pattern on all.
	sub, err := client.PSubscribe(ctx, "go:news:*")
	if err != nil {
		return err
	}
	defer sub.Close()
	if _, err := client.Do(ctx, "PUBLISH", "go:news:weather", "rain"); err != nil {
		return err
	}
	m, err := sub.Receive(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("%s: %s, from %s\n", m.Channel, m.Payload, m.Shard)

	for key, err := range client.Scan(ctx, "go:{7}:*", 100) {
		if err != nil {
			return err
		}
		fmt.Println("still there:", key)
	}
	return nil
}
