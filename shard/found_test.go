package shard

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/shardtest"
)

// await calls f until it reports true.
func await(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in 15s: %s", what)
		}
	}
}

// TestCacheLetsBackIn: a shard that was ejected stays out while its server does not
// answer a probe, however long that is, and is back when it does.
func TestCacheLetsBackIn(t *testing.T) {
	c, servers := start(t, 2, func(c *Config) {
		c.AutoEject, c.FailureLimit, c.RetryTimeout, c.HealthInterval = true, 1, 300*time.Millisecond, 100*time.Millisecond
	})
	k := key(c, "shard-0", 0)
	must(t)(c.Do(bg, "SET", k, 1))
	servers[0].Kill()
	await(t, "ejected", func() bool { c.Do(bg, "GET", k); return c.ShardFor(k) == "shard-1" })
	for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if c.ShardFor(k) != "shard-1" {
			t.Fatal("let back in while its server is down")
		}
	}
	servers[0].Restart()
	await(t, "back", func() bool { return c.ShardFor(k) == "shard-0" })
}

// TestFollowsPrimary: no Sentinels, no replicas listed. A write that the old primary
// refuses is enough for the client to find the new one.
func TestFollowsPrimary(t *testing.T) {
	a := shardtest.Redis(t)
	b := shardtest.Replica(t, a)
	c := over(t, []*shardtest.Server{a}, nil)
	must(t)(c.Do(bg, "SET", "k", 1))
	host, port, _ := strings.Cut(b.Addr, ":")
	b.Do("REPLICAOF", "NO", "ONE")
	a.Do("REPLICAOF", host, port)
	must(t)(c.Do(bg, "SET", "k", 2))
	if got, err := redis.String(b.Do("GET", "k")); got != "2" {
		t.Errorf("the new primary has %q, %v", got, err)
	}
}

// TestAwaitsPrimary: only Sentinels are listed. Calls wait until they have said who the
// primary is, and no longer than their time.
func TestAwaitsPrimary(t *testing.T) {
	a := shardtest.Redis(t)
	sentinel := shardtest.Sentinel(t, "")
	cfg := Config{
		Shards: []Shard{{Name: "users", Master: "m"}}, Sentinels: []string{sentinel.Addr},
		Timeout: 300 * time.Millisecond, HealthInterval: 50 * time.Millisecond,
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	begun := time.Now()
	if _, err := c.Do(bg, "SET", "k", 1); !errors.Is(err, ErrTimeout) || time.Since(begun) < cfg.Timeout {
		t.Fatalf("with nobody known: %v after %v", err, time.Since(begun))
	}
	host, port, _ := strings.Cut(a.Addr, ":")
	if _, err := sentinel.Do("SENTINEL", "MONITOR", "m", host, port, 1); err != nil {
		t.Fatal(err)
	}
	time.Sleep(cfg.Timeout)
	for i, f := range map[string]func() (any, error){
		"Do":       func() (any, error) { return c.Do(bg, "SET", "k", 1) },
		"blocking": func() (any, error) { return c.Do(bg, "BLPOP", "none", "0.01") },
		"pipeline": func() (any, error) { r, err := c.Pipeline().Add("GET", "k").Exec(bg); return r, err },
	} {
		if _, err := f(); err != nil && err != redis.ErrNil {
			t.Errorf("%s: %v", i, err)
		}
	}
}

// TestSubscriptionFollows: who hears a shard hears it at its new primary when the old
// one is gone.
func TestSubscriptionFollows(t *testing.T) {
	a := shardtest.Redis(t)
	b := shardtest.Replica(t, a)
	c := over(t, []*shardtest.Server{a}, func(c *Config) {
		c.HealthInterval = 100 * time.Millisecond
		c.Shards[0].Replicas = []Replica{{Addr: b.Addr}}
	})
	sub, err := c.Subscribe(bg, "news")
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	a.Kill()
	b.Do("REPLICAOF", "NO", "ONE")
	await(t, "a subscriber at the new primary", func() bool { n, _ := redis.Int(b.Do("PUBLISH", "news", "x")); return n == 1 })
}
