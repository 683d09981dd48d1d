package shard

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/shardtest"
)

// replicated starts a primary with n replicas, and a client that knows that they may be
// read from.
func replicated(t testing.TB, n int, change func(*Config)) (*Client, *shardtest.Server, []*shardtest.Server) {
	t.Helper()
	primary := shardtest.Redis(t)
	var replicas []*shardtest.Server
	for range n {
		replicas = append(replicas, shardtest.Replica(t, primary))
	}
	c := over(t, []*shardtest.Server{primary}, func(c *Config) {
		c.HealthInterval = 100 * time.Millisecond
		for _, r := range replicas {
			c.Shards[0].Replicas = append(c.Shards[0].Replicas, Replica{Addr: r.Addr})
		}
		if change != nil {
			change(c)
		}
	})
	must(t)(c.Do(bg, "SET", "k", "v"))
	must(t)(c.Wait(bg, n, time.Second))
	readable(t, c, n)
	return c, primary, replicas
}

func readable(t testing.TB, c *Client, want int) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		n := 0
		for _, r := range c.topo.Snapshot().Shards[0].Replicas {
			if r.Readable {
				n++
			}
		}
		if n == want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d replicas may be read from, want %d", n, want)
		}
	}
}

var getCalls = regexp.MustCompile(`cmdstat_get:calls=(\d+)`)

// gets returns how many GETs a server has executed.
func gets(t testing.TB, s *shardtest.Server) int {
	t.Helper()
	info, err := redis.String(s.Do("INFO", "commandstats"))
	if err != nil {
		t.Fatal(err)
	}
	m := getCalls.FindStringSubmatch(info)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// share reads 12000 times and returns how often each replica answered.
func share(t *testing.T, c *Client, replicas []*shardtest.Server) []int {
	t.Helper()
	counts := make([]int, len(replicas))
	for i, r := range replicas {
		counts[i] = -gets(t, r)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1500 {
				if v, err := redis.String(c.Do(bg, "GET", "k")); v != "v" {
					t.Errorf("%q, %v", v, err)
					return
				}
			}
		})
	}
	wg.Wait()
	for i, r := range replicas {
		counts[i] += gets(t, r)
	}
	return counts
}

// TestReadsSpread: replicas get the same, with each way of balancing, and the primary
// nothing.
func TestReadsSpread(t *testing.T) {
	_, primary, replicas := replicated(t, 3, nil)
	var c *Client
	for _, b := range []config.Balance{config.LeastRequests, config.RoundRobin, config.Weighted} {
		c = over(t, []*shardtest.Server{primary}, func(c *Config) {
			c.ReadFrom, c.Balance = config.PreferReplica, b
			for _, r := range replicas {
				c.Shards[0].Replicas = append(c.Shards[0].Replicas, Replica{Addr: r.Addr})
			}
		})
		must(t)(c.Do(bg, "EXISTS", "k"))
		readable(t, c, 3)
		// With least requests who is slower gets less, as one of three servers may be
		// that has to share two processors.
		var counts []int
		for range 5 {
			if counts = share(t, c, replicas); slices.Min(counts) >= 3600 && slices.Max(counts) <= 4400 {
				break
			}
			if b != config.LeastRequests {
				break
			}
		}
		if slices.Min(counts) < 3600 || slices.Max(counts) > 4400 {
			t.Errorf("%s: the replicas have answered %v of 12000", b, counts)
		}
	}
	for i := range 1000 {
		replies, err := c.Pipeline().Add("GET", "k").Add("STRLEN", "k").Exec(bg)
		if v, _ := redis.String(replies[0].Value, nil); v != "v" || err != nil {
			t.Fatalf("pipeline %d: %v, %v", i, replies, err)
		}
	}
	if n := gets(t, primary); n != 0 {
		t.Errorf("the primary has answered %d", n)
	}
}

// TestPausedReplica: who waits for it when it is noticed has the reply of another, and
// nobody asks it afterwards.
func TestPausedReplica(t *testing.T) {
	c, _, replicas := replicated(t, 3, func(c *Config) {
		c.ReadFrom, c.Timeout, c.DialTimeout = config.PreferReplica, 20*time.Second, 300*time.Millisecond
	})
	l := newLoad(t, c)
	for i := range 8 {
		l.run(func(string, int) error { _, err := c.Do(bg, "GET", "k"); return err }, fmt.Sprint("do:", i))
		l.run(func(string, int) error { _, err := c.Pipeline().Add("GET", "k").Add("GET", "k").Exec(bg); return err }, fmt.Sprint("pipe:", i))
	}
	time.Sleep(200 * time.Millisecond)
	replicas[1].Pause()
	readable(t, c, 2)
	time.Sleep(2 * leaveWithin)
	l.end()
	l.noErrors()
	if l.longest > 5*time.Second {
		t.Errorf("waited %v", l.longest)
	}
	for range 2000 {
		begun := time.Now()
		must(t)(c.Do(bg, "GET", "k"))
		if took := time.Since(begun); took > 250*time.Millisecond {
			t.Fatalf("took %v", took)
		}
	}
	replicas[1].Resume()
	readable(t, c, 3)
	before := gets(t, replicas[1])
	await(t, "reads at the one that is back", func() bool {
		must(t)(c.Do(bg, "GET", "k"))
		return gets(t, replicas[1]) > before
	})
}

// TestReplicaKilled: under load, without an error.
func TestReplicaKilled(t *testing.T) {
	for _, from := range []config.ReadFrom{config.PreferReplica, config.OnlyReplica, config.Any, config.Nearest} {
		c, _, replicas := replicated(t, 2, func(c *Config) { c.ReadFrom = from })
		l := newLoad(t, c)
		for i := range 8 {
			l.run(func(string, int) error { _, err := c.Do(bg, "GET", "k"); return err }, fmt.Sprint("do:", i))
			l.run(func(string, int) error { _, err := c.Pipeline().Add("GET", "k").Add("GET", "k").Exec(bg); return err }, fmt.Sprint("pipe:", i))
		}
		l.run(func(string, int) error {
			conn := c.Get()
			defer conn.Close()
			conn.Send("GET", "k")
			conn.Flush()
			_, err := conn.Receive()
			return err
		}, "conn")
		time.Sleep(100 * time.Millisecond)
		replicas[0].Kill()
		time.Sleep(300 * time.Millisecond)
		replicas[0].Restart()
		readable(t, c, 2)
		l.end()
		l.noErrors()
	}
}

// TestOnlyReplica: without one that may be read from there is an error, and never the
// primary's answer.
func TestOnlyReplica(t *testing.T) {
	c, _, replicas := replicated(t, 1, nil)
	only := WithReadFrom(bg, config.OnlyReplica)
	must(t)(c.Do(only, "GET", "k"))
	replicas[0].Kill()
	readable(t, c, 0)
	for name, f := range map[string]func() error{
		"Do":       func() error { _, err := c.Do(only, "GET", "k"); return err },
		"pipeline": func() error { _, err := c.Pipeline().Add("GET", "k").Exec(only); return err },
	} {
		var se *ShardError
		if err := f(); !errors.Is(err, ErrNoReplica) || !errors.As(err, &se) || !se.SafeToRetry || se.Shard != "shard-0" {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t)(c.Do(only, "SET", "k", "w")) // writes go where they go
	must(t)(c.Do(bg, "GET", "k"))
	must(t)(c.Do(WithReadFrom(bg, config.PreferReplica), "GET", "k"))
}

// TestWhatGoesToReplicas: a call may choose, and what is no plain read does not go there.
func TestWhatGoesToReplicas(t *testing.T) {
	c, primary, replicas := replicated(t, 1, nil)
	replica := WithReadFrom(bg, config.PreferReplica)
	at := func(f func()) (p, r int) {
		p, r = gets(t, primary), gets(t, replicas[0])
		f()
		return gets(t, primary) - p, gets(t, replicas[0]) - r
	}
	for _, tc := range []struct {
		name string
		f    func()
		p, r int
	}{
		{"by default", func() { c.Do(bg, "GET", "k") }, 1, 0},
		{"for a call", func() { c.Do(replica, "GET", "k") }, 0, 1},
		{"a pipeline", func() { c.Pipeline().Add("GET", "k").Add("GET", "j").Exec(replica) }, 0, 2},
		{"behind a write", func() { c.Pipeline().Add("SET", "k", "v").Add("GET", "k").Exec(replica) }, 1, 0},
		{"a transaction", func() { c.Tx(replica, nil, func(tx *Tx) error { tx.Add("GET", "k"); return nil }) }, 1, 0},
		{"nearest is one", func() { c.Do(WithReadFrom(bg, config.Nearest), "SET", "k", "v") }, 0, 0},
	} {
		if p, r := at(tc.f); p != tc.p || r != tc.r {
			t.Errorf("%s: %d at the primary, %d at the replica, want %d and %d", tc.name, p, r, tc.p, tc.r)
		}
	}
	// A cursor that another node gave would leave elements out.
	before, _ := redis.String(replicas[0].Do("INFO", "commandstats"))
	for _, cmd := range []string{"SSCAN", "HSCAN", "ZSCAN"} {
		must(t)(c.Do(replica, cmd, "none", 0))
	}
	must(t)(c.Do(replica, "SCAN", 0))
	must(t)(c.Pipeline().Add("SCAN", 0).Add("SSCAN", "none", 0).Exec(replica))
	if after, _ := redis.String(replicas[0].Do("INFO", "commandstats")); strings.Count(after, "scan") != strings.Count(before, "scan") {
		t.Errorf("a scan at a replica:\n%s", after)
	}
}

// TestReadYourWrites: with a replica that gets nothing any more, a session sees what it
// wrote for as long as it is said, and another one need not.
func TestReadYourWrites(t *testing.T) {
	const within = 400 * time.Millisecond
	c, _, replicas := replicated(t, 1, func(c *Config) {
		c.ReadFrom, c.ReadYourWrites = config.PreferReplica, within
	})
	time.Sleep(within)
	mine, theirs := c.WithSession(bg), c.WithSession(bg)
	freeze := func(k string) {
		t.Helper()
		// It stays linked, and does not see this write for a while.
		replicas[0].Pause()
		must(t)(c.Do(mine, "SET", k, "new"))
	}
	get := func(ctx context.Context) string {
		t.Helper()
		v, err := redis.String(c.Do(ctx, "GET", "k"))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	freeze("k")
	if from := c.readsFrom(theirs, "shard-0", 0); from != fromPreferred {
		t.Errorf("another session reads from %v", from)
	}
	if from := c.readsFrom(bg, "shard-0", 0); from != fromPreferred {
		t.Errorf("calls without a session read from %v", from)
	}
	if v := get(mine); v != "new" {
		t.Errorf("read %q behind the write", v)
	}
	replies, err := c.Pipeline().Add("GET", "k").Exec(mine)
	if v, _ := redis.String(replies[0].Value, err); v != "new" {
		t.Errorf("read %q in a pipeline behind the write, %v", v, err)
	}
	replicas[0].Resume()
	time.Sleep(within)
	if from := c.readsFrom(mine, "shard-0", 0); from != fromPreferred {
		t.Errorf("after %v the session reads from %v", within, from)
	}
	for name, write := range map[string]func(){
		"Do":       func() { c.Do(bg, "SET", "k", 1) },
		"pipeline": func() { c.Pipeline().Add("SET", "k", 1).Exec(bg) },
		"tx":       func() { c.Tx(bg, nil, func(tx *Tx) error { tx.Add("SET", "k", 1); return nil }) },
		"blocking": func() { c.Do(bg, "BLPOP", "none", "0.01") },
	} {
		c.writes.note("shard-0", 0, -time.Hour)
		if write(); c.readsFrom(bg, "shard-0", 0) != fromPrimary {
			t.Errorf("%s: no write that is noted", name)
		}
	}
}

func TestTurns(t *testing.T) {
	for _, tc := range []struct {
		weights []int
		want    string
	}{
		{nil, "[]"}, {[]int{1}, "[0]"}, {[]int{7}, "[0]"}, {[]int{1, 1, 1}, "[0 1 2]"}, {[]int{200, 200}, "[0 1]"},
		{[]int{5, 1, 1}, "[0 0 1 0 2 0 0]"}, {[]int{2, 4}, "[1 0 1]"},
	} {
		if got := fmt.Sprint(turns(tc.weights)); got != tc.want {
			t.Errorf("%v: %s, want %s", tc.weights, got, tc.want)
		}
	}
	if n := len(turns([]int{1_000_003, 1, 500_009})); n > maxTurns+3 {
		t.Errorf("%d turns", n)
	}
}

// TestZone: the nodes of the zone answer, and all of them when there are none.
func TestZone(t *testing.T) {
	near := func(zone string) func(*Config) {
		return func(c *Config) {
			c.ReadFrom, c.Balance, c.Zone = config.Any, config.SameZone, zone
			c.Shards[0].Zone = "a"
			c.Shards[0].Replicas[0].Zone, c.Shards[0].Replicas[1].Zone = "a", "b"
		}
	}
	for zone, want := range map[string]int{"a": 2, "b": 1, "c": 3} {
		c, _, _ := replicated(t, 2, near(zone))
		v, err := c.current()
		if err != nil || len(v.readers[0].all) != want {
			t.Errorf("zone %s: %d nodes to read from, %v; want %d", zone, len(v.readers[0].all), err, want)
		}
		must(t)(c.Do(bg, "GET", "k"))
	}
}

func TestAllocationsOfAGetAtAReplica(t *testing.T) {
	c, _, _ := replicated(t, 2, func(c *Config) { c.ReadFrom, c.ReadYourWrites = config.PreferReplica, time.Millisecond })
	time.Sleep(10 * time.Millisecond)
	if n := testing.AllocsPerRun(2000, func() { must(t)(c.Do(bg, "GET", "k")) }); n > 3 {
		t.Errorf("%v allocations, want 3 at most", n)
	}
}
