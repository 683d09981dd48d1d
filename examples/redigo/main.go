// Command redigo is a program that was written for one redis-server and redigo's
// pool. Only the line that makes the pool has changed.
//
//	go run ./examples/redigo 127.0.0.1:7001 127.0.0.1:7002 127.0.0.1:7003 127.0.0.1:7004
package main

import (
	"fmt"
	"log"
	"os"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard"
)

// pool is all that the program uses of redigo's *redis.Pool; *shard.Client has
// it too.
type pool interface {
	Get() redis.Conn
	Close() error
}

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("usage: redigo HOST:PORT…")
	}
	// Before: pool := &redis.Pool{Dial: func() (redis.Conn, error) { return redis.Dial("tcp", addr) }}
	pool, err := shard.New(shard.Config{Shards: shardsAt(os.Args[1:])})
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	for i := range 10 {
		if err := visit(pool, fmt.Sprintf("page-%d", i), fmt.Sprintf("guest %d", i)); err != nil {
			log.Fatal(err)
		}
	}
	if err := report(pool); err != nil {
		log.Fatal(err)
	}
	fmt.Println("all of it works")
}

func shardsAt(addrs []string) (shards []shard.Shard) {
	for i, addr := range addrs {
		shards = append(shards, shard.Shard{Name: fmt.Sprintf("cache-%d", i+1), Primary: addr})
	}
	return shards
}

// visit counts a visit and remembers who came last, in one round trip.
func visit(p pool, page, who string) error {
	conn := p.Get()
	defer conn.Close()
	conn.Send("INCR", "visits:"+page)
	conn.Send("SET", "last:"+page, who)
	conn.Send("SADD", "guests:"+page, who)
	if err := conn.Flush(); err != nil {
		return err
	}
	n, err := redis.Int(conn.Receive())
	if err != nil {
		return err
	}
	for range 2 {
		if _, err := conn.Receive(); err != nil {
			return err
		}
	}
	fmt.Printf("%s: visit %d, by %s\n", page, n, who)
	return nil
}

// report reads all pages at once. Their keys are on several servers, and it
// need not know.
func report(p pool) error {
	conn := p.Get()
	defer conn.Close()
	keys := redis.Args{}
	for i := range 10 {
		keys = keys.Add(fmt.Sprintf("visits:page-%d", i), fmt.Sprintf("last:page-%d", i))
	}
	values, err := redis.Strings(conn.Do("MGET", keys...))
	if err != nil {
		return err
	}
	for i := range 10 {
		if who := fmt.Sprintf("guest %d", i); values[2*i+1] != who {
			return fmt.Errorf("last:page-%d is %q, want %q", i, values[2*i+1], who)
		}
		fmt.Printf("page-%d: %s visits, the last by %s\n", i, values[2*i], values[2*i+1])
	}
	n, err := redis.Int(conn.Do("DEL", keys...))
	if err != nil || n != 20 {
		return fmt.Errorf("DEL returned %d, %v; want 20", n, err)
	}
	return nil
}
