// Command goredis is go-redis through shardproxy, in RESP2 and in RESP3: the program
// does not know that there are shards. It is a module of its own, so that nobody who
// uses shardring needs go-redis.
//
//	shardproxy run -c examples/config/pools.yml
//	go -C examples/go/goredis run . 127.0.0.1:6380
//
// It prints each thing it does, and ends with an error at the first that fails.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// step prints what was done, and fails unless it gave what is wanted:
// step("GET", "world")(r.Get(ctx, "hello").Result()).
func step[T any](what string, want T) func(got T, err error) {
	return func(got T, err error) {
		if err != nil || !reflect.DeepEqual(got, want) {
			log.Fatalf("FAILED: %s: got %v, %v", what, got, err)
		}
		fmt.Println("ok:", what)
	}
}

// fails is for a request whose error begins with a word. An error belongs to its
// request; the connection goes on.
func fails(what, word string, err error) {
	step(fmt.Sprintf("%s is an error (%v)", what, err), true)(err != nil && strings.HasPrefix(err.Error(), word), nil)
}

// numbered returns n strings.
func numbered(format string, n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf(format, i))
	}
	return all
}

// anys returns strings as arguments.
func anys(all []string) (args []any) {
	for _, s := range all {
		args = append(args, s)
	}
	return args
}

func main() {
	log.SetFlags(0)
	addr := "127.0.0.1:6380"
	if len(os.Args) > 1 {
		addr = os.Args[1]
	}
	for _, protocol := range []int{2, 3} {
		fmt.Printf("RESP%d\n", protocol)
		r := redis.NewClient(&redis.Options{Addr: addr, Protocol: protocol})
		there := redis.NewClient(&redis.Options{Addr: addr, Protocol: protocol, DB: 1})
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		info, err := r.ClientInfo(ctx).Result()
		if err != nil {
			log.Fatal(err)
		}
		step("CLIENT INFO tells the protocol", protocol)(info.Resp, nil)
		requests(ctx, r)
		transactions(ctx, r)
		scripts(ctx, r)
		channels(ctx, r)
		waits(ctx, r)

		// Databases are those of the servers, unless redis_db in the file fixes one.
		step("SELECT 1", "OK")(there.Set(ctx, "goredis:hello", "there", 0).Result())
		step("database 0 is another", "world")(r.Get(ctx, "goredis:hello").Result())
		cancel()
		r.Close()
		there.Close()
	}
	fmt.Println("all of it works")
}

var keys, values = numbered("goredis:%d", 1000), anys(numbered("value %d", 1000))

func requests(ctx context.Context, r *redis.Client) {
	step("SET", "OK")(r.Set(ctx, "goredis:hello", "world", 0).Result())
	step("GET", "world")(r.Get(ctx, "goredis:hello").Result())

	// Pipelines go to all shards at once; replies come back in order. TxPipelined is a
	// transaction, which is for keys of one shard: see below.
	replies, err := r.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, key := range keys {
			p.Set(ctx, key, values[i], 0)
			p.Get(ctx, key)
		}
		return nil
	})
	step("a pipeline of 1,000 SET and 1,000 GET", "value 999")(replies[1999].(*redis.StringCmd).Val(), err)

	// MGET, MSET, DEL, EXISTS, … are split between the shards and put together.
	step("MGET of 1,000 keys", values)(r.MGet(ctx, keys...).Result())
	pairs := numbered("goredis:m:%d", 100) // key, value, key, value, …
	step("MSET of 50", "OK")(r.MSet(ctx, anys(pairs)...).Result())
	step[int64]("EXISTS counts over all shards", 50)(r.Exists(ctx, pairs...).Result())
	found := map[string]bool{}
	scan := r.Scan(ctx, 0, "goredis:m:*", 0).Iterator()
	for scan.Next(ctx) {
		found[scan.Val()] = true
	}
	step("SCAN finds every key", 50)(len(found), scan.Err())
	step[int64]("DEL counts over all shards", 50)(r.Del(ctx, pairs...).Result())
	r.HSet(ctx, "goredis:hash", "a", "1", "b", "2")
	step("HGETALL", map[string]string{"a": "1", "b": "2"})(r.HGetAll(ctx, "goredis:hash").Result())

	// twemproxy closed the connection at a command it did not know, or for which it
	// needed all keys on one server. Here only the request fails.
	fails("LPUSH to a string", "WRONGTYPE", r.LPush(ctx, "goredis:1", "x").Err())
	fails("MSETNX of keys on several shards", "CROSSSLOT", r.MSetNX(ctx, anys(keys)...).Err())
	fails("a command that nobody knows", "ERR unknown command", r.Do(ctx, "NOSUCH", "goredis:1").Err())
	step("after the errors", "world")(r.Get(ctx, "goredis:hello").Result())
}

// From here on it is what twemproxy never had. Keys with the same {tag} are on
// one shard, so a transaction may use them together.
func transactions(ctx context.Context, r *redis.Client) {
	const name, visits = "goredis:{user:7}:name", "goredis:{user:7}:visits"
	replies, err := r.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, name, "Ada", 0)
		p.Set(ctx, visits, 6, 0)
		p.Incr(ctx, visits)
		return nil
	})
	step[int64]("MULTI and EXEC", 7)(replies[2].(*redis.IntCmd).Val(), err)
	err = r.Watch(ctx, func(tx *redis.Tx) error {
		if err := r.Incr(ctx, visits).Err(); err != nil { // somebody else, over another connection
			return err
		}
		_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error { return p.Set(ctx, visits, 8000, 0).Err() })
		return err
	}, visits)
	step("EXEC does nothing after a watched key was changed", true)(errors.Is(err, redis.TxFailedErr), nil)
	step("and the key is theirs", "8")(r.Get(ctx, visits).Result())
	_, err = r.TxPipelined(ctx, func(p redis.Pipeliner) error {
		for _, key := range keys {
			p.Set(ctx, key, "never", 0)
		}
		return nil
	})
	fails("a transaction over several shards", "EXECABORT", err)
	step("and none of it was done", values)(r.MGet(ctx, keys...).Result())
}

// scripts: go-redis sends EVALSHA, and EVAL when a server lacks the script. Each
// request goes to the shard of its keys.
func scripts(ctx context.Context, r *redis.Client) {
	prefix := redis.NewScript("return ARGV[1] .. redis.call('GET', KEYS[1])")
	for i, key := range keys {
		if got, err := prefix.Run(ctx, r, []string{key}, "a ").Text(); err != nil || got != fmt.Sprint("a ", values[i]) {
			log.Fatal(got, err)
		}
	}
	fmt.Println("ok: a script on all shards")
	move := redis.NewScript("redis.call('SET', KEYS[2], redis.call('GET', KEYS[1])) return redis.call('DEL', KEYS[1])")
	tagged := []string{"goredis:{user:7}:name", "goredis:{user:7}:new"}
	step("a script with two keys of one tag", 1)(move.Run(ctx, r, tagged).Int())
}

// channels: a channel is on the shard its name hashes to, a pattern on all of them.
func channels(ctx context.Context, r *redis.Client) {
	news := numbered("goredis:news:%d", 20)
	subscriber := r.Subscribe(ctx, news...)
	defer subscriber.Close()
	if err := subscriber.PSubscribe(ctx, "goredis:news:*"); err != nil {
		log.Fatal(err)
	}
	for range 21 { // the confirmations
		if _, err := subscriber.ReceiveTimeout(ctx, 10*time.Second); err != nil {
			log.Fatal(err)
		}
	}
	for _, channel := range news {
		if n, err := r.Publish(ctx, channel, "to "+channel).Result(); n != 2 {
			log.Fatalf("FAILED: %d heard what was published to %s: %v", n, channel, err)
		}
	}
	heard := map[string]int{}
	for range 40 {
		m, err := subscriber.ReceiveMessage(ctx)
		if err != nil {
			log.Fatal(err)
		}
		heard[m.Pattern+" "+m.Channel+" "+m.Payload]++
	}
	step("each message came, by channel and by pattern", 40)(len(heard), nil)
}

// waits: a request that waits holds up nobody else.
func waits(ctx context.Context, r *redis.Client) {
	pushed := time.AfterFunc(200*time.Millisecond, func() { r.RPush(ctx, "goredis:jobs", "job 1") })
	defer pushed.Stop()
	step("BLPOP waits for an element", []string{"goredis:jobs", "job 1"})(r.BLPop(ctx, 10*time.Second, "goredis:jobs").Result())
	err := r.BLPop(ctx, time.Second, "goredis:jobs").Err()
	step("BLPOP gives up in time", true)(errors.Is(err, redis.Nil), nil)
}
