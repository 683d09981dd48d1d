package shard

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/shardtest"
)

// load counts in many ways at once, each in keys of its own, and knows how often it was
// told that it did.
type load struct {
	t     *testing.T
	c     *Client
	stop  chan struct{}
	wg    sync.WaitGroup
	calls atomic.Int64

	mu      sync.Mutex // protects the following fields
	acked   map[string]int64
	maybe   map[string]int64 // may or may not have been executed
	errs    map[string]int
	wrong   []string
	longest time.Duration
}

func newLoad(t *testing.T, c *Client) *load {
	return &load{
		t: t, c: c, stop: make(chan struct{}),
		acked: map[string]int64{}, maybe: map[string]int64{}, errs: map[string]int{},
	}
}

// run calls f with numbers until end.
func (l *load) run(f func(key string, i int) error, key string) {
	l.wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-l.stop:
				return
			default:
			}
			begun := time.Now()
			err := f(key, i)
			l.calls.Add(1)
			l.mu.Lock()
			if key != "block" {
				l.longest = max(l.longest, time.Since(begun))
			}
			if err != nil {
				l.errs[fmt.Sprintf("%.4s: %v", key, err)]++
			}
			l.mu.Unlock()
			if err != nil {
				time.Sleep(5 * time.Millisecond)
			}
		}
	})
}

// told notes what a command that counts came to.
func (l *load) told(key string, err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var se *ShardError
	switch {
	case err == nil:
		l.acked[key]++
	case errors.As(err, &se) && !se.SafeToRetry:
		l.maybe[key]++
	}
	return err
}

func (l *load) everything() {
	for i := range 8 {
		l.run(func(key string, _ int) error {
			n, err := redis.Int64(l.c.Do(bg, "INCR", key))
			if err == nil && n == 0 {
				l.t.Error("counted to 0")
			}
			return l.told(key, err)
		}, fmt.Sprint("do:", i))
	}
	for i := range 4 {
		l.run(func(key string, i int) error {
			// A read behind a write sees it, or what came later.
			replies, _ := l.c.Pipeline().Add("INCR", key).Add("GET", key).Add("INCR", key).Exec(bg)
			first, err := redis.Int64(replies[0].Value, l.told(key, replies[0].Err))
			if read, rerr := redis.Int64(replies[1].Value, replies[1].Err); err == nil && rerr == nil && read < first {
				l.mu.Lock()
				l.wrong = append(l.wrong, fmt.Sprintf("%s: read %d after it was %d", key, read, first))
				l.mu.Unlock()
			}
			return errors.Join(err, replies[1].Err, l.told(key, replies[2].Err))
		}, fmt.Sprint("pipe:", i))
	}
	for i := range 2 {
		l.run(func(key string, _ int) error {
			_, err := l.c.Tx(bg, nil, func(tx *Tx) error { tx.Add("INCR", key); return nil })
			return l.told(key, err)
		}, fmt.Sprint("tx:", i))
	}
	l.run(func(key string, _ int) error {
		conn := l.c.Get()
		defer conn.Close()
		conn.Send("INCR", key)
		conn.Send("GET", key)
		conn.Flush()
		_, err := conn.Receive()
		_, rerr := conn.Receive()
		return errors.Join(l.told(key, err), rerr)
	}, "conn")
	l.run(func(key string, _ int) error {
		_, err := l.c.Do(bg, "EVAL", "return redis.call('INCR', KEYS[1])", 1, key)
		return l.told(key, err)
	}, "eval")
	l.run(func(key string, _ int) error {
		v, err := redis.Strings(l.c.Do(bg, "BLPOP", key, "0.7"))
		if err == redis.ErrNil {
			err = nil
		}
		if err == nil && len(v) > 0 {
			return fmt.Errorf("got %v", v)
		}
		return err
	}, "block")
}

// end stops the load and compares.
func (l *load) end() {
	l.t.Helper()
	close(l.stop)
	l.wg.Wait()
	for key, want := range l.acked {
		got, err := redis.Int64(l.c.Do(bg, "GET", key))
		if err != nil || got < want || got > want+l.maybe[key] {
			l.t.Errorf("%s: counted %d times and %d times maybe, but it is %d, %v", key, want, l.maybe[key], got, err)
		}
	}
	for _, w := range l.wrong {
		l.t.Error(w)
	}
	l.t.Logf("%d calls, the longest took %v, errors: %v", l.calls.Load(), l.longest, l.errs)
}

// noErrors fails the test unless every call succeeded.
func (l *load) noErrors() {
	l.t.Helper()
	for text, n := range l.errs {
		l.t.Errorf("%d times: %s", n, text)
	}
}

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
	a := shardtest.Redis(t)
	b := shardtest.Replica(t, a)
	sentinels := watched(t, a, 1)
	c := over(t, []*shardtest.Server{a}, func(c *Config) {
		c.Sentinels, c.HealthInterval = sentinels, 200*time.Millisecond
		c.Shards[0].Replicas = []Replica{{Addr: b.Addr}}
	})
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
	a := shardtest.Redis(t)
	b := shardtest.Replica(t, a)
	sentinels := watched(t, a, 1)
	c := over(t, []*shardtest.Server{a}, func(c *Config) {
		c.Sentinels, c.HealthInterval = sentinels, 200*time.Millisecond
		c.Shards[0].Replicas = []Replica{{Addr: b.Addr}}
	})
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
	a := shardtest.Redis(t)
	b := shardtest.Replica(t, a)
	sentinels := watched(t, a, 1)
	c := over(t, []*shardtest.Server{a}, func(c *Config) {
		c.Sentinels, c.HealthInterval, c.Timeout = sentinels, 200*time.Millisecond, time.Minute
		c.Shards[0].Replicas = []Replica{{Addr: b.Addr}}
	})
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
