// Command gomemcache is what an application does with memcached, by gomemcache,
// through shardproxy: gomemcache HOST:PORT.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/bradfitz/gomemcache/memcache"
)

func main() {
	if err := use(memcache.New(os.Args[1])); err != nil {
		log.Fatal(err)
	}
	fmt.Println("all of it works")
}

func use(c *memcache.Client) error {
	if err := c.Ping(); err != nil {
		return err
	}
	var keys []string
	for i := range 100 {
		k := fmt.Sprintf("user:%d", i)
		keys = append(keys, k)
		if err := c.Set(&memcache.Item{Key: k, Value: []byte("name of " + k), Flags: uint32(i)}); err != nil {
			return err
		}
	}
	all, err := c.GetMulti(append(keys, "nobody"))
	if err != nil {
		return err
	}
	for i, k := range keys {
		if it := all[k]; it == nil || string(it.Value) != "name of "+k || it.Flags != uint32(i) {
			return fmt.Errorf("%s is %v", k, it)
		}
	}
	if len(all) != len(keys) {
		return fmt.Errorf("%d of %d keys", len(all), len(keys))
	}

	large := bytes.Repeat([]byte("v"), 1_000_000)
	it := &memcache.Item{Key: "large", Value: large}
	if err := c.Set(it); err != nil {
		return err
	}
	if it, err = c.Get("large"); err != nil || !bytes.Equal(it.Value, large) {
		return fmt.Errorf("a large value: %v", err)
	}
	it.Value = []byte("small")
	if err := c.CompareAndSwap(it); err != nil {
		return err
	}
	if err := c.CompareAndSwap(it); !errors.Is(err, memcache.ErrCASConflict) {
		return fmt.Errorf("a second cas: %v", err)
	}
	if err := c.Add(&memcache.Item{Key: "large", Value: large}); !errors.Is(err, memcache.ErrNotStored) {
		return fmt.Errorf("add: %v", err)
	}
	if err := c.Append(&memcache.Item{Key: "large", Value: []byte("er")}); err != nil {
		return err
	}
	if it, err = c.GetAndTouch("large", 1000); err != nil || string(it.Value) != "smaller" {
		return fmt.Errorf("get and touch: %v, %v", it, err)
	}

	if err := c.Set(&memcache.Item{Key: "n", Value: []byte("41")}); err != nil {
		return err
	}
	if n, err := c.Increment("n", 1); err != nil || n != 42 {
		return fmt.Errorf("increment: %d, %v", n, err)
	}
	if err := c.Touch("n", -1); err != nil {
		return err
	}
	if _, err := c.Decrement("n", 1); !errors.Is(err, memcache.ErrCacheMiss) {
		return fmt.Errorf("decrement of what has expired: %v", err)
	}
	if err := c.Delete("user:1"); err != nil {
		return err
	}
	if _, err := c.Get("user:1"); !errors.Is(err, memcache.ErrCacheMiss) {
		return fmt.Errorf("what was deleted: %v", err)
	}
	if _, err := c.Get(strings.Repeat("k", 251)); !errors.Is(err, memcache.ErrMalformedKey) {
		return fmt.Errorf("a long key: %v", err)
	}
	return c.FlushAll()
}
