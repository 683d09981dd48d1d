package shard_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard"
	"github.com/shardring/shardring/shard/config"
)

func ExampleClient_Tx() {
	client := open()
	defer client.Close()

	ctx := context.Background()
	client.Do(ctx, "SET", "{item:7}:stock", 3)

	// sell takes one from the stock and writes the order down, or does neither.
	sell := func(order string) error {
		for {
			_, err := client.Tx(ctx, []string{"{item:7}:stock"}, func(tx *shard.Tx) error {
				n, err := redis.Int(client.Do(ctx, "GET", "{item:7}:stock"))
				if err != nil {
					return err
				}
				if n == 0 {
					return errors.New("sold out")
				}
				tx.Add("SET", "{item:7}:stock", n-1)
				tx.Add("RPUSH", "{item:7}:orders", order)
				return nil
			})
			if err != shard.ErrTxAborted { // else somebody else sold one: look again
				return err
			}
		}
	}
	for _, order := range []string{"ann", "bob", "cid", "dan"} {
		fmt.Println(order, sell(order))
	}
	fmt.Println(redis.Strings(client.Do(ctx, "LRANGE", "{item:7}:orders", 0, -1)))
	// Output:
	// ann <nil>
	// bob <nil>
	// cid <nil>
	// dan sold out
	// [ann bob cid] <nil>
}

func ExampleClient_Get_transaction() {
	client := open()
	defer client.Close()

	conn := client.Get()
	defer conn.Close()
	conn.Send("MULTI")
	conn.Send("INCR", "{page}:visits")
	conn.Send("SADD", "{page}:guests", "ann")
	fmt.Println(redis.Ints(conn.Do("EXEC")))
	// Output: [1 1] <nil>
}

func ExampleClient_Subscribe() {
	client := open()
	defer client.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	sub, err := client.Subscribe(ctx, "news", "sport")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sub.Close()

	client.Do(ctx, "PUBLISH", "news", "rain tomorrow")
	for {
		m, err := sub.Receive(ctx)
		var lost *shard.ShardError
		switch {
		case errors.As(err, &lost):
			fmt.Println(lost.Shard, "cannot be heard now")
			continue
		case err != nil:
			fmt.Println(err)
			return
		case m.Missed:
			fmt.Println(m.Shard, "is heard again; read anew what its messages keep up to date")
			continue
		}
		fmt.Printf("%s: %s\n", m.Channel, m.Payload)
		break
	}
	// Output: news: rain tomorrow
}

func ExampleClient_Subscribe_redigo() {
	client := open()
	defer client.Close()

	psc := redis.PubSubConn{Conn: client.Get()}
	defer psc.Close()
	psc.Subscribe("news")
	psc.PSubscribe("sport:*")
	for range 2 {
		fmt.Printf("%+v\n", psc.Receive())
	}
	client.Do(context.Background(), "PUBLISH", "sport:chess", "1-0")
	m := psc.Receive().(redis.Message)
	fmt.Printf("%s: %s\n", m.Channel, m.Data)
	// Output:
	// {Kind:subscribe Channel:news Count:1}
	// {Kind:psubscribe Channel:sport:* Count:2}
	// sport:chess: 1-0
}

func ExampleClient_Do_blocking() {
	client := open()
	defer client.Close()

	go client.Do(context.Background(), "RPUSH", "jobs", "resize 7.png")

	// Waits until there is a job or the context ends.
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	job, err := redis.Strings(client.Do(ctx, "BLPOP", "jobs", 0))
	fmt.Println(job, err)

	// Nobody pushes another one.
	ctx, cancel = context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	_, err = client.Do(ctx, "BLPOP", "jobs", 0)
	var se *shard.ShardError
	if errors.As(err, &se) {
		fmt.Println(errors.Is(err, context.DeadlineExceeded), "nothing was taken:", se.SafeToRetry)
	}
	// Output:
	// [jobs resize 7.png] <nil>
	// true nothing was taken: true
}

func ExampleClient_Do_script() {
	client := open()
	defer client.Close()

	ctx := context.Background()
	digest, err := redis.String(client.Do(ctx, "SCRIPT", "LOAD", `return redis.call("INCRBY", KEYS[1], ARGV[1] * 2)`))
	if err != nil {
		fmt.Println(err)
		return
	}
	// Every shard has it, and is sent it again should it forget.
	for _, key := range []string{"a", "b", "c"} {
		fmt.Println(redis.Int(client.Do(ctx, "EVALSHA", digest, 1, key, 21)))
	}
	// Output:
	// 42 <nil>
	// 42 <nil>
	// 42 <nil>
}

func ExampleClient_Scan() {
	client := open()
	defer client.Close()

	ctx := context.Background()
	client.Do(ctx, "MSET", "user:1", "ann", "user:2", "bob", "page:1", "home", "user:3", "cid")
	users := 0
	for key, err := range client.Scan(ctx, "user:*", 1000) {
		if err != nil {
			fmt.Println(err)
			return
		}
		users += len(key) / len("user:1")
	}
	fmt.Println(users)
	// Output: 3
}

// A read may come from a replica, which may not have the last write yet. Here there is none,
// and prefer_replica goes to the primary then.
func ExampleWithReadFrom() {
	client := open()
	defer client.Close()
	ctx := context.Background()
	if _, err := client.Do(ctx, "SET", "page:1", "welcome"); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(redis.String(client.Do(shard.WithReadFrom(ctx, config.PreferReplica), "GET", "page:1")))
	_, err := client.Do(shard.WithReadFrom(ctx, config.OnlyReplica), "GET", "page:1")
	fmt.Println(errors.Is(err, shard.ErrNoReplica))
	// Output:
	// welcome <nil>
	// true
}
