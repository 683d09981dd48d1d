package shard

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/shardtest"
)

// TestFrozen: while a failover is under way writes wait, and reads go on.
func TestFrozen(t *testing.T) {
	c, _ := start(t, 2, func(c *Config) { c.Timeout = 300 * time.Millisecond })
	k, other := key(c, "shard-0", 0), key(c, "shard-1", 0)
	nodes := c.topo.Snapshot().Shards[0].Nodes
	freeze := func(on bool) {
		nodes.Frozen = on
		c.topo.Found("shard-0", nodes)
		c.news.tell()
	}
	freeze(true)
	must(t)(c.Do(bg, "GET", k))
	must(t)(c.Do(bg, "SET", other, 1))
	writes := map[string]func(k string) error{
		"Do":       func(k string) error { _, err := c.Do(bg, "INCR", k); return err },
		"pipeline": func(k string) error { _, err := c.Pipeline().Add("INCR", k).Exec(bg); return err },
		"conn": func(k string) error {
			conn := c.Get()
			defer conn.Close()
			conn.Send("INCR", k)
			conn.Flush()
			_, err := conn.Receive()
			return err
		},
		"tx": func(k string) error {
			_, err := c.Tx(bg, nil, func(tx *Tx) error { tx.Add("INCR", k); return nil })
			return err
		},
		"blocking": func(k string) error { _, err := c.Do(bg, "BLMOVE", k+"-", k+"-", "LEFT", "LEFT", "0.01"); return err },
	}
	for name, f := range writes {
		begun := time.Now()
		if err := f(k); !isShardError(err, "shard-0", true) || !errors.Is(err, ErrTimeout) || time.Since(begun) < 200*time.Millisecond {
			t.Errorf("%s: %v after %v", name, err, time.Since(begun))
		}
	}
	if v, err := c.Do(bg, "GET", k); v != nil || err != nil {
		t.Errorf("written while frozen: %s, %v", v, err)
	}
	for name, f := range writes {
		freeze(true)
		time.AfterFunc(50*time.Millisecond, func() { freeze(false) })
		begun := time.Now()
		if err := f(k); err != nil || time.Since(begun) < 40*time.Millisecond {
			t.Errorf("%s, thawed in time: %v after %v", name, err, time.Since(begun))
		}
		time.Sleep(60 * time.Millisecond)
	}
	// In a pipeline what stands behind a write waits with it, and nothing else.
	freeze(true)
	time.AfterFunc(50*time.Millisecond, func() { freeze(false) })
	replies, err := c.Pipeline().Add("GET", k).Add("INCR", k).Add("GET", k).Add("GET", other).Exec(bg)
	if err != nil {
		t.Fatal(err)
	}
	before, _ := redis.Int(replies[0].Value, nil)
	after, _ := redis.Int(replies[2].Value, nil)
	if before != 4 || after != 5 {
		t.Errorf("read %d before and %d after, want 4 and 5", before, after)
	}
}

// TestRefusedUntilTheEnd: a node that goes on refusing is what the call hears of, when its
// time is over.
func TestRefusedUntilTheEnd(t *testing.T) {
	a := shardtest.Redis(t, shardtest.Args("--min-replicas-to-write", "1"))
	c := over(t, []*shardtest.Server{a}, func(c *Config) { c.Timeout = 200 * time.Millisecond })
	for name, f := range map[string]func() error{
		"Do": func() error { _, err := c.Do(bg, "SET", "k", 1); return err },
		"context": func() error {
			ctx, cancel := context.WithTimeout(bg, 120*time.Millisecond)
			defer cancel()
			_, err := c.Do(ctx, "SET", "k", 1)
			return err
		},
		"script":   func() error { _, err := c.Do(bg, "EVAL", "return redis.call('SET', KEYS[1], 1)", 1, "k"); return err },
		"pipeline": func() error { r, _ := c.Pipeline().Add("GET", "k").Add("SET", "k", 1).Exec(bg); return r[1].Err },
		"conn": func() error {
			conn := c.Get()
			defer conn.Close()
			conn.Send("SET", "k", 1)
			conn.Flush()
			_, err := conn.Receive()
			return err
		},
		"tx": func() error {
			_, err := c.Tx(bg, nil, func(tx *Tx) error { tx.Add("SET", "k", 1); return nil })
			if !errors.Is(err, ErrTxRefused) {
				t.Errorf("tx: %v", err)
			}
			return err
		},
		"tx that watches": func() error {
			_, err := c.Tx(bg, []string{"k"}, func(tx *Tx) error { tx.Add("SET", "k", 1); return nil })
			return err
		},
		"blocking": func() error { _, err := c.Do(bg, "BLPOP", "k", 1); return err },
	} {
		begun := time.Now()
		err := f()
		took := time.Since(begun)
		var se *ShardError
		var e redis.Error
		if !errors.As(err, &se) || !se.SafeToRetry || !errors.As(err, &e) || !strings.Contains(string(e), "NOREPLICAS") {
			t.Errorf("%s: %v", name, err)
		}
		if name != "tx that watches" && took < 80*time.Millisecond || took > time.Second {
			t.Errorf("%s: took %v", name, took)
		}
	}
	if n, _ := redis.Int(a.Do("EXISTS", "k")); n != 0 {
		t.Error("it was executed")
	}
	time.AfterFunc(50*time.Millisecond, func() { a.Do("CONFIG", "SET", "min-replicas-to-write", "0") })
	must(t)(c.Do(bg, "SET", "k", 1))
}
