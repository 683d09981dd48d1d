package shard

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/shardtest"
)

// eventually fails the test unless ok within a few seconds.
func eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	for end := time.Now().Add(5 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			tb.Fatalf("not in 5 s: %s", what)
		}
	}
}

// info returns a number of INFO.
func info(tb testing.TB, s *shardtest.Server, field string) (n int) {
	tb.Helper()
	text, err := redis.String(s.Do("INFO"))
	if err != nil {
		tb.Fatal(err)
	}
	_, rest, _ := strings.Cut(text, "\n"+field+":")
	if _, err := fmt.Sscan(rest, &n); err != nil {
		tb.Fatalf("%s: %v", field, err)
	}
	return n
}

// givenBack fails the test unless every connection that was borrowed is with
// its pool again, or closed.
func givenBack(tb testing.TB, c *Client) {
	tb.Helper()
	for _, l := range c.view.Load().links {
		eventually(tb, l.shard+"'s connections are given back", func() bool {
			n := l.pool.Stats()
			return n.ActiveCount == n.IdleCount
		})
	}
}

func TestBlockingCommandsWait(t *testing.T) {
	c, servers := start(t, 4, func(c *Config) { c.Timeout = 200 * time.Millisecond })
	must(t)(c.Do(bg, "XGROUP", "CREATE", "{s}t", "g", "$", "MKSTREAM"))
	for _, x := range []struct{ wait, then, want string }{
		{"BLPOP {a}1 {a}2 0", "RPUSH {a}2 x", "[{a}2 x]"},
		{"BRPOP {b}1 0", "RPUSH {b}1 x y", "[{b}1 y]"},
		{"BLMOVE {c}1 {c}2 LEFT LEFT 0", "RPUSH {c}1 x", "x"},
		{"BRPOPLPUSH {d}1 {d}2 0", "RPUSH {d}1 x", "x"},
		{"BLMPOP 0 2 {e}1 {e}2 LEFT", "RPUSH {e}2 x", "[{e}2 [x]]"},
		{"BZPOPMIN {f}1 0", "ZADD {f}1 1 x 2 y", "[{f}1 x 1]"},
		{"BZPOPMAX {g}1 0", "ZADD {g}1 1 x 2 y", "[{g}1 y 2]"},
		{"BZMPOP 0 1 {h}1 MIN", "ZADD {h}1 1 x", "[{h}1 [[x 1]]]"},
		{"XREAD BLOCK 0 STREAMS {i}1 $", "XADD {i}1 1-1 k v", "[[{i}1 [[1-1 [k v]]]]]"},
		{"XREADGROUP GROUP g me BLOCK 0 STREAMS {s}t >", "XADD {s}t 1-1 k v", "[[{s}t [[1-1 [k v]]]]]"},
	} {
		got := make(chan string)
		go func() {
			f := strings.Fields(x.wait)
			reply, err := c.Do(bg, f[0], redis.Args{}.AddFlat(f[1:])...)
			if err != nil {
				reply = err
			}
			got <- text(reply)
		}()
		blocked := func() (n int) {
			for _, s := range servers {
				n += info(t, s, "blocked_clients")
			}
			return n
		}
		eventually(t, x.wait+" is blocked", func() bool { return blocked() == 1 })
		time.Sleep(250 * time.Millisecond) // longer than Timeout
		f := strings.Fields(x.then)
		must(t)(c.Do(bg, f[0], redis.Args{}.AddFlat(f[1:])...))
		if s := <-got; s != x.want {
			t.Errorf("%s: %s, want %s", x.wait, s, x.want)
		}
	}
	a, b := key(c, "shard-0", 0), key(c, "shard-1", 0)
	if _, err := c.Do(bg, "BLPOP", a, b, 0); err != ErrCrossSlot {
		t.Errorf("BLPOP of two shards: %v", err)
	}
	if _, err := c.Do(bg, "BLMOVE", a, b, "LEFT", "LEFT", 0); err != ErrCrossSlot {
		t.Errorf("BLMOVE between two shards: %v", err)
	}
	begin := time.Now()
	if reply, err := c.Do(bg, "BLPOP", a, 0.4); reply != nil || err != nil || time.Since(begin) < 400*time.Millisecond {
		t.Errorf("BLPOP of 0.4 s: %v, %v after %v", reply, err, time.Since(begin))
	}
}

// text prints a reply, bytes as text.
func text(v any) string {
	switch v := v.(type) {
	case []byte:
		return string(v)
	case []any:
		var parts []string
		for _, e := range v {
			parts = append(parts, text(e))
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	return fmt.Sprint(v)
}

// TestCancelledPopsLoseNothing cancels pops at any moment: what was pushed is
// popped once or still there.
func TestCancelledPopsLoseNothing(t *testing.T) {
	c, servers := start(t, 2, nil)
	const workers, each = 8, 400
	var mu sync.Mutex
	got := map[string]int{}
	var cancelled, late atomic.Int64
	var done atomic.Bool
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(7, uint64(i)))
			for !done.Load() {
				ctx, cancel := context.WithTimeout(bg, time.Duration(r.IntN(1500))*time.Microsecond)
				s, err := redis.Strings(c.Do(ctx, "BLPOP", fmt.Sprint("q", i%2), 0))
				ended := ctx.Err() != nil
				cancel()
				switch {
				case err == nil:
					if ended {
						late.Add(1)
					}
					mu.Lock()
					got[s[1]]++
					mu.Unlock()
				case errors.Is(err, context.DeadlineExceeded):
					var se *ShardError
					if !errors.As(err, &se) || !se.SafeToRetry {
						t.Errorf("a pop that took nothing: %v", err)
					}
					cancelled.Add(1)
				default:
					t.Errorf("BLPOP: %v", err)
				}
			}
		})
	}
	for i := range 2 * each {
		must(t)(c.Do(bg, "RPUSH", fmt.Sprint("q", i%2), fmt.Sprint("e", i)))
		time.Sleep(time.Duration(rand.IntN(1000)) * time.Microsecond)
	}
	done.Store(true)
	wg.Wait()
	givenBack(t, c)
	for _, q := range []string{"q0", "q1"} {
		rest, err := redis.Strings(c.Do(bg, "LRANGE", q, 0, -1))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range rest {
			got[e]++
		}
	}
	for i := range 2 * each {
		if n := got[fmt.Sprint("e", i)]; n != 1 {
			t.Errorf("element %d was seen %d times", i, n)
		}
	}
	t.Logf("%d cancelled, %d of them late with an element", cancelled.Load(), late.Load())
	if cancelled.Load() < 100 {
		t.Errorf("only %d cancelled: too little to show anything", cancelled.Load())
	}
	for i, s := range servers {
		// Some are cancelled while they dial.
		if n := info(t, s, "total_connections_received"); n > int(cancelled.Load())/10 {
			t.Errorf("shard-%d saw %d connections: cancelled pops should keep theirs", i, n)
		}
	}
}

func TestBlockedWhenTheServerDiesOrHangs(t *testing.T) {
	c, servers := start(t, 2, func(c *Config) { c.Timeout = 300 * time.Millisecond })
	dying, hanging := key(c, "shard-0", 0), key(c, "shard-1", 0)
	type result struct {
		err  error
		took time.Duration
	}
	pop := func(ctx context.Context, k string, seconds float64) <-chan result {
		ch := make(chan result, 1)
		go func() {
			begin := time.Now()
			_, err := c.Do(ctx, "BLPOP", k, seconds)
			ch <- result{err, time.Since(begin)}
		}()
		return ch
	}
	killed := pop(bg, dying, 0)
	eventually(t, "blocked", func() bool { return info(t, servers[0], "blocked_clients") == 1 })
	servers[0].Kill()
	if r := <-killed; !isShardError(r.err, "shard-0", false) {
		t.Errorf("killed: %v", r.err)
	}
	if _, err := c.Do(bg, "BLPOP", dying, 0); !isShardError(err, "shard-0", true) {
		t.Errorf("on a dead server: %v", err)
	}

	ctx, cancel := context.WithCancel(bg)
	cancelled, limited := pop(ctx, hanging, 0), pop(bg, hanging, 0.2)
	eventually(t, "blocked", func() bool { return info(t, servers[1], "blocked_clients") == 2 })
	servers[1].Pause()
	defer servers[1].Resume()
	cancel()
	if r := <-cancelled; !isShardError(r.err, "shard-1", false) || !errors.Is(r.err, context.Canceled) {
		t.Errorf("cancelled on a server that hangs: %v", r.err)
	}
	if r := <-limited; !isShardError(r.err, "shard-1", false) || !errors.Is(r.err, ErrTimeout) || r.took > 900*time.Millisecond {
		t.Errorf("0.2 s on a server that hangs: %v after %v", r.err, r.took)
	}
}

func TestConnectionsOfOnesOwnAreBounded(t *testing.T) {
	c, servers := start(t, 1, func(c *Config) { c.MaxActive, c.Timeout = 2, 400*time.Millisecond })
	ctx, cancel := context.WithCancel(bg)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() { c.Do(ctx, "BLPOP", "none", 0) })
	}
	eventually(t, "blocked", func() bool { return info(t, servers[0], "blocked_clients") == 2 })
	begin := time.Now()
	_, err := c.Do(bg, "BLPOP", "none", 0)
	if !isShardError(err, "shard-0", true) || !errors.Is(err, ErrExhausted) || !errors.Is(err, ErrTimeout) {
		t.Errorf("a third: %v", err)
	}
	if d := time.Since(begin); d < 400*time.Millisecond || d > 1200*time.Millisecond {
		t.Errorf("after %v", d)
	}
	soon, stop := context.WithTimeout(bg, 20*time.Millisecond)
	defer stop()
	if _, err := c.Tx(soon, []string{"k"}, nil); !errors.Is(err, ErrExhausted) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a third with a context: %v", err)
	}
	must(t)(c.Do(bg, "SET", "k", 1)) // the others have the shared line
	cancel()
	wg.Wait()
	if reply, err := c.Do(bg, "BLPOP", "none", 0.01); reply != nil || err != nil {
		t.Errorf("afterwards: %v, %v", reply, err)
	}
	if n := c.view.Load().links[0].pool.ActiveCount(); n != 2 {
		t.Errorf("%d connections: the two should have been kept", n)
	}
}

func TestUserWhoMayNotUnblock(t *testing.T) {
	s := shardtest.Redis(t)
	must(t)(s.Do("ACL", "SETUSER", "plain", "on", ">secret", "~*", "+@all", "-client"))
	c := over(t, []*shardtest.Server{s}, func(c *Config) { c.Username, c.Password = "plain", "secret" })
	ctx, cancel := context.WithCancel(bg)
	time.AfterFunc(50*time.Millisecond, cancel)
	begin := time.Now()
	_, err := c.Do(ctx, "BLPOP", "q", 0)
	if !isShardError(err, "shard-0", false) || time.Since(begin) > time.Second {
		t.Errorf("%v after %v", err, time.Since(begin))
	}
	eventually(t, "closed", func() bool { return info(t, s, "blocked_clients") == 0 })
	must(t)(c.Do(bg, "RPUSH", "q", "later"))
	if v, err := redis.Strings(c.Do(bg, "BLPOP", "q", 0)); err != nil || !reflect.DeepEqual(v, []string{"q", "later"}) {
		t.Errorf("what was pushed later: %q, %v", v, err)
	}
}

// TestBlockWithoutItsArgument is for the server to refuse.
func TestBlockWithoutItsArgument(t *testing.T) {
	c, _ := start(t, 2, nil)
	if _, err := c.Do(bg, "XREAD", "COUNT", 1, "BLOCK"); err == nil || !strings.HasPrefix(err.Error(), "ERR ") || isShardError(err, "shard-0", true) {
		t.Errorf("got %v", err)
	}
}
