package shard_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard"
	"github.com/shardring/shardring/shard/shardtest"
)

// servers are the three of the examples; TestMain starts and ends them.
var servers [3]*shardtest.Server

func TestMain(m *testing.M) {
	os.Exit(func() int {
		for i := range servers {
			s, err := shardtest.Start(context.Background(), shardtest.RedisSpec())
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			defer s.Close()
			servers[i] = s
		}
		return m.Run()
	}())
}

// open makes the client that the examples share: three empty servers.
func open() *shard.Client {
	var cfg shard.Config
	for i, s := range servers {
		cfg.Shards = append(cfg.Shards, shard.Shard{Name: fmt.Sprintf("cache-%d", i+1), Primary: s.Addr})
	}
	client, err := shard.New(cfg)
	if err != nil {
		panic(err)
	}
	if _, err := client.Do(context.Background(), "FLUSHALL"); err != nil {
		panic(err)
	}
	return client
}

func Example() {
	client, err := shard.New(shard.Config{Shards: []shard.Shard{
		{Name: "cache-1", Primary: servers[0].Addr},
		{Name: "cache-2", Primary: servers[1].Addr},
		{Name: "cache-3", Primary: servers[2].Addr},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	ctx := context.Background()
	client.Do(ctx, "SET", "user:1:name", "Ann")
	client.Do(ctx, "SET", "user:2:name", "Bob")

	name, err := redis.String(client.Do(ctx, "GET", "user:1:name"))
	fmt.Println(name, err)
	names, err := redis.Strings(client.Do(ctx, "MGET", "user:1:name", "user:2:name", "user:3:name"))
	fmt.Printf("%q %v\n", names, err)
	// Output:
	// Ann <nil>
	// ["Ann" "Bob" ""] <nil>
}

func ExampleClient_Get() {
	client := open() // in place of a redis.Pool
	defer client.Close()

	conn := client.Get()
	defer conn.Close()
	conn.Send("SET", "a", 1)
	conn.Send("INCRBY", "b", 2)
	conn.Send("GET", "a")
	replies, err := redis.Values(conn.Do(""))
	fmt.Printf("%q %v\n", replies, err)
	// Output: ["OK" '\x02' "1"] <nil>
}

func ExampleClient_Pipeline() {
	client := open()
	defer client.Close()

	p := client.Pipeline()
	for i := range 3 {
		p.Add("SET", fmt.Sprintf("user:%d", i), i*i)
	}
	p.Add("LPUSH", "user:2", "no list")
	p.Add("MGET", "user:0", "user:1", "user:2")
	replies, _ := p.Exec(context.Background())
	for _, r := range replies {
		if r.Err != nil {
			fmt.Println("error:", r.Err)
			continue
		}
		fmt.Printf("%q\n", r.Value)
	}
	// Output:
	// "OK"
	// "OK"
	// "OK"
	// error: WRONGTYPE Operation against a key holding the wrong kind of value
	// ["0" "1" "4"]
}

func ExampleClient_ForEachShard() {
	client := open()
	defer client.Close()

	client.Do(context.Background(), "MSET", "a", 1, "b", 2, "c", 3, "d", 4, "e", 5)
	var keys atomic.Int64
	err := client.ForEachShard(context.Background(), func(ctx context.Context, shard string, conn redis.Conn) error {
		n, err := redis.Int64(conn.Do("DBSIZE"))
		keys.Add(n)
		return err
	})
	fmt.Println(keys.Load(), err)
	// Output: 5 <nil>
}

func ExampleClient_Do_scan() {
	client := open()
	defer client.Close()

	ctx := context.Background()
	client.Do(ctx, "MSET", "a", 1, "b", 2, "c", 3, "d", 4)
	count, cursor := 0, "0"
	for {
		page, err := redis.Values(client.Do(ctx, "SCAN", cursor))
		if err != nil {
			fmt.Println(err)
			return
		}
		keys, _ := redis.Strings(page[1], nil)
		count += len(keys)
		if cursor, _ = redis.String(page[0], nil); cursor == "0" {
			break
		}
	}
	fmt.Println(count)
	// Output: 4
}

func ExampleShardError() {
	client, _ := shard.New(shard.Config{Shards: []shard.Shard{{Name: "cache-1", Primary: "127.0.0.1:1"}}})
	defer client.Close()

	_, err := client.Do(context.Background(), "INCR", "visits")
	var se *shard.ShardError
	if errors.As(err, &se) {
		fmt.Println(se.Shard, se.SafeToRetry)
	}
	// Output: cache-1 true
}

func ExampleClient_Do_keysOnOneShard() {
	client := open()
	defer client.Close()

	ctx := context.Background()
	_, err := client.Do(ctx, "RENAME", "user:1", "user:2")
	fmt.Println(errors.Is(err, shard.ErrCrossSlot), client.ShardFor("user:1") == client.ShardFor("user:2"))
	// What stands in braces is all that is hashed.
	client.Do(ctx, "SET", "{user:1}:old", "x")
	fmt.Println(client.Do(ctx, "RENAME", "{user:1}:old", "{user:1}:new"))
	// Output:
	// true false
	// OK <nil>
}
