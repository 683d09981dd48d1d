package shard

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var errNoRoute = errors.New("no route")

// unreachable makes a client whose one shard cannot be dialled, with now the
// number of attempts. Each attempt takes delay.
func unreachable(t *testing.T, delay time.Duration, change func(*Config)) (*Client, *atomic.Int64) {
	var dials atomic.Int64
	cfg := Config{Shards: []Shard{{Name: "a", Primary: "10.0.0.1:6379"}}}
	cfg.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		dials.Add(1)
		select {
		case <-time.After(delay):
			return nil, errNoRoute
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if change != nil {
		change(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c.watching = true // nobody does: the dials are the link's own
	return c, &dials
}

func TestBackoff(t *testing.T) {
	for failures, want := range map[int]time.Duration{
		1: 50 * time.Millisecond, 2: 100 * time.Millisecond, 3: 200 * time.Millisecond,
		4: 400 * time.Millisecond, 5: 500 * time.Millisecond, 100: 500 * time.Millisecond,
	} {
		seen := map[time.Duration]bool{}
		for range 100 {
			d := backoff(failures)
			seen[d] = true
			if d < want*3/4 || d > want*5/4 {
				t.Errorf("after %d failures: %v, want %v give or take a quarter", failures, d, want)
			}
		}
		if len(seen) < 50 {
			t.Errorf("after %d failures: no jitter", failures)
		}
	}
}

func TestDeadNodeIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, dials := unreachable(t, 0, nil)
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				for range 1000 {
					_, err := c.Do(bg, "SET", "k", 1)
					if !isShardError(err, "a", true) || !errors.Is(err, errNoRoute) {
						t.Fatalf("got %v", err)
					}
					time.Sleep(10 * time.Millisecond)
				}
			})
		}
		wg.Wait()
		// 10 s at half a second each, and the first few.
		if n := dials.Load(); n < 16 || n > 32 {
			t.Errorf("dialled %d times in 10 s", n)
		}
		c.Close()
	})
}

func TestSlowDialBlocksOnlyThoseWhoMustWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, dials := unreachable(t, time.Hour, func(c *Config) { c.DialTimeout = 700 * time.Millisecond })
		ask := func(ctx context.Context) time.Duration {
			begin := time.Now()
			if _, err := c.Do(ctx, "GET", "k"); !isShardError(err, "a", true) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			return time.Since(begin)
		}
		var wg sync.WaitGroup
		for range 5 { // nobody knows yet: all wait for one attempt
			wg.Go(func() {
				if d := ask(bg); d != 700*time.Millisecond {
					t.Errorf("waited %v for the first attempt", d)
				}
			})
		}
		ctx, cancel := context.WithTimeout(bg, 100*time.Millisecond)
		defer cancel()
		if d := ask(ctx); d != 100*time.Millisecond {
			t.Errorf("a context of 100 ms took %v", d)
		}
		wg.Wait()
		if d := ask(bg); d != 0 {
			t.Errorf("the error of a node left alone took %v", d)
		}
		time.Sleep(time.Second)
		go ask(bg) // tries again
		synctest.Wait()
		if d := ask(bg); d != 0 || dials.Load() != 2 {
			t.Errorf("while another tries: %v, %d dials", d, dials.Load())
		}
		c.Close()
	})
}

func TestCacheEjects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := unreachable(t, 0, func(c *Config) {
			c.Shards = append(c.Shards, Shard{Name: "b", Primary: "10.0.0.2:6379"})
			c.AutoEject, c.FailureLimit, c.RetryTimeout = true, 3, 10*time.Second
		})
		owners := func() string {
			seen := map[string]bool{}
			for i := range 100 {
				seen[c.ShardFor(strings.Repeat("x", i))] = true
			}
			switch {
			case len(seen) == 2:
				return "both"
			case seen["a"]:
				return "a"
			}
			return "b"
		}
		c.watching = false
		k := key(c, "a", 0)
		for range 200 {
			c.Do(bg, "GET", k)
			if owners() != "both" {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		if got := owners(); got != "b" {
			t.Fatalf("after three failures of a: %s", got)
		}
		for range 200 { // now b, which is as dead
			c.Do(bg, "GET", k)
			time.Sleep(5 * time.Millisecond)
		}
		if _, err := c.Do(bg, "GET", k); !errors.Is(err, ErrEjected) {
			t.Errorf("with every shard ejected: %v", err)
		}
		if _, err := c.Pipeline().Add("GET", k).Exec(bg); !errors.Is(err, ErrEjected) {
			t.Errorf("pipeline with every shard ejected: %v", err)
		}
		time.Sleep(11 * time.Second)
		if _, err := c.Do(bg, "GET", k); !errors.Is(err, ErrEjected) {
			t.Errorf("after the retry timeout, with nobody back: %v", err)
		}
		c.Close()
	})
}

func TestCloseWaitsAndRefuses(t *testing.T) {
	c, servers := start(t, 2, nil)
	k := key(c, "shard-0", 0)
	must(t)(c.Do(bg, "SET", k, k))
	servers[0].Pause()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if s, err := c.Do(bg, "GET", k); err != nil {
				t.Errorf("a call under way when Close came: %v, %v", s, err)
			}
		})
		wg.Go(func() {
			if _, err := c.Pipeline().Add("GET", k).Exec(bg); err != nil {
				t.Errorf("a pipeline under way when Close came: %v", err)
			}
		})
	}
	time.Sleep(100 * time.Millisecond)
	closed := make(chan error)
	go func() { closed <- c.Close() }()
	select {
	case <-closed:
		t.Fatal("Close did not wait")
	case <-time.After(100 * time.Millisecond):
	}
	if _, err := c.Do(bg, "GET", k); err != ErrClosed {
		t.Errorf("Do while closing: %v", err)
	}
	servers[0].Resume()
	if err := <-closed; err != nil {
		t.Errorf("Close: %v", err)
	}
	wg.Wait()
	for name, err := range map[string]error{
		"Do":       second(c.Do(bg, "GET", k)),
		"MGET":     second(c.Do(bg, "MGET", "a", "b", "c", "d")),
		"pipeline": second(c.Pipeline().Add("GET", k).Exec(bg)),
		"ForEach":  c.ForEachShard(bg, nil),
		"Get":      second(c.Get().Do("GET", k)),
		"Close":    c.Close(),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s after Close: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }
