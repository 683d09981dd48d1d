package shard

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

// TestTransactionsCountExactly increments by reading and writing, under WATCH,
// in both ways, while others increment too.
func TestTransactionsCountExactly(t *testing.T) {
	c, _ := start(t, 4, nil)
	const each = 60
	counters := []string{key(c, "shard-0", 0), key(c, "shard-3", 0)}
	ways := []func(k string) error{
		func(k string) error { _, err := c.Do(bg, "INCR", k); return err },
		func(k string) error {
			_, err := c.Tx(bg, []string{k}, func(tx *Tx) error {
				n, err := redis.Int(c.Do(bg, "GET", k))
				if err != nil && err != redis.ErrNil {
					return err
				}
				tx.Add("SET", k, n+1)
				return nil
			})
			return err
		},
		func(k string) error {
			conn := c.Get()
			defer conn.Close()
			conn.Send("WATCH", k)
			n, err := redis.Int(conn.Do("GET", k))
			if err != nil && err != redis.ErrNil {
				return err
			}
			conn.Send("MULTI")
			conn.Send("SET", k, n+1)
			reply, err := conn.Do("EXEC")
			if err == nil && reply == nil {
				return ErrTxAborted
			}
			return err
		},
	}
	aborted := make([]atomic.Int64, len(ways))
	var wg sync.WaitGroup
	for w, way := range ways {
		for _, k := range counters {
			wg.Go(func() {
				for n := 0; n < each; {
					switch err := way(k); err {
					case nil:
						n++
					case ErrTxAborted:
						aborted[w].Add(1)
					default:
						t.Errorf("way %d: %v", w, err)
						return
					}
					time.Sleep(100 * time.Microsecond)
				}
			})
		}
	}
	wg.Wait()
	for _, k := range counters {
		if n, err := redis.Int(c.Do(bg, "GET", k)); n != len(ways)*each || err != nil {
			t.Errorf("%s is %d, want %d: %v", k, n, len(ways)*each, err)
		}
	}
	givenBack(t, c)
	if aborted[1].Load() == 0 || aborted[2].Load() == 0 {
		t.Errorf("aborted %d, %d: too little to show anything", aborted[1].Load(), aborted[2].Load())
	}
}

func TestTx(t *testing.T) {
	c, _ := start(t, 3, nil)
	a, b, far := key(c, "shard-0", 0), key(c, "shard-0", 1), key(c, "shard-1", 0)
	must(t)(c.Do(bg, "SET", a, 1))
	nothing := func(what string, err error) {
		t.Helper()
		if n, _ := redis.Int(c.Do(bg, "GET", a)); n != 1 {
			t.Errorf("%s, %v, but the key is %d", what, err, n)
		}
		givenBack(t, c)
	}

	replies, err := c.Tx(bg, nil, func(tx *Tx) error {
		tx.Add("PING").Add("GET", a).Add("MSET", a, 1, b, 2).Add("LPUSH", b, "x").Add("PUBLISH", a, "m").Add("BLPOP", "{"+a+"}none", 0)
		return nil
	})
	want := []any{"PONG", []byte("1"), "OK", redis.Error("WRONGTYPE Operation against a key holding the wrong kind of value"), int64(0), nil}
	for i, r := range replies {
		if !reflect.DeepEqual(r.Value, want[i]) {
			t.Errorf("reply %d: %q, want %q", i, r.Value, want[i])
		}
	}
	if len(replies) != len(want) || !errors.Is(err, want[3].(redis.Error)) {
		t.Errorf("%d replies, %v", len(replies), err)
	}

	for _, x := range []struct {
		watch []string
		line  string
		want  string
	}{
		{nil, "SET " + far + " 1", string(ErrCrossSlot)},
		{nil, "MGET " + a + " " + far, string(ErrCrossSlot)},
		{[]string{far}, "PING", string(ErrCrossSlot)},
		{[]string{a, far}, "PING", string(ErrCrossSlot)},
		{nil, "DBSIZE", "ERR shardring: 'dbsize' cannot be part of a transaction"},
		{nil, "SELECT 0", "ERR shardring: 'select' cannot be part of a transaction"},
		{nil, "WATCH " + a, "ERR shardring: 'watch' cannot be part of a transaction"},
		{nil, "WAIT 0 0", "ERR shardring: 'wait' cannot be part of a transaction"},
		{nil, "SUBSCRIBE x", "ERR shardring: 'subscribe' cannot be part of a transaction"},
		{nil, "CONFIG SET maxmemory 1", "cannot be part of a transaction"},
		{nil, "GET", "ERR wrong number of arguments for 'get' command"},
		{nil, "NOSUCH", "ERR unknown command"},
	} {
		_, err := c.Tx(bg, x.watch, func(tx *Tx) error {
			f := strings.Fields(x.line)
			tx.Add("SET", a, 2).Add(f[0], redis.Args{}.AddFlat(f[1:])...)
			return nil
		})
		if e, ok := err.(redis.Error); !ok || !strings.Contains(string(e), x.want) {
			t.Errorf("%s: %v", x.line, err)
		}
		nothing(x.line, err)
	}

	mine := errors.New("mine")
	_, err = c.Tx(bg, []string{a}, func(tx *Tx) error { tx.Add("SET", a, 2); return mine })
	if err != mine {
		t.Errorf("fn's own error: %v", err)
	}
	nothing("fn's own error", err)

	ctx, cancel := context.WithCancel(bg)
	_, err = c.Tx(ctx, []string{a}, func(tx *Tx) error { tx.Add("SET", a, 2); cancel(); return nil })
	if !isShardError(err, "shard-0", true) || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before EXEC: %v", err)
	}
	nothing("cancelled before EXEC", err)

	_, err = c.Tx(bg, []string{a, b}, func(tx *Tx) error {
		must(t)(c.Do(bg, "SET", b, 3))
		return nil
	})
	if err != ErrTxAborted {
		t.Errorf("watched, read and changed: %v", err)
	}
	if replies, err := c.Tx(bg, []string{a, b}, func(tx *Tx) error { return nil }); err != nil || len(replies) != 0 {
		t.Errorf("watched and read: %v, %v", replies, err)
	}
	// What the pool gave back watches nothing.
	must(t)(c.Do(bg, "SET", b, 4))
	if _, err := c.Tx(bg, nil, func(tx *Tx) error { tx.Add("SET", b, 5); return nil }); err != nil {
		t.Errorf("after the others: %v", err)
	}
}

// TestTxPublishesToAnyShard: messages of a transaction reach their channels' shards
// when it has been executed, and no shard if it has not.
func TestTxPublishesToAnyShard(t *testing.T) {
	c, servers := start(t, 3, nil)
	k, near, far, dead := key(c, "shard-0", 0), key(c, "shard-0", 1), key(c, "shard-1", 0), key(c, "shard-2", 0)
	sub, err := c.Subscribe(bg, near, far)
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	heard := func(want ...string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(bg, 10*time.Second)
		defer cancel()
		var got []string
		for range want {
			m, err := sub.Receive(ctx)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(m.Payload))
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("heard %q, want %q", got, want)
		}
	}
	values := func(replies []Reply) (all []any) {
		for _, r := range replies {
			all = append(all, r.Value)
		}
		return all
	}

	// The first channel does not bind it to a shard, nor do two.
	replies, err := c.Tx(bg, nil, func(tx *Tx) error {
		tx.Add("PUBLISH", far, "1").Add("INCR", k).Add("PUBLISH", near, "2").Add("PUBLISH", far, "3").Add("GET", k).Add("SPUBLISH", dead, "-")
		return nil
	})
	if want := []any{int64(1), int64(1), int64(1), int64(1), []byte("1"), int64(0)}; !reflect.DeepEqual(values(replies), want) || err != nil {
		t.Errorf("%v, %v; want %v", values(replies), err, want)
	}
	heard("1", "2", "3")
	replies, err = c.Tx(bg, nil, func(tx *Tx) error { tx.Add("PUBLISH", near, "4").Add("PUBLISH", far, "5"); return nil })
	if want := []any{int64(1), int64(1)}; !reflect.DeepEqual(values(replies), want) || err != nil {
		t.Errorf("messages alone: %v, %v; want %v", values(replies), err, want)
	}
	heard("4", "5")

	_, err = c.Tx(bg, []string{k}, func(tx *Tx) error {
		must(t)(c.Do(bg, "SET", k, "other"))
		tx.Add("PUBLISH", far, "aborted").Add("PUBLISH", near, "aborted")
		return nil
	})
	if err != ErrTxAborted {
		t.Errorf("aborted: %v", err)
	}
	replies, err = c.Tx(bg, []string{k}, func(tx *Tx) error { tx.Add("PUBLISH", far, "6"); return nil })
	if len(replies) != 1 || err != nil {
		t.Errorf("watched: %v, %v", replies, err)
	}
	heard("6") // and not what was aborted

	servers[2].Kill()
	c.Do(bg, "GET", dead) // so that it is known
	replies, err = c.Tx(bg, nil, func(tx *Tx) error { tx.Add("PUBLISH", dead, "-").Add("SET", k, 2).Add("PUBLISH", far, "7"); return nil })
	if !isShardError(err, "shard-2", true) || len(replies) != 3 || replies[0].Value != nil || !isShardError(replies[0].Err, "shard-2", true) ||
		!reflect.DeepEqual(values(replies[1:]), []any{"OK", int64(1)}) {
		t.Errorf("a shard is down: %v, %v", replies, err)
	}
	heard("7")

	conn := c.Get()
	defer conn.Close()
	for _, line := range []string{"MULTI", "PUBLISH " + far + " 8", "SET " + k + " 3", "PUBLISH " + dead + " -"} {
		f := strings.Fields(line)
		must(t)(conn.Do(f[0], redis.Args{}.AddFlat(f[1:])...))
	}
	all, err := redis.Values(conn.Do("EXEC"))
	if err != nil || len(all) != 3 || all[0] != int64(1) || all[1] != "OK" {
		t.Fatalf("EXEC of a Conn: %v, %v", all, err)
	}
	if e, ok := all[2].(redis.Error); !ok || !strings.HasPrefix(string(e), "ERR shard 'shard-2' at ") {
		t.Errorf("EXEC of a Conn: %v", all[2])
	}
	heard("8")
	sub.Close()
	givenBack(t, c)
}

func TestTxRefusedByTheServer(t *testing.T) {
	c, servers := start(t, 1, nil)
	must(t)(c.Do(bg, "SET", "k", strings.Repeat("x", 1000)))
	must(t)(servers[0].Do("CONFIG", "SET", "maxmemory", 1))
	_, err := c.Tx(bg, nil, func(tx *Tx) error { tx.Add("DEL", "k").Add("SET", "k", 1); return nil })
	if e, ok := err.(redis.Error); !ok || !strings.HasPrefix(string(e), "EXECABORT Transaction discarded because of: OOM") {
		t.Errorf("got %v", err)
	}
	if n, _ := redis.Int(c.Do(bg, "EXISTS", "k")); n != 1 {
		t.Error("DEL was executed")
	}
}

func TestTxOverALostConnection(t *testing.T) {
	c, servers := start(t, 1, nil)
	must(t)(c.Do(bg, "SET", "k", 1))
	_, err := c.Tx(bg, []string{"k"}, func(tx *Tx) error {
		must(t)(servers[0].Do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"))
		tx.Add("INCR", "k")
		return nil
	})
	if !isShardError(err, "shard-0", false) {
		t.Errorf("got %v", err)
	}
	if n, err := redis.Int(c.Do(bg, "GET", "k")); n != 1 || err != nil {
		t.Errorf("executed without its WATCH: %d, %v", n, err)
	}
	// Once the shared line is known to have been lost, the pool's idle
	// connections are not trusted.
	add := func(tx *Tx) error { tx.Add("INCR", "k"); return nil }
	must(t)(c.Tx(bg, []string{"k"}, add))
	must(t)(servers[0].Do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"))
	must(t)(c.Do(bg, "GET", "k"))
	must(t)(c.Tx(bg, []string{"k"}, add))
	servers[0].Kill()
	if _, err := c.Tx(bg, []string{"k"}, nil); !isShardError(err, "shard-0", true) {
		t.Errorf("dead: %v", err)
	}
	if _, err := c.Tx(bg, nil, add); !isShardError(err, "shard-0", true) {
		t.Errorf("dead: %v", err)
	}
	servers[0].Restart()
	eventually(t, "back", func() bool {
		_, err := c.Tx(bg, []string{"k"}, add)
		return err == nil
	})
}

// TestTxWhileConnectionsAreLost: what is reported as executed was, what is safe
// to retry was not.
func TestTxWhileConnectionsAreLost(t *testing.T) {
	c, servers := start(t, 2, nil)
	var stop atomic.Bool
	var acked, maybe, safe [6]int64
	var wg sync.WaitGroup
	for i := range acked {
		wg.Go(func() {
			k := fmt.Sprint("counter:", i)
			for !stop.Load() {
				_, err := c.Tx(bg, []string{k}, func(tx *Tx) error { tx.Add("INCR", k); return nil })
				var se *ShardError
				switch {
				case err == nil:
					acked[i]++
				case errors.As(err, &se) && se.SafeToRetry:
					safe[i]++
				case errors.As(err, &se):
					maybe[i]++
				default:
					t.Errorf("Tx: %v", err)
				}
			}
		})
	}
	for i := range 30 {
		time.Sleep(10 * time.Millisecond)
		must(t)(servers[i%2].Do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"))
	}
	stop.Store(true)
	wg.Wait()
	givenBack(t, c)
	var lost int64
	for i := range acked {
		n, err := redis.Int64(c.Do(bg, "GET", fmt.Sprint("counter:", i)))
		if err != nil || n < acked[i] || n > acked[i]+maybe[i] {
			t.Errorf("counter %d is %d after %d executed and %d perhaps: %v", i, n, acked[i], maybe[i], err)
		}
		lost += maybe[i] + safe[i]
	}
	if lost == 0 {
		t.Error("none was lost: too little to show anything")
	}
}
