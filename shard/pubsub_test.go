package shard

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/shardtest"
)

// hear receives until quiet for a while, and returns what came, sorted.
func hear(tb testing.TB, sub *Subscription, quiet time.Duration) (got []string) {
	tb.Helper()
	for {
		ctx, cancel := context.WithTimeout(bg, quiet)
		m, err := sub.Receive(ctx)
		cancel()
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			slices.Sort(got)
			return got
		case err != nil:
			tb.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s|%s|%s", m.Pattern, m.Channel, m.Payload))
	}
}

func TestPubSubOverShards(t *testing.T) {
	c, servers := start(t, 4, nil)
	for _, s := range servers {
		must(t)(s.Do("CONFIG", "SET", "notify-keyspace-events", "K$"))
	}
	var channels []string
	used := map[string]bool{}
	for i := range 20 {
		channels = append(channels, fmt.Sprint("ch:", i))
		used[c.ShardFor(channels[i])] = true
	}
	if len(used) != 4 {
		t.Fatalf("the channels are on %d shards", len(used))
	}
	plain, err := c.Subscribe(bg, append(channels, "__keyspace@0__:k1", "__keyspace@0__:k2", "__keyspace@0__:k3")...)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	patterns, err := c.PSubscribe(bg, "ch:1*", "__key*")
	if err != nil {
		t.Fatal(err)
	}
	defer patterns.Close()
	sharded, err := c.SSubscribe(bg, channels...)
	if err != nil {
		t.Fatal(err)
	}
	defer sharded.Close()

	var wantPlain, wantPatterns, wantSharded []string
	conn := c.Get()
	defer conn.Close()
	for i, ch := range channels {
		hearers := int64(1)
		wantPlain = append(wantPlain, fmt.Sprintf("|%s|m%d", ch, i))
		wantSharded = append(wantSharded, fmt.Sprintf("|%s|s%d", ch, i))
		if strings.HasPrefix(ch, "ch:1") {
			hearers++
			wantPatterns = append(wantPatterns, fmt.Sprintf("ch:1*|%s|m%d", ch, i))
		}
		var reply any
		switch i % 3 { // in all three ways
		case 0:
			reply = must(t)(c.Do(bg, "PUBLISH", ch, fmt.Sprint("m", i)))
		case 1:
			replies, err := c.Pipeline().Add("PUBLISH", ch, fmt.Sprint("m", i)).Exec(bg)
			reply = must(t)(replies[0].Value, err)
		case 2:
			reply = must(t)(conn.Do("PUBLISH", ch, fmt.Sprint("m", i)))
		}
		if reply != hearers {
			t.Errorf("PUBLISH %s: %v, want %d", ch, reply, hearers)
		}
		if n := must(t)(c.Do(bg, "SPUBLISH", ch, fmt.Sprint("s", i))); n != int64(1) {
			t.Errorf("SPUBLISH %s: %v", ch, n)
		}
	}
	for _, k := range []string{"k1", "k2", "k3"} {
		must(t)(c.Do(bg, "SET", k, 1))
		wantPlain = append(wantPlain, "|__keyspace@0__:"+k+"|set")
		wantPatterns = append(wantPatterns, "__key*|__keyspace@0__:"+k+"|set")
	}
	for _, x := range []struct {
		name string
		sub  *Subscription
		want []string
	}{{"Subscribe", plain, wantPlain}, {"PSubscribe", patterns, wantPatterns}, {"SSubscribe", sharded, wantSharded}} {
		slices.Sort(x.want)
		if got := hear(t, x.sub, 100*time.Millisecond); !reflect.DeepEqual(got, x.want) {
			t.Errorf("%s:\n%q, want\n%q", x.name, got, x.want)
		}
		x.sub.Close()
	}
	givenBack(t, c)
}

// TestPubSubKeepsOrderForASlowReceiver publishes far more than may be queued
// here before anything is received.
func TestPubSubKeepsOrderForASlowReceiver(t *testing.T) {
	c, servers := start(t, 2, func(c *Config) { c.Timeout = 100 * time.Millisecond })
	channels := []string{key(c, "shard-0", 0), key(c, "shard-1", 0)}
	sub, err := c.Subscribe(bg, channels...)
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	const each = 5000
	p := over(t, servers, nil).Pipeline()
	for i := range each {
		p.Add("PUBLISH", channels[0], i).Add("PUBLISH", channels[1], i)
	}
	ctx, cancel := context.WithTimeout(bg, 5*time.Second)
	defer cancel()
	if _, err := p.Exec(ctx); err != nil {
		t.Fatal(err)
	}
	time.Sleep(500 * time.Millisecond) // several times what a silent server is given
	next := map[string]int{}
	for range 2 * each {
		m, err := sub.Receive(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if string(m.Payload) != fmt.Sprint(next[m.Channel]) {
			t.Fatalf("%s: message %s, want %d", m.Channel, m.Payload, next[m.Channel])
		}
		next[m.Channel]++
	}
}

func TestSubscriptionOutlivesItsServer(t *testing.T) {
	c, servers := start(t, 2, nil)
	steady, lost := key(c, "shard-0", 0), key(c, "shard-1", 0)
	sub, err := c.Subscribe(bg, steady, lost, key(c, "shard-1", 1))
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	ctx, cancel := context.WithTimeout(bg, 10*time.Second)
	defer cancel()
	receive := func(what, channel, payload string) {
		t.Helper()
		m, err := sub.Receive(ctx)
		if err != nil || m.Channel != channel || string(m.Payload) != payload || m.Missed {
			t.Fatalf("%s: %+v, %v", what, m, err)
		}
	}
	for range 3 {
		must(t)(c.Do(bg, "PUBLISH", lost, "before"))
		receive("before", lost, "before")
		servers[1].Kill()
		if _, err := sub.Receive(ctx); !isShardError(err, "shard-1", true) {
			t.Fatalf("after kill -9: %v", err)
		}
		must(t)(c.Do(bg, "PUBLISH", steady, "meanwhile"))
		receive("the other shard", steady, "meanwhile")
		short, stop := context.WithTimeout(bg, 20*time.Millisecond)
		if m, err := sub.Receive(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("while it is dead: %+v, %v", m, err)
		}
		stop()
		servers[1].Restart()
		m, err := sub.Receive(ctx)
		if err != nil || !m.Missed || m.Shard != "shard-1" {
			t.Fatalf("after its return: %+v, %v", m, err)
		}
		// From here nothing is missed.
		eventually(t, "published", func() bool {
			n, err := redis.Int(c.Do(bg, "PUBLISH", lost, "after"))
			return err == nil && n == 1
		})
		receive("after", lost, "after")
	}
}

// TestSubscriptionLosesConnectionsAllTheTime: every loss that is told is followed
// by word of the return, also if the connection is lost once more meanwhile.
func TestSubscriptionLosesConnectionsAllTheTime(t *testing.T) {
	c, servers := start(t, 2, nil)
	var channels []string
	for i := range 50 { // many, so that subscribing to them can be interrupted
		channels = append(channels, key(c, "shard-0", i), key(c, "shard-1", i))
	}
	sub, err := c.Subscribe(bg, channels...)
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	var wg sync.WaitGroup
	for _, s := range servers {
		wg.Go(func() {
			conn := must(t)(redis.Dial("tcp", s.Addr)).(redis.Conn)
			defer conn.Close()
			for end := time.Now().Add(400 * time.Millisecond); time.Now().Before(end); {
				must(t)(conn.Do("CLIENT", "KILL", "TYPE", "pubsub"))
				time.Sleep(500 * time.Microsecond)
			}
		})
	}
	lost, losses := map[string]bool{}, 0
	for quiet := false; !quiet; {
		ctx, cancel := context.WithTimeout(bg, time.Second)
		m, err := sub.Receive(ctx)
		cancel()
		var se *ShardError
		switch {
		case errors.As(err, &se):
			lost[se.Shard] = true
			losses++
		case errors.Is(err, context.DeadlineExceeded):
			quiet = true
		case err != nil:
			t.Fatal(err)
		case m.Missed && !lost[m.Shard]:
			t.Errorf("%s is back but was not lost", m.Shard)
		case m.Missed:
			lost[m.Shard] = false
		}
	}
	wg.Wait()
	if losses < 20 || lost["shard-0"] || lost["shard-1"] {
		t.Errorf("%d losses, at the end %v", losses, lost)
	}
	for _, ch := range channels {
		if n, err := redis.Int(c.Do(bg, "PUBLISH", ch, "m")); n != 1 || err != nil {
			t.Errorf("%s is heard by %d: %v", ch, n, err)
		}
	}
	if got := hear(t, sub, 100*time.Millisecond); len(got) != len(channels) {
		t.Errorf("%d messages, want %d", len(got), len(channels))
	}
}

// TestSubscriptionToAServerThatHangs is told so, for TCP would not say.
func TestSubscriptionToAServerThatHangs(t *testing.T) {
	c, servers := start(t, 1, func(c *Config) { c.Timeout = 100 * time.Millisecond })
	sub, err := c.Subscribe(bg, "ch")
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	quiet, cancel := context.WithTimeout(bg, 400*time.Millisecond)
	defer cancel()
	if _, err := sub.Receive(quiet); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a quiet channel: %v", err)
	}
	servers[0].Pause()
	begin := time.Now()
	if _, err := sub.Receive(bg); !isShardError(err, "shard-0", true) || !errors.Is(err, ErrTimeout) {
		t.Errorf("got %v", err)
	}
	if d := time.Since(begin); d > time.Second {
		t.Errorf("noticed after %v", d)
	}
	servers[0].Resume()
	if m, err := sub.Receive(bg); err != nil || !m.Missed {
		t.Errorf("got %+v, %v", m, err)
	}
}

func TestSubscribeFails(t *testing.T) {
	c, servers := start(t, 2, func(c *Config) { c.Timeout = 200 * time.Millisecond })
	servers[1].Kill()
	dead := key(c, "shard-1", 0)
	if _, err := c.Subscribe(bg, key(c, "shard-0", 0), dead); !isShardError(err, "shard-1", true) {
		t.Errorf("to a dead shard: %v", err)
	}
	if _, err := c.PSubscribe(bg, "*"); !isShardError(err, "shard-1", true) {
		t.Errorf("to a pattern: %v", err)
	}
	if _, err := c.Subscribe(bg); err == nil {
		t.Error("to nothing: no error")
	}
	must(t)(servers[0].Do("ACL", "SETUSER", "default", "resetchannels"))
	if _, err := c.Subscribe(bg, key(c, "shard-0", 0)); err == nil || !strings.HasPrefix(err.Error(), "NOPERM") {
		t.Errorf("without permission: %v", err)
	}
	must(t)(servers[0].Do("ACL", "SETUSER", "default", "allchannels"))
	servers[0].Pause()
	begin := time.Now()
	if _, err := c.Subscribe(bg, key(c, "shard-0", 0)); !isShardError(err, "shard-0", true) || !errors.Is(err, ErrTimeout) {
		t.Errorf("to a shard that hangs: %v", err)
	}
	if d := time.Since(begin); d > 500*time.Millisecond {
		t.Errorf("after %v", d)
	}
	servers[0].Resume()
}

// TestCloseEndsWhatWaits also counts what it leaves behind.
func TestCloseEndsWhatWaits(t *testing.T) {
	servers := shardtest.RedisN(t, 2)
	var clients []int
	for _, s := range servers {
		clients = append(clients, info(t, s, "connected_clients"))
	}
	goroutines := runtime.NumGoroutine()
	c := over(t, servers, nil)
	var wg sync.WaitGroup
	wait := func(f func() error) {
		wg.Go(func() {
			if err := f(); err != ErrClosed {
				t.Errorf("got %v", err)
			}
		})
	}
	wait(func() error { _, err := c.Do(bg, "BLPOP", "none", 0); return err })
	wait(func() error { _, err := c.Get().Do("BLPOP", "none", 0); return err })
	wait(func() error { _, err := c.Wait(bg, 1, 0); return err })
	sub, err := c.PSubscribe(bg, "*")
	if err != nil {
		t.Fatal(err)
	}
	wait(func() error { _, err := sub.Receive(bg); return err })
	psc := redis.PubSubConn{Conn: c.Get()}
	psc.Subscribe("a", "b", "c")
	for range 3 {
		psc.Receive()
	}
	wait(func() error { return psc.Receive().(error) })
	wait(func() error {
		_, err := c.Tx(bg, []string{"k"}, func(tx *Tx) error {
			_, err := c.Do(bg, "BLPOP", "none", 0)
			return err
		})
		return err
	})
	watching := c.Get()
	must(t)(watching.Do("WATCH", "k"))
	eventually(t, "all of them wait", func() bool {
		return info(t, servers[0], "blocked_clients")+info(t, servers[1], "blocked_clients") >= 4
	})
	time.Sleep(20 * time.Millisecond)
	begin := time.Now()
	if err := c.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	wg.Wait()
	if d := time.Since(begin); d > 500*time.Millisecond {
		t.Errorf("Close took %v", d)
	}
	if _, err := c.Subscribe(bg, "a"); err != ErrClosed {
		t.Errorf("Subscribe after Close: %v", err)
	}
	watching.Close()
	sub.Close()
	psc.Close()
	for i, s := range servers {
		eventually(t, "no connection is left", func() bool { return info(t, s, "connected_clients") == clients[i] })
	}
	eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= goroutines })
}
