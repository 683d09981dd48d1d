package shard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/shardtest"
)

// hedging is replicated, with hedged reads, replicas whose usual time is known, and keys
// with values of their own.
func hedging(t *testing.T, n int, change func(*Config)) (c *Client, primary *shardtest.Server, replicas []*shardtest.Server) {
	c, primary, replicas = replicated(t, n, func(c *Config) {
		c.ReadFrom, c.Balance, c.HedgeReads = config.PreferReplica, config.RoundRobin, true
		// Who is stopped is not found out during the test.
		c.Timeout, c.HealthInterval, c.DialTimeout = 20*time.Second, 5*time.Second, 20*time.Second
		if change != nil {
			change(c)
		}
	})
	p := c.Pipeline()
	for i := range hedgedKeys {
		p.Add("SET", fmt.Sprint("k", i), fmt.Sprint("v", i))
	}
	if _, err := p.Exec(bg); err != nil {
		t.Fatal(err)
	}
	must(t)(c.Wait(bg, n, 5*time.Second))
	c.writes.note("shard-0", 0, -time.Hour) // as if long ago
	await(t, "the usual time of all replicas", func() bool {
		for i := range 100 {
			if err := getHedged(c, i); err != nil {
				t.Fatal(err)
			}
		}
		for _, l := range c.view.Load().readers[0].replicas {
			if l.usual.Limit(leastHedge) == 0 {
				return false
			}
		}
		return true
	})
	return c, primary, replicas
}

const hedgedKeys = 64

// getHedged reads one of the keys.
func getHedged(c *Client, i int) error {
	i %= hedgedKeys
	v, err := redis.String(c.Do(bg, "GET", fmt.Sprint("k", i)))
	if err == nil && v != fmt.Sprint("v", i) {
		err = fmt.Errorf("GET k%d: %q", i, v)
	}
	return err
}

// TestHedgedReads: beside a replica that is stopped reads take about as long as reads do;
// each is asked of two nodes at most, and gets its own reply, also when those come that
// were dropped.
func TestHedgedReads(t *testing.T) {
	for _, balance := range []config.Balance{config.RoundRobin, config.LeastRequests} {
		t.Run(string(balance), func(t *testing.T) {
			c, primary, replicas := hedging(t, 2, func(c *Config) { c.Balance = balance })
			before := []int{gets(t, replicas[0]), gets(t, replicas[1])}
			stopped := func() *link {
				for _, l := range c.view.Load().readers[0].replicas {
					if l.node.Addr == replicas[0].Addr {
						return l
					}
				}
				return nil
			}()
			t.Logf("usual: %v", stopped.usual.Limit(0))
			if err := replicas[0].Pause(); err != nil {
				t.Fatal(err)
			}
			const readers, each = 4, 50
			var mu sync.Mutex
			var took []time.Duration
			var wg sync.WaitGroup
			for r := range readers {
				wg.Go(func() {
					for i := range each {
						begun := time.Now()
						if err := getHedged(c, r*each+i); err != nil {
							t.Error(err)
						}
						mu.Lock()
						took = append(took, time.Since(begun))
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			slices.Sort(took)
			t.Logf("of %d reads half took up to %v, 95 of 100 %v, all %v", len(took), took[len(took)/2], took[len(took)*95/100], took[len(took)-1])
			if p95, all := took[len(took)*95/100], took[len(took)-1]; p95 > 300*time.Millisecond || all > 3*time.Second {
				t.Errorf("95 of 100 reads took up to %v, all %v", p95, all)
			}
			asked := int(stopped.racing.Load())
			if asked == 0 {
				t.Error("nothing was asked of the stopped replica")
			}
			if balance == config.LeastRequests && asked > 2*readers+10 {
				t.Errorf("%d reads were asked of the stopped replica, that has the most under way", asked)
			}
			replicas[0].Resume()
			await(t, "what is dropped is answered", func() bool { return stopped.racing.Load() == 0 })
			first, second := gets(t, replicas[0])-before[0], gets(t, replicas[1])-before[1]
			if first < asked || second < readers*each || first+second > 2*readers*each {
				t.Errorf("%d reads were executed %d and %d times, of %d that were asked of both", readers*each, first, second, asked)
			}
			if n := gets(t, primary); n != 0 {
				t.Errorf("the primary answered %d", n)
			}
			for i := range 500 {
				if err := getHedged(c, i); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestHedgeFails: a failure of one of two is not the call's, of both it is, and then the
// primary is asked, where it may be.
func TestHedgeFails(t *testing.T) {
	c, _, replicas := hedging(t, 2, nil)
	links := c.view.Load().readers[0].replicas
	racing := func(n int64) func() bool {
		return func() bool { return links[0].racing.Load()+links[1].racing.Load() == n }
	}
	get := func(ctx context.Context) chan error {
		done := make(chan error, 1)
		go func() {
			v, err := redis.String(c.Do(ctx, "GET", "k1"))
			if err == nil && v != "v1" {
				err = fmt.Errorf("%q", v)
			}
			done <- err
		}()
		return done
	}
	for _, r := range replicas {
		if err := r.Pause(); err != nil {
			t.Fatal(err)
		}
	}
	one := get(bg)
	await(t, "two are asked", racing(2))
	links[1].serving().Break(net.ErrClosed)
	await(t, "one has failed", racing(1))
	for _, r := range replicas {
		r.Resume()
	}
	if err := <-one; err != nil {
		t.Errorf("one of two failed: %v", err)
	}
	await(t, "nothing under way", racing(0))

	await(t, "both have a connection", func() bool {
		getHedged(c, 1)
		return links[0].serving() != nil && links[1].serving() != nil
	})
	for _, r := range replicas {
		r.Pause()
	}
	ctx, cancel := context.WithCancel(bg)
	gone := get(ctx)
	await(t, "two are asked", racing(2))
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) || !isShardError(err, "shard-0", true) {
		t.Errorf("cancelled: %v", err)
	}
	await(t, "nobody waits for who has gone", racing(0))
	short, cancel := context.WithTimeout(bg, 300*time.Millisecond)
	defer cancel()
	if _, err := c.Do(short, "GET", "k1"); !errors.Is(err, context.DeadlineExceeded) || !isShardError(err, "shard-0", true) {
		t.Errorf("in time: %v", err)
	}
	await(t, "nobody waits for what is late", racing(0))
	both, only := get(bg), get(WithReadFrom(bg, config.OnlyReplica))
	await(t, "four are asked", racing(4))
	for _, r := range replicas {
		r.Kill()
	}
	if err := <-both; err != nil {
		t.Errorf("both failed, and the primary was to be asked: %v", err)
	}
	if err := <-only; !isShardError(err, "shard-0", true) {
		t.Errorf("both failed, and only replicas were to be asked: %v", err)
	}
}

// TestWhatIsNotHedged: writes, and the reads of a session that has written: no other node
// is asked, however long they take.
func TestWhatIsNotHedged(t *testing.T) {
	c, primary, replicas := hedging(t, 2, func(c *Config) { c.ReadYourWrites = 10 * time.Second })
	mine := c.WithSession(bg)
	must(t)(c.Do(mine, "INCR", "n"))
	before := gets(t, replicas[0]) + gets(t, replicas[1])
	if err := primary.Pause(); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if n, err := redis.Int(c.Do(mine, "INCR", "n")); n != 2 || err != nil {
			t.Errorf("INCR: %d, %v; want 2", n, err)
		}
	})
	wg.Go(func() {
		if v, err := redis.String(c.Do(mine, "GET", "k1")); v != "v1" || err != nil {
			t.Errorf("GET: %q, %v", v, err)
		}
	})
	time.Sleep(300 * time.Millisecond)
	primary.Resume()
	wg.Wait()
	if n, err := redis.Int(c.Do(mine, "GET", "n")); n != 2 || err != nil {
		t.Errorf("%d, %v; want 2", n, err)
	}
	if after := gets(t, replicas[0]) + gets(t, replicas[1]); after != before {
		t.Errorf("replicas answered %d reads of a session that had written", after-before)
	}
}

// TestCloseWhileAReadIsBeaten: what nobody waits for keeps no client open.
func TestCloseWhileAReadIsBeaten(t *testing.T) {
	c, _, replicas := hedging(t, 2, nil)
	if err := replicas[0].Pause(); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if err := getHedged(c, i); err != nil {
			t.Fatal(err)
		}
	}
	begun := time.Now()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("closed after %v", took)
	}
}

// TestAllocationsOfAHedgedGet: one that is not asked twice takes no memory for it.
func TestAllocationsOfAHedgedGet(t *testing.T) {
	c, _, _ := hedging(t, 2, nil)
	for _, l := range c.view.Load().readers[0].replicas {
		for range 100 {
			l.usual.Take(time.Hour) // so that none is
		}
	}
	four := func() {
		for range 4 {
			must(t)(c.Do(bg, "GET", "k1"))
		}
	}
	hedged := testing.AllocsPerRun(500, four)
	c.cfg.HedgeReads = false // nobody is looking
	// The race detector has pools forget one in four.
	if plain := testing.AllocsPerRun(500, four); hedged > plain+2 {
		t.Errorf("four take %v allocations, and %v without HedgeReads", hedged, plain)
	}
}
