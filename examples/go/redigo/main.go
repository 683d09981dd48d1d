// Command redigo is redigo through shardproxy: the program does not know that there
// are shards. (../../redigo needs no proxy: there the library takes redigo's place.)
//
//	shardproxy run -c examples/config/pools.yml
//	go run ./examples/go/redigo 127.0.0.1:6380
//
// It prints each thing it does, and ends with an error at the first that fails.
package main

import (
	"fmt"
	"log"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"
)

// step prints what was done, and fails unless it gave what is wanted:
// step("GET", "world")(redis.String(r.Do("GET", "hello"))).
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
func fails(what, word string) func(reply any, err error) {
	return func(reply any, err error) {
		step(fmt.Sprintf("%s is an error (%v)", what, err), true)(err != nil && strings.HasPrefix(err.Error(), word), nil)
	}
}

// numbered returns n strings.
func numbered(format string, n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf(format, i))
	}
	return all
}

// args returns the arguments of a request.
func args(all ...any) redis.Args {
	a := redis.Args{}
	for _, x := range all {
		a = a.AddFlat(x)
	}
	return a
}

func main() {
	log.SetFlags(0)
	addr := "127.0.0.1:6380"
	if len(os.Args) > 1 {
		addr = os.Args[1]
	}
	pool := &redis.Pool{Dial: func() (redis.Conn, error) { return redis.Dial("tcp", addr) }}
	defer pool.Close()
	r, other := pool.Get(), pool.Get() // two connections
	defer r.Close()
	defer other.Close()

	requests(r)
	transactions(r, other)
	scripts(r)
	channels(pool.Get(), other)
	waits(r, other)
	databases(r, addr)
	fmt.Println("all of it works")
}

var keys, values = numbered("redigo:%d", 1000), numbered("value %d", 1000)

func requests(r redis.Conn) {
	step("SET", "OK")(redis.String(r.Do("SET", "redigo:hello", "world")))
	step("GET", "world")(redis.String(r.Do("GET", "redigo:hello")))

	// Pipelines go to all shards at once; replies come back in order.
	for i, key := range keys {
		r.Send("SET", key, values[i])
	}
	for _, key := range keys {
		r.Send("GET", key)
	}
	replies := slices.Concat(slices.Repeat([]string{"OK"}, 1000), values)
	step("a pipeline of 1,000 SET and 1,000 GET", replies)(redis.Strings(r.Do("")))

	// MGET, MSET, DEL, EXISTS, … are split between the shards and put together.
	step("MGET of 1,000 keys", values)(redis.Strings(r.Do("MGET", args(keys)...)))
	pairs := numbered("redigo:m:%d", 100) // key, value, key, value, …
	step("MSET of 50", "OK")(redis.String(r.Do("MSET", args(pairs)...)))
	step("EXISTS counts over all shards", 50)(redis.Int(r.Do("EXISTS", args(pairs)...)))
	step("SCAN finds every key", 50)(scan(r, "redigo:m:*"))
	step("DEL counts over all shards", 50)(redis.Int(r.Do("DEL", args(pairs)...)))

	// twemproxy closed the connection at a command it did not know, or for which it
	// needed all keys on one server. Here only the request fails.
	fails("LPUSH to a string", "WRONGTYPE")(r.Do("LPUSH", "redigo:1", "x"))
	fails("MSETNX of keys on several shards", "CROSSSLOT")(r.Do("MSETNX", args(keys)...))
	fails("a command that nobody knows", "ERR unknown command")(r.Do("NOSUCH", "redigo:1"))
	step("after the errors", "world")(redis.String(r.Do("GET", "redigo:hello")))
}

// scan counts the keys that match.
func scan(r redis.Conn, pattern string) (int, error) {
	found := map[string]bool{}
	for cursor := "0"; ; {
		reply, err := redis.Values(r.Do("SCAN", cursor, "MATCH", pattern))
		if err != nil {
			return 0, err
		}
		var page []string
		if _, err := redis.Scan(reply, &cursor, &page); err != nil {
			return 0, err
		}
		for _, key := range page {
			found[key] = true
		}
		if cursor == "0" {
			return len(found), nil
		}
	}
}

// From here on it is what twemproxy never had. Keys with the same {tag} are on
// one shard, so a transaction may use them together.
func transactions(r, other redis.Conn) {
	const name, visits = "redigo:{user:7}:name", "redigo:{user:7}:visits"
	r.Send("MULTI")
	r.Send("SET", name, "Ada")
	r.Send("SET", visits, 6)
	r.Send("INCR", visits)
	r.Send("GET", name)
	step("MULTI and EXEC", []any{"OK", "OK", int64(7), []byte("Ada")})(redis.Values(r.Do("EXEC")))

	step("WATCH", "OK")(redis.String(r.Do("WATCH", visits)))
	step("somebody else changes it", 8)(redis.Int(other.Do("INCR", visits)))
	r.Send("MULTI")
	r.Send("SET", visits, 8000)
	step[any]("EXEC does nothing after a watched key was changed", nil)(r.Do("EXEC"))
	step("and the key is theirs", 8)(redis.Int(r.Do("GET", visits)))

	r.Send("MULTI")
	for _, key := range keys {
		r.Send("SET", key, "never")
	}
	fails("a transaction over several shards", "CROSSSLOT")(r.Do("EXEC")) // the first error
	step("and none of it was done", values)(redis.Strings(r.Do("MGET", args(keys)...)))
}

// scripts: redigo sends EVALSHA, and EVAL when a server lacks the script. Each
// request goes to the shard of its keys.
func scripts(r redis.Conn) {
	prefix := redis.NewScript(1, "return ARGV[1] .. redis.call('GET', KEYS[1])")
	for i, key := range keys {
		if got, err := redis.String(prefix.Do(r, key, "a ")); err != nil || got != "a "+values[i] {
			log.Fatal(got, err)
		}
	}
	fmt.Println("ok: a script on all shards")
	move := redis.NewScript(2, "redis.call('SET', KEYS[2], redis.call('GET', KEYS[1])) return redis.call('DEL', KEYS[1])")
	step("a script with two keys of one tag", 1)(redis.Int(move.Do(r, "redigo:{user:7}:name", "redigo:{user:7}:new")))
}

// channels: a channel is on the shard its name hashes to, a pattern on all of them.
func channels(subscriber, publisher redis.Conn) {
	defer subscriber.Close()
	news := numbered("redigo:news:%d", 20)
	psc := redis.PubSubConn{Conn: subscriber}
	if err := psc.Subscribe(args(news)...); err != nil {
		log.Fatal(err)
	}
	if err := psc.PSubscribe("redigo:news:*"); err != nil {
		log.Fatal(err)
	}
	for range 21 {
		if err, failed := psc.Receive().(error); failed {
			log.Fatal(err)
		}
	}
	for _, channel := range news {
		publisher.Send("PUBLISH", channel, "to "+channel)
	}
	step("PUBLISH to channels of all shards", slices.Repeat([]int{2}, 20))(redis.Ints(publisher.Do("")))
	heard := map[string]int{}
	for range 40 {
		switch m := psc.ReceiveWithTimeout(10 * time.Second).(type) {
		case redis.Message:
			heard[m.Pattern+" "+m.Channel+" "+string(m.Data)]++
		case error:
			log.Fatal(m)
		}
	}
	step("each message came, by channel and by pattern", 40)(len(heard), nil)
}

// waits: a request that waits holds up nobody else.
func waits(r, other redis.Conn) {
	pushed := time.AfterFunc(200*time.Millisecond, func() { other.Do("RPUSH", "redigo:jobs", "job 1") })
	defer pushed.Stop()
	step("BLPOP waits for an element", []string{"redigo:jobs", "job 1"})(redis.Strings(r.Do("BLPOP", "redigo:jobs", 10)))
	step[any]("BLPOP gives up in time", nil)(r.Do("BLPOP", "redigo:jobs", 0.1))
}

// databases are those of the servers, unless redis_db in the file fixes one.
func databases(r redis.Conn, addr string) {
	there, err := redis.Dial("tcp", addr, redis.DialDatabase(1))
	if err != nil {
		log.Fatal(err)
	}
	defer there.Close()
	step("SELECT 1", "OK")(redis.String(there.Do("SET", "redigo:hello", "there")))
	step("database 0 is another", "world")(redis.String(r.Do("GET", "redigo:hello")))
}
