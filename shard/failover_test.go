package shard

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/shardtest"
)

func failoverTo(t *testing.T, from, to *shardtest.Server) {
	t.Helper()
	host, port, _ := strings.Cut(to.Addr, ":")
	if _, err := from.Do("FAILOVER", "TO", host, port); err != nil {
		t.Fatal(err)
	}
	await(t, "a failover", func() bool {
		role, err := redis.Values(to.Do("ROLE"))
		was, werr := redis.Values(from.Do("ROLE"))
		return err == nil && werr == nil && string(role[0].([]byte)) == "master" && string(was[0].([]byte)) == "slave" && string(was[3].([]byte)) == "connected"
	})
}

// TestPlannedFailover: nobody sees an error, and everything is counted once.
func TestPlannedFailover(t *testing.T) {
	a := shardtest.Redis(t)
	b := shardtest.Replica(t, a)
	c := over(t, []*shardtest.Server{a}, func(c *Config) { c.Shards[0].Replicas = []Replica{{Addr: b.Addr}} })
	l := newLoad(t, c)
	l.everything()
	time.Sleep(300 * time.Millisecond)
	for range 3 {
		failoverTo(t, a, b)
		time.Sleep(300 * time.Millisecond)
		failoverTo(t, b, a)
		time.Sleep(300 * time.Millisecond)
	}
	l.end()
	l.noErrors()
}

// guarded starts a primary, its replica and three Sentinels, and a client of them.
func guarded(t *testing.T, timeout time.Duration) (a, b *shardtest.Server, sentinels []string, c *Client) {
	t.Helper()
	a = shardtest.Redis(t)
	b = shardtest.Replica(t, a)
	sentinels = watched(t, a, 1)
	c = over(t, []*shardtest.Server{a}, func(c *Config) {
		c.Sentinels, c.HealthInterval, c.Timeout = sentinels, 200*time.Millisecond, timeout
		c.Shards[0].Replicas = []Replica{{Addr: b.Addr}}
	})
	return a, b, sentinels, c
}

// watched starts three Sentinels for a primary.
func watched(t *testing.T, primary *shardtest.Server, replicas int) []string {
	t.Helper()
	host, port, _ := strings.Cut(primary.Addr, ":")
	lines := fmt.Sprintf("sentinel monitor shard-0 %s %s 2\nsentinel down-after-milliseconds shard-0 300\nsentinel failover-timeout shard-0 2000", host, port)
	var all []*shardtest.Server
	var addrs []string
	for range 3 {
		s := shardtest.Sentinel(t, lines)
		all, addrs = append(all, s), append(addrs, s.Addr)
	}
	await(t, "Sentinels that know each other", func() bool {
		for _, s := range all {
			m, err := redis.StringMap(s.Do("SENTINEL", "MASTER", "shard-0"))
			if err != nil || m["num-other-sentinels"] != "2" || m["num-slaves"] != fmt.Sprint(replicas) {
				return false
			}
		}
		return true
	})
	return addrs
}

// TestSentinelFailover: writes wait while the Sentinels are between their steps.
func TestSentinelFailover(t *testing.T) {
	_, b, sentinels, c := guarded(t, 0)
	l := newLoad(t, c)
	l.everything()
	time.Sleep(700 * time.Millisecond)
	conn, err := redis.Dial("tcp", sentinels[0])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	await(t, "SENTINEL FAILOVER", func() bool { _, err := conn.Do("SENTINEL", "FAILOVER", "shard-0"); return err == nil })
	await(t, "the new primary", func() bool { return c.topo.Snapshot().Shards[0].Primary.Addr == b.Addr })
	time.Sleep(3 * time.Second) // the old one is told later that it is a replica
	l.end()
	l.noErrors()
}

// TestPrimaryKilled: who had sent a write is told that it may have been executed, who had
// not is told which shard is down, and it goes on with the new primary.
func TestPrimaryKilled(t *testing.T) {
	a, b, _, c := guarded(t, 0)
	l := newLoad(t, c)
	l.everything()
	time.Sleep(700 * time.Millisecond)
	must(t)(c.Wait(bg, 1, time.Second))
	a.Kill()
	await(t, "the new primary", func() bool { return c.topo.Snapshot().Shards[0].Primary.Addr == b.Addr })
	begun := time.Now()
	await(t, "a write", func() bool { _, err := c.Do(bg, "SET", "k", 1); return err == nil })
	if took := time.Since(begun); took > time.Second {
		t.Errorf("the first write took %v", took)
	}
	time.Sleep(300 * time.Millisecond)
	close(l.stop)
	l.wg.Wait()
	for text := range l.errs {
		if !strings.Contains(text, "shard 'shard-0' at ") {
			t.Errorf("an error that does not name the shard: %s", text)
		}
	}
	t.Logf("%d calls, the longest took %v, errors: %v", l.calls.Load(), l.longest, l.errs)
}

// TestPrimaryPaused: reads that wait for it are answered by the one that takes its place,
// writes end soon, as what may or may not have been executed.
func TestPrimaryPaused(t *testing.T) {
	a, _, _, c := guarded(t, time.Minute)
	must(t)(c.Do(bg, "SET", "k", "v"))
	must(t)(c.Wait(bg, 1, time.Second))
	time.Sleep(500 * time.Millisecond)
	a.Pause()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if v, err := redis.String(c.Do(bg, "GET", "k")); v != "v" {
				t.Errorf("a read: %q, %v", v, err)
			}
		})
	}
	wg.Go(func() {
		_, err := c.Do(bg, "SET", "k", "w")
		if !isShardError(err, "shard-0", false) || !errors.Is(err, errLeft) {
			t.Errorf("a write: %v", err)
		}
	})
	wg.Wait()
	if v, _ := redis.String(c.Do(bg, "GET", "k")); v != "v" {
		t.Errorf("the write that got no answer is there: %q", v)
	}
	a.Resume()
}

// TestBlockedMoves: who waits for an element gets it at the new primary, and no longer
// than asked for.
func TestBlockedMoves(t *testing.T) {
	a := shardtest.Redis(t)
	b := shardtest.Replica(t, a)
	c := over(t, []*shardtest.Server{a}, func(c *Config) { c.Shards[0].Replicas = []Replica{{Addr: b.Addr}} })
	must(t)(c.Do(bg, "SET", "k", "v"))
	var wg sync.WaitGroup
	begun := time.Now()
	for _, cmd := range [][]any{{"BLPOP", "list", 0}, {"BLMPOP", 20, 1, "list", "LEFT"}, {"XREAD", "BLOCK", 20000, "STREAMS", "stream", "0"}} {
		wg.Go(func() {
			if v, err := redis.Values(c.Do(bg, cmd[0].(string), cmd[1:]...)); len(v) == 0 {
				t.Errorf("%v: %v, %v", cmd, v, err)
			}
		})
	}
	for _, cmd := range [][]any{{"BLPOP", "none", 1.5}, {"XREAD", "BLOCK", 1500, "STREAMS", "none", "0"}} {
		wg.Go(func() {
			v, err := c.Do(bg, cmd[0].(string), cmd[1:]...)
			if took := time.Since(begun); v != nil || err != nil || took < 1400*time.Millisecond || took > 3*time.Second {
				t.Errorf("%v: %v, %v after %v", cmd, v, err, took)
			}
		})
	}
	wg.Go(func() {
		if _, err := c.Do(bg, "XREAD", "BLOCK", 0, "STREAMS", "stream", "$"); !isShardError(err, "shard-0", true) {
			t.Errorf("from now on: %v", err)
		}
	})
	await(t, "six that wait", func() bool {
		info, _ := redis.String(a.Do("INFO", "clients"))
		return strings.Contains(info, "blocked_clients:6")
	})
	failoverTo(t, a, b)
	await(t, "the new primary", func() bool { return c.topo.Snapshot().Shards[0].Primary.Addr == b.Addr })
	b.Do("RPUSH", "list", 1, 2)
	b.Do("XADD", "stream", "*", "f", "v")
	wg.Wait()
}
