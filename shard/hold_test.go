package shard

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/internal/baton"
	"github.com/shardring/shardring/shard/shardtest"
)

func TestRefuses(t *testing.T) {
	for _, tc := range []struct {
		reply          string
		plain, scripts bool
	}{
		{"READONLY You can't write against a read only replica.", true, true},
		{"READONLY You can't write against a read only replica. script: 5fbb, on @user_script:1.", true, true},
		{"LOADING Redis is loading the dataset in memory", true, true},
		{"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", true, true},
		{"NOREPLICAS Not enough good replicas to write.", true, true},
		{"READONLY says a script", true, false},
		{"CLUSTERDOWN The cluster is down", true, false},
		{"TRYAGAIN Multiple keys request during rehashing of slot", true, false},
		{"READONLYISH no", false, false},
		{"ERR READONLY", false, false},
		{"", false, false},
	} {
		if got := refuses(redis.Error(tc.reply), false); got != tc.plain {
			t.Errorf("%q: %v", tc.reply, got)
		}
		if got := refuses(redis.Error(tc.reply), true); got != tc.scripts {
			t.Errorf("%q of a script: %v", tc.reply, got)
		}
	}
}

// TestRegroup: a batch of one shard, a letter for each command.
//
//	w, r  a write, a read: answered       W, R  refused
//	u     a write that was not sent whole, and may be sent again
//	m     a write that may or may not have been executed
//	l     a read whose connection was lost
//	F     a write that waits for a failover, and f a read behind it
func TestRegroup(t *testing.T) {
	c, _ := unreachable(t, 0, nil)
	defer c.Close()
	v, err := c.current()
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		before string
		again  string // with the letters of what is sent again
		failed string // with ! for what has an error
	}{
		{"rwr", "...", "..."},
		{"W", "W", "."},
		{"rWr", ".Wr", "..."},
		{"rWrW", ".WrW", "...."},
		{"WRwr", "....", "!!.."},
		{"WrwWr", "...Wr", "!...."}, // what was read before it keeps its answer
		{"Wm", "..", "!!"},
		{"Wu", "Wu", ".."},
		{"um", "u.", ".!"},
		{"lrl", "l.l", "..."},
		{"FfF", "FfF", "..."},
		{"rFf", ".Ff", "..."},
	} {
		b := batch{c: c, v: v}
		for _, letter := range tc.before {
			p := part{Command: baton.Command{Reply: "answer"}, link: v.links[0], readOnly: strings.ContainsRune("rRlf", letter)}
			switch letter {
			case 'W', 'R':
				p.Reply, p.Err, p.state = nil, redis.Error("LOADING Redis is loading the dataset in memory"), refusal
			case 'u':
				p.Err, p.state = &ShardError{SafeToRetry: true}, lost
			case 'l':
				p.Err, p.state = &ShardError{SafeToRetry: true, sent: true}, lost
			case 'm':
				p.Err = &ShardError{sent: true}
			case 'F', 'f':
				p.Err, p.state = v.links[0].frozen(), frozen
			}
			b.parts = append(b.parts, p)
		}
		again, failed := []byte(strings.Repeat(".", len(tc.before))), []byte(strings.Repeat(".", len(tc.before)))
		for _, i := range b.regroup(bg) {
			again[i] = tc.before[i]
		}
		for i := range b.parts {
			if p := &b.parts[i]; p.state == settled && p.Err != nil {
				failed[i] = '!'
			}
		}
		if string(again) != tc.again || string(failed) != tc.failed {
			t.Errorf("%s: again %s, failed %s; want %s and %s", tc.before, again, failed, tc.again, tc.failed)
		}
	}
}

// refusing starts a server that refuses writes until release.
func refusing(t *testing.T, change func(*Config)) (c *Client, s *shardtest.Server, release func()) {
	t.Helper()
	s = shardtest.Redis(t, shardtest.Args("--min-replicas-to-write", "1"))
	return over(t, []*shardtest.Server{s}, change), s, func() {
		if _, err := s.Do("CONFIG", "SET", "min-replicas-to-write", "0"); err != nil {
			t.Error(err)
		}
	}
}

// TestHeldPipeline: what is read behind a write is read behind it also when the write was
// refused at first.
func TestHeldPipeline(t *testing.T) {
	c, s, release := refusing(t, nil)
	for name, do := range map[string]func() (before, after int, err error){
		"pipeline": func() (int, int, error) {
			r, err := c.Pipeline().Add("GET", "k").Add("INCR", "k").Add("GET", "k").Exec(bg)
			before, _ := redis.Int(r[0].Value, nil)
			after, _ := redis.Int(r[2].Value, nil)
			return before, after, err
		},
		"conn": func() (int, int, error) {
			conn := c.Get()
			defer conn.Close()
			conn.Send("GET", "k")
			conn.Send("INCR", "k")
			conn.Send("GET", "k")
			conn.Flush()
			before, _ := redis.Int(conn.Receive())
			_, err := conn.Receive()
			after, rerr := redis.Int(conn.Receive())
			return before, after, errors.Join(err, rerr)
		},
	} {
		must(t)(s.Do("CONFIG", "SET", "min-replicas-to-write", 1))
		time.AfterFunc(60*time.Millisecond, release)
		begun := time.Now()
		before, after, err := do()
		if err != nil || after != before+1 {
			t.Errorf("%s: read %d before and %d after, %v", name, before, after, err)
		}
		if took := time.Since(begun); took < 50*time.Millisecond {
			t.Errorf("%s: took %v", name, took)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestRefusedBeforeAnother: a conn that has sent more since does not have its commands
// swapped.
func TestRefusedBeforeAnother(t *testing.T) {
	c, s, release := refusing(t, nil)
	conn := c.Get()
	defer conn.Close()
	conn.Send("SET", "k", "first")
	conn.Flush()
	await(t, "the first refused", func() bool {
		info, _ := redis.String(s.Do("INFO", "errorstats"))
		return strings.Contains(info, "errorstat_NOREPLICAS:count=1")
	})
	release()
	conn.Send("SET", "k", "second")
	conn.Flush()
	_, err := conn.Receive()
	var e redis.Error
	if !isShardError(err, "shard-0", true) || !errors.As(err, &e) || !strings.HasPrefix(string(e), "NOREPLICAS") {
		t.Errorf("first: %v", err)
	}
	must(t)(conn.Receive())
	if v, err := redis.String(conn.Do("GET", "k")); v != "second" {
		t.Errorf("%q, %v", v, err)
	}
}

// TestLoading: a server that loads its data makes calls slower, also those that must dial.
func TestLoading(t *testing.T) {
	s := shardtest.Redis(t, shardtest.Args("--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024"))
	c := over(t, []*shardtest.Server{s}, func(c *Config) { c.Timeout = 10 * time.Second })
	for i := range 600 {
		must(t)(c.Do(bg, "SET", fmt.Sprint("key:", i), strings.Repeat("v", 50)))
	}
	must(t)(s.Do("SAVE"))
	restarted := make(chan struct{})
	go func() {
		s.Restart()
		close(restarted)
	}()
	await(t, "loading", func() bool {
		_, err := s.Do("GET", "k")
		return err != nil && strings.HasPrefix(err.Error(), "LOADING")
	})
	ctx, cancel := context.WithTimeout(bg, 50*time.Millisecond)
	defer cancel()
	if _, err := c.Do(ctx, "GET", "key:1"); !isShardError(err, "shard-0", true) {
		t.Errorf("with little time: %v", err)
	}
	begun := time.Now()
	if n, err := redis.Int(c.Do(bg, "DBSIZE")); n != 600 || err != nil {
		t.Errorf("%d keys, %v", n, err)
	}
	t.Logf("waited %v", time.Since(begun))
	<-restarted
}

// TestNewsInTime: a shard whose node cannot be reached, and that has another, is waited
// for a moment, and then no more.
func TestNewsInTime(t *testing.T) {
	a := shardtest.Redis(t)
	b := shardtest.Replica(t, a)
	c := over(t, []*shardtest.Server{a}, func(c *Config) { c.Shards[0].Replicas = []Replica{{Addr: b.Addr}} })
	must(t)(c.Do(bg, "SET", "k", "v"))
	readable(t, c, 1)
	must(t)(c.Wait(bg, 1, time.Second))
	a.Kill()
	begun := time.Now()
	if _, err := c.Do(bg, "GET", "k"); !isShardError(err, "shard-0", true) {
		t.Errorf("%v", err)
	}
	if took := time.Since(begun); took < newsWithin/2 || took > 2*newsWithin {
		t.Errorf("the first call failed after %v, want about %v", took, newsWithin)
	}
	begun = time.Now()
	if _, err := c.Do(bg, "GET", "k"); !isShardError(err, "shard-0", true) || time.Since(begun) > newsWithin/2 {
		t.Errorf("another: %v after %v", err, time.Since(begun))
	}
	b.Do("REPLICAOF", "NO", "ONE")
	await(t, "the new primary", func() bool { _, err := c.Do(bg, "SET", "k", "w"); return err == nil })
}

// TestTxMoved: keys that were watched at a node that lost its place are no longer watched.
func TestTxMoved(t *testing.T) {
	a := shardtest.Redis(t)
	b := shardtest.Replica(t, a)
	c := over(t, []*shardtest.Server{a}, func(c *Config) { c.Shards[0].Replicas = []Replica{{Addr: b.Addr}} })
	must(t)(c.Do(bg, "SET", "k", 1))
	readable(t, c, 1)
	tries := 0
	add := func(tx *Tx) error {
		if tries++; tries == 1 {
			failoverTo(t, a, b)
			await(t, "the new primary", func() bool { return c.topo.Snapshot().Shards[0].Primary.Addr == b.Addr })
		}
		tx.Add("INCR", "k")
		return nil
	}
	if _, err := c.Tx(bg, []string{"k"}, add); !errors.Is(err, ErrTxRefused) || !isShardError(err, "shard-0", true) {
		t.Errorf("the first: %v", err)
	}
	if _, err := c.Tx(bg, []string{"k"}, add); err != nil {
		t.Errorf("the second: %v", err)
	}
	if n, err := redis.Int(c.Do(bg, "GET", "k")); n != 2 {
		t.Errorf("counted to %d, %v", n, err)
	}
}

// TestHeldWhileTheFileChanges: a call that is held belongs to a shard's name, wherever
// another file has it; it ends when that has gone.
func TestHeldWhileTheFileChanges(t *testing.T) {
	refuser, other := shardtest.Redis(t, shardtest.Args("--min-replicas-to-write", "1")), shardtest.Redis(t)
	cfg := Config{Timeout: 3 * time.Second, Shards: []Shard{{Name: "a", Primary: refuser.Addr}, {Name: "b", Primary: other.Addr}}}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	update := func(shards ...Shard) {
		t.Helper()
		next := cfg
		next.Shards = shards
		next, err := next.withDefaults()
		if err != nil {
			t.Fatal(err)
		}
		pool, err := next.pool()
		if err == nil {
			_, err = c.topo.Update(pool)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	k, elsewhere := key(c, "a", 0), key(c, "b", 0)
	calls := map[string]func() error{
		"Do":       func() error { _, err := c.Do(bg, "INCR", k); return err },
		"pipeline": func() error { _, err := c.Pipeline().Add("INCR", elsewhere).Add("INCR", k).Exec(bg); return err },
		"tx": func() error {
			_, err := c.Tx(bg, nil, func(tx *Tx) error { tx.Add("INCR", k); return nil })
			return err
		},
		"blocking": func() error { _, err := c.Do(bg, "BLMOVE", "{"+k+"}1", "{"+k+"}1", "LEFT", "LEFT", "0.01"); return err },
	}
	during := func(change func(), then func(name string, err error)) {
		t.Helper()
		type end struct {
			name string
			err  error
		}
		ends := make(chan end, len(calls))
		must(t)(refuser.Do("CONFIG", "SET", "min-replicas-to-write", "1"))
		for name, f := range calls {
			go func() { ends <- end{name, f()} }()
		}
		time.Sleep(60 * time.Millisecond)
		change()
		for range calls {
			e := <-ends
			then(e.name, e.err)
		}
	}
	during(func() {
		update(cfg.Shards[1], cfg.Shards[0])
		time.Sleep(40 * time.Millisecond)
		refuser.Do("CONFIG", "SET", "min-replicas-to-write", "0")
	}, func(name string, err error) {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	})
	if n, err := redis.Int(refuser.Do("GET", k)); n != 3 {
		t.Errorf("counted to %d, %v, want 3", n, err)
	}
	begun := time.Now()
	during(func() { update(cfg.Shards[1]) }, func(name string, err error) {
		if e := redis.Error(""); name == "tx" && !errors.Is(err, ErrTxRefused) || !errors.As(err, &e) || !isShardError(err, "a", true) {
			t.Errorf("%s, the shard has left: %v", name, err)
		}
	})
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("held for a shard that has left, for %v", took)
	}
}
