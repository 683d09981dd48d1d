package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"
)

// preload empties the redis-servers and writes the whole keyspace of a load,
// under the names redis-benchmark uses, to each of them: whatever the
// placement, every GET hits.
func (f *fleet) preload(l Load) error {
	for _, s := range f.shards {
		if err := fill(s.Addr, l); err != nil {
			return fmt.Errorf("write the keys to %s: %w", s.Addr, err)
		}
	}
	return nil
}

func dial(addr string) (redis.Conn, error) {
	const limit = 30 * time.Second
	return redis.Dial("tcp", addr, redis.DialConnectTimeout(limit), redis.DialReadTimeout(limit), redis.DialWriteTimeout(limit))
}

func fill(addr string, l Load) error {
	c, err := dial(addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Do("FLUSHALL"); err != nil {
		return err
	}
	const batch = 100
	value := strings.Repeat("x", l.Size)
	for first := 0; first < l.keyspace(); first += batch {
		last := min(first+batch, l.keyspace())
		for i := first; i < last; i++ {
			if err := c.Send("SET", keyName(i), value); err != nil {
				return err
			}
		}
		if _, err := c.Do(""); err != nil { // flushes and reads all replies
			return err
		}
	}
	return nil
}

// keyName is what redis-benchmark makes of key:__rand_int__.
func keyName(i int) string { return fmt.Sprintf("key:%012d", i) }

// verify reads some keys through a target: a wrong answer makes its figures
// worthless.
func verify(addr string, l Load) error {
	c, err := dial(addr)
	if err != nil {
		return err
	}
	defer c.Close()
	keys := []any{}
	for i := range 20 {
		keys = append(keys, keyName(i*l.keyspace()/20))
	}
	values, err := redis.Strings(c.Do("MGET", keys...))
	if err != nil {
		return fmt.Errorf("MGET: %w", err)
	}
	one, err := redis.String(c.Do("GET", keys[0]))
	if err != nil {
		return fmt.Errorf("GET: %w", err)
	}
	for _, v := range append(values, one) {
		if len(v) != l.Size {
			return errors.New("a key that was written is not found, or has another value")
		}
	}
	return nil
}

func getRequest(key string) []byte {
	return fmt.Appendf(nil, "*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n", len(key), key)
}

// getReply is what any key of the keyspace is answered.
func getReply(size int) []byte {
	return fmt.Appendf(nil, "$%d\r\n%s\r\n", size, strings.Repeat("x", size))
}
