package shard

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/ring/randtest"
)

func TestConnTransactionOverShards(t *testing.T) {
	c, _ := start(t, 3, nil)
	a, far := key(c, "shard-0", 0), key(c, "shard-1", 0)
	conn := c.Get()
	defer conn.Close()
	for _, x := range []struct {
		lines string
		want  string
	}{
		{"MULTI; SET a 1; SET far 1; EXEC", "OK QUEUED CROSSSLOT EXECABORT"},
		{"MULTI; PING; TIME; SET far 1; DEL a; EXEC", "OK QUEUED QUEUED QUEUED CROSSSLOT EXECABORT"},
		{"MULTI; DBSIZE; EXEC", "OK ERR EXECABORT"},
		{"WATCH a far; MULTI; EXEC", "CROSSSLOT OK EXECABORT"},
		{"WATCH a; WATCH far; MULTI; SET a 1; EXEC", "OK CROSSSLOT OK QUEUED EXECABORT"},
		{"WATCH a; WATCH far; UNWATCH; MULTI; EXEC", "OK CROSSSLOT OK OK []"},
		{"WATCH a far; GET; MULTI; SET a 1; EXEC", "CROSSSLOT ERR OK QUEUED EXECABORT"},
		{"WATCH a; MULTI; SET far 1; EXEC", "OK OK CROSSSLOT EXECABORT"},
		// What is not in the transaction goes to its own shard, as ever.
		{"WATCH a; SET far 1; MGET a far; MULTI; GET a; EXEC", "OK OK [<nil> 1] OK QUEUED [<nil>]"},
		{"WATCH a; SET a 1; MULTI; GET a; EXEC", "OK OK OK QUEUED <nil>"},
	} {
		var got []string
		for _, line := range strings.Split(x.lines, "; ") {
			f := strings.Fields(strings.NewReplacer(" a", " "+a, " far", " "+far).Replace(line))
			reply, err := conn.Do(f[0], redis.Args{}.AddFlat(f[1:])...)
			if err != nil {
				reply = strings.Fields(err.Error())[0]
			}
			got = append(got, text(reply))
		}
		if s := strings.Join(got, " "); s != x.want {
			t.Errorf("%s:\n%s, want\n%s", x.lines, s, x.want)
		}
	}
}

// TestConnAsOneConnection says random things to a connection to one server and
// to a Conn over four.
func TestConnAsOneConnection(t *testing.T) {
	r := randtest.New(t)
	c, _ := start(t, 4, nil)
	one := single(t)
	many := c.Get()
	defer many.Close()
	lines := []string{
		"MULTI", "MULTI", "MULTI", "EXEC", "EXEC", "EXEC", "DISCARD", "WATCH {t}a", "WATCH {t}a {t}b", "UNWATCH", "RESET",
		"SET {t}a 1", "INCR {t}a", "INCR {t}b", "GET {t}a", "MGET {t}a {t}b", "DEL {t}a {t}b", "PING", "ECHO hi",
		"RPUSH {t}l x", "BLPOP {t}l {t}m 0.001", "LPUSH {t}a wrong", "NOSUCH", "GET", "EXEC now", "MULTI now", "WATCH",
		"EVAL return{1,KEYS[1]} 1 {t}a", "GET elsewhere", "PUBLISH {t}c m", "PUBLISH elsewhere m",
	}
	var said []string
	for range 4000 {
		line := lines[r.IntN(len(lines))]
		if line == "GET elsewhere" && slices.Contains(said, "MULTI") {
			continue // the one difference: in a transaction it is another shard's
		}
		said = append(said, line)
		f := strings.Fields(line)
		args := redis.Args{}.AddFlat(f[1:])
		if r.IntN(2) == 0 {
			one.Send(f[0], args...)
			many.Send(f[0], args...)
			continue
		}
		want, err := one.Do(f[0], args...)
		got, err2 := many.Do(f[0], args...)
		if text(got) != text(want) || text(err2) != text(err) {
			t.Fatalf("%q: %q, %v; want %q, %v", said[max(0, len(said)-20):], got, err2, want, err)
		}
		if r.IntN(10) == 0 { // what was said is settled
			one.Do("RESET")
			many.Do("RESET")
			said = said[:0]
		}
	}
}

// TestConnGoesOnAfterWaiting: what stands behind a command that waited has its
// own time.
func TestConnGoesOnAfterWaiting(t *testing.T) {
	c, _ := start(t, 2, func(c *Config) { c.Timeout = 500 * time.Millisecond })
	conn := c.Get()
	defer conn.Close()
	conn.Send("BLPOP", "none", 1)
	conn.Send("SET", "k", 1)
	conn.Send("WATCH", "k")
	conn.Send("MULTI")
	conn.Send("INCR", "k")
	conn.Send("EXEC")
	reply, err := conn.Do("")
	if want := "[<nil> OK OK OK QUEUED [2]]"; text(reply) != want || err != nil {
		t.Errorf("%s, %v; want %s", text(reply), err, want)
	}
}

// TestConnClosedInATransaction leaves nothing behind.
func TestConnClosedInATransaction(t *testing.T) {
	c, _ := start(t, 1, nil)
	for i := range 100 {
		conn := c.Get()
		conn.Do("WATCH", "k")
		if i%2 == 0 {
			conn.Do("MULTI")
		}
		conn.Close()
		if _, err := conn.Do("EXEC"); err != ErrClosed {
			t.Fatal(err)
		}
	}
	givenBack(t, c)
}

// TestPubSubConnOverShards has redigo's PubSubConn hear four shards, change what
// it hears meanwhile, and lose one.
func TestPubSubConnOverShards(t *testing.T) {
	c, servers := start(t, 4, nil)
	psc := redis.PubSubConn{Conn: c.Get()}
	var channels []any
	for i := range 20 {
		channels = append(channels, fmt.Sprint("ch:", i))
	}
	if err := psc.Subscribe(channels...); err != nil {
		t.Fatal(err)
	}
	for i, ch := range channels {
		if got, want := psc.Receive(), (redis.Subscription{Kind: "subscribe", Channel: ch.(string), Count: i + 1}); got != want {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	}
	psc.PSubscribe("ch:7*")
	if got, want := psc.Receive(), (redis.Subscription{Kind: "psubscribe", Channel: "ch:7*", Count: 21}); got != want {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	got, want := map[string]int{}, map[string]int{"/ch:7/7": 1, "ch:7*/ch:7/7": 1}
	var wg sync.WaitGroup
	wg.Go(func() { // one receives while another publishes
		for range 21 {
			m, ok := psc.Receive().(redis.Message)
			if !ok {
				t.Error("not a message")
			}
			got[m.Pattern+"/"+m.Channel+"/"+string(m.Data)]++
		}
	})
	for i, ch := range channels {
		want[fmt.Sprintf("/%s/%d", ch, i)] = 1
		must(t)(c.Do(bg, "PUBLISH", ch, i))
	}
	wg.Wait()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	if err, ok := psc.ReceiveWithTimeout(20 * time.Millisecond).(error); !ok || !errors.Is(err, ErrTimeout) {
		t.Errorf("a timeout: %v", err)
	}
	must(t)(c.Do(bg, "PUBLISH", "ch:1", "after a timeout"))
	if m, ok := psc.Receive().(redis.Message); !ok || string(m.Data) != "after a timeout" {
		t.Errorf("got %+v", m)
	}
	servers[2].Kill()
	if err, ok := psc.Receive().(error); !ok || !isShardError(err, "shard-2", true) {
		t.Errorf("after kill -9: %v", err)
	}
	if !isShardError(psc.Conn.Err(), "shard-2", true) {
		t.Errorf("Err: %v", psc.Conn.Err())
	}
	if err := psc.Subscribe("more"); !isShardError(err, "shard-2", true) {
		t.Errorf("Subscribe: %v", err)
	}
	psc.Close()
	givenBack(t, c)

	// Close wakes who receives.
	psc = redis.PubSubConn{Conn: c.Get()}
	psc.Subscribe(key(c, "shard-0", 0))
	psc.Receive()
	time.AfterFunc(20*time.Millisecond, func() { psc.Close() })
	if err, ok := psc.Receive().(error); !ok || err != ErrClosed {
		t.Errorf("closed: %v", err)
	}
}
