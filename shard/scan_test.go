package shard

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/gomodule/redigo/redis"
)

func TestScan(t *testing.T) {
	c, servers := start(t, 4, nil)
	for i := range 1000 {
		must(t)(c.Do(bg, "SET", fmt.Sprint("user:", i), i))
		must(t)(c.Do(bg, "SET", fmt.Sprint("other:", i), i))
	}
	for _, x := range []struct {
		match string
		count int
		want  int
	}{{"", 0, 2000}, {"user:*", 100, 1000}, {"user:99?", 5000, 10}, {"none", 10, 0}} {
		seen := map[string]bool{}
		for k, err := range c.Scan(bg, x.match, x.count) {
			if err != nil {
				t.Fatal(err)
			}
			seen[k] = true
		}
		if len(seen) != x.want {
			t.Errorf("MATCH %q COUNT %d: %d keys, want %d", x.match, x.count, len(seen), x.want)
		}
	}
	for range c.Scan(bg, "", 0) {
		break
	}
	ctx, cancel := context.WithCancel(bg)
	defer cancel()
	var got error
	for _, err := range c.Scan(ctx, "", 10) {
		got = err
		cancel()
	}
	if !errors.Is(got, context.Canceled) {
		t.Errorf("cancelled: %v", got)
	}
	servers[2].Kill()
	n := 0
	for _, err := range c.Scan(bg, "", 100) {
		if got = err; err == nil {
			n++
		}
	}
	if !isShardError(got, "shard-2", true) || n == 0 || n >= 2000 {
		t.Errorf("a dead shard: %v after %d keys", got, n)
	}
}

func TestRandomKey(t *testing.T) {
	c, servers := start(t, 3, nil)
	if k, err := c.Do(bg, "RANDOMKEY"); k != nil || err != nil {
		t.Errorf("of an empty pool: %v, %v", k, err)
	}
	// One key there, nine here, and a shard with none.
	must(t)(c.Do(bg, "SET", key(c, "shard-0", 0), 1))
	for i := range 9 {
		must(t)(c.Do(bg, "SET", key(c, "shard-1", i), 1))
	}
	counts := map[string]int{}
	conn := c.Get()
	for range 1000 {
		k, err := redis.String(conn.Do("RANDOMKEY"))
		if err != nil {
			t.Fatal(err)
		}
		counts[c.ShardFor(k)]++
	}
	if n := counts["shard-0"]; n < 50 || n > 170 || counts["shard-2"] > 0 {
		t.Errorf("one of ten keys was drawn %d times of 1000: %v", n, counts)
	}
	servers[2].Kill()
	if _, err := c.Do(bg, "RANDOMKEY"); !isShardError(err, "shard-2", true) {
		t.Errorf("a dead shard: %v", err)
	}
}
