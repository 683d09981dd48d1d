package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard"
	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/shardtest"
)

// moving is a pool of two shards with two proxies and a client of the library, and an
// empty server. The file that is moved is the first proxy's; nobody else is told.
type moving struct {
	path      string
	servers   []*shardtest.Server
	to        *shardtest.Server
	proxies   []*shardtest.Server
	sentinels []*shardtest.Server // those that watch the servers, if any do
	client    *shard.Client
}

// newMoving has the given lines in its pool, beside the shards.
func newMoving(t *testing.T, lines func(*moving) string, opts ...shardtest.Option) *moving {
	t.Helper()
	m := &moving{servers: shardtest.RedisN(t, 2, opts...), to: shardtest.Redis(t, opts...)}
	yml := poolOf("${ADDR}", m.servers) + lines(m)
	m.proxies = []*shardtest.Server{serve(t, "shardproxy: {admin: \"${ADDR.admin}\"} # ours\n"+yml), serve(t, yml)}
	m.path = m.proxies[0].ConfigPath()
	var err error
	if m.client, err = shard.Open(m.path, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.client.Close() })
	return m
}

// byDefaults is a newMoving as a user has it, with one Sentinel or without.
func byDefaults(t *testing.T, elected bool) *moving {
	t.Helper()
	return newMoving(t, func(m *moving) string {
		if !elected {
			return ""
		}
		m.sentinels = []*shardtest.Server{shardtest.Sentinel(t, monitor(m.servers, 1, "down-after-milliseconds %s 10000"))}
		return sentinelsOf(m.sentinels)
	})
}

// moves says that a key is on the shard that moves.
func (m *moving) moves(key string) bool { return m.client.ShardFor(key) == "cache-2" }

// pids are those of all processes but this one.
func (m *moving) pids() (all []int) {
	for _, s := range slices.Concat(m.servers, m.proxies, []*shardtest.Server{m.to}) {
		all = append(all, s.Pid())
	}
	return all
}

// library is the client's way.
func (m *moving) library() (do, func(), error) {
	return func(command string, args ...any) (any, error) {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		return m.client.Do(ctx, command, args...)
	}, func() {}, nil
}

// What TestMove does; make migration does more.
var (
	moveWriters = flag.Int("move.writers", 16, "connections that write")
	moveKeys    = flag.Int("move.keys", 10_000, "keys of all types in the shard that moves")
	moveBytes   = flag.Int("move.bytes", 100, "bytes in each of them")
	moveWays    = flag.String("move.ways", "pause,fence,failover", "how TestMove moves; also sentinel")
	moveWatch   = flag.Duration("move.watch", 300*time.Millisecond, "how long the load is measured before a move, and watched after it")
	moveWithin  = flag.Duration("move.within", 0, "how much longer than one to the other shard a request may take at the switch of the way pause; 0: it is only printed")
)

// filled is how the key of that number is written, and how it is read.
func filled(i int) (set, get []any, want string) {
	key, value := fmt.Sprintf("filled:%d", i), fmt.Sprint(i, "-", strings.Repeat("x", *moveBytes))
	switch i % 6 {
	case 0:
		return []any{"SET", key, value, "EX", 100_000 + i}, []any{"GET", key}, value
	case 1:
		return []any{"RPUSH", key, "a", value}, []any{"LINDEX", key, 1}, value
	case 2:
		return []any{"HSET", key, "f", value, "g", i}, []any{"HGET", key, "f"}, value
	case 3:
		return []any{"SADD", key, value}, []any{"SISMEMBER", key, value}, "1"
	case 4:
		return []any{"ZADD", key, i, value}, []any{"ZSCORE", key, value}, fmt.Sprint(i)
	}
	return []any{"XADD", key, fmt.Sprintf("%d-1", i), "f", value}, []any{"XLEN", key}, "1"
}

// numbers are those of the keys that are filled: so many on the shard that moves, and a
// few on the other.
func (m *moving) numbers(keys int) (all []int) {
	for i := 0; keys > 0; i++ {
		key := fmt.Sprintf("filled:%d", i)
		moves := m.moves(key)
		if moves || i%16 < 2 {
			all = append(all, i)
		}
		if moves {
			keys--
		}
	}
	return all
}

// fill gives the shards something to copy, and check reads all of it.
func (m *moving) fill(t *testing.T, keys int) {
	t.Helper()
	numbers := m.numbers(keys)
	batches(t, m.proxies[0].Addr, len(numbers), func(c redis.Conn, i int) error {
		set, _, _ := filled(numbers[i])
		return c.Send(set[0].(string), set[1:]...)
	}, func(_ int, _ any, err error) error { return err })
}

func (m *moving) check(t *testing.T, keys int) {
	t.Helper()
	numbers := m.numbers(keys)
	batches(t, m.proxies[1].Addr, len(numbers), func(c redis.Conn, i int) error {
		_, get, _ := filled(numbers[i])
		return c.Send(get[0].(string), get[1:]...)
	}, func(i int, reply any, err error) error {
		_, get, want := filled(numbers[i])
		if b, ok := reply.([]byte); ok {
			reply = string(b)
		}
		if err != nil || fmt.Sprint(reply) != want {
			return fmt.Errorf("%v: %.40v, %v, want %.40s", get, reply, err, want)
		}
		return nil
	})
}

// move runs the command.
func (m *moving) move(t *testing.T, args ...string) result {
	t.Helper()
	return callFor(t, 10*time.Minute, "", "", program, append([]string{"move", "-c", m.path}, args...)...)
}

// at checks where shard cache-2 is, by the nodes and by the file.
func (m *moving) at(t *testing.T, primary, replica *shardtest.Server) {
	t.Helper()
	file, err := config.Load(m.path)
	if err != nil {
		t.Fatal(err)
	}
	if have := file.Pools[0].Shards[1].Primary.Addr; have != primary.Addr {
		t.Errorf("the file has %s, want %s", have, primary.Addr)
	}
	if text, err := os.ReadFile(m.path); err != nil || !strings.Contains(string(text), "# ours\n") {
		t.Errorf("the file's comment is gone: %v\n%s", err, text)
	}
	for s, want := range map[*shardtest.Server]string{primary: "[master ", replica: "[slave "} {
		role, err := s.Do("ROLE")
		if have := fmt.Sprintf("%s", role); err != nil || !strings.HasPrefix(have, want) {
			t.Errorf("%s is %s, %v, want %s", s.Addr, have, err, want)
		}
	}
	for _, s := range []*shardtest.Server{primary, replica} {
		for name, want := range map[string]string{"repl-diskless-sync-delay": "0", "min-replicas-to-write": "0"} {
			if have, err := redis.StringMap(s.Do("CONFIG", "GET", name)); err != nil || have[name] != want {
				t.Errorf("%s has %s %q, %v, want %q", s.Addr, name, have[name], err, want)
			}
		}
	}
}

// TestMove: at half of the maximal load through a proxy that is told, one that is not and
// the library, by every way and back again: no error, every acknowledged write once. It
// prints how long requests took before, while the target synced, at the switch and after,
// beside a sync by hand.
func TestMove(t *testing.T) {
	for _, way := range strings.Split(*moveWays, ",") {
		t.Run(way, func(t *testing.T) {
			m, args := byDefaults(t, way == "sentinel"), []string{"--shard", "cache-2"}
			if way != "sentinel" {
				args = append(args, "--switch", way)
			}
			m.fill(t, *moveKeys)
			names := []string{"through the proxy that is told", "through the one that is not", "of the library"}
			tr := traffics(names, m.moves, through(m.proxies[0].Addr), through(m.proxies[1].Addr), m.library)
			tr.all.Go(func() { tr.waits.watchProcessors(len(names)+2, tr.stop, m.pids()...) })
			most, half, before := tr.halve(*moveWatch)
			t.Logf("%d connections: %.0f requests/s at most, %.0f from here; the shard has %s keys, %s", *moveWriters, most, half,
				info(t, m.servers[1], "keyspace")["db0"], info(t, m.servers[1], "memory")["used_memory_human"])
			byHand := syncByHand(t, m.servers[1])
			forked := fork(t, m.servers[1])
			for _, to := range [][]string{{"--to", m.to.Addr}, {"--back"}} {
				began := time.Now()
				r := m.move(t, append(to, args...)...)
				wantCode(t, r, exitDone)
				wantIn(t, r.stdout, "Writes were held for ")
				wantIn(t, r.stderr, "tell: the proxy at "+m.proxies[0].AddrOf("admin")+" serves epoch")
				if t.Failed() {
					t.Fatal(r.stderr)
				}
				time.Sleep(*moveWatch + settled)
				t.Log(r.stdout[strings.Index(r.stdout, "Moved:"):])
				sync, change, after := m.phases(t, began)
				tr.waits.table(t, before, byHand, sync, change, after)
				m.inTime(t, way, tr.waits, change)
				if to[0] == "--to" {
					t.Logf("the source's fork took %v for the sync by hand, %v for the move", forked, fork(t, m.servers[1]))
					m.at(t, m.to, m.servers[1])
				}
			}
			m.at(t, m.servers[1], m.to)
			read, end, err := through(m.proxies[1].Addr)()
			if err != nil {
				t.Fatal(err)
			}
			defer end()
			tr.end(t, read)
			m.check(t, *moveKeys)
			if way == "sentinel" {
				return // the Sentinels keep it
			}
			m.client.Close() // it may have a connection there yet: TestMoveRetired has one that is in use
			soonDone(t, func() result { return m.move(t, "--retire", "--shard", "cache-2") })
			if role, _ := m.to.Do("ROLE"); !strings.HasPrefix(fmt.Sprintf("%s", role), "[master ") {
				t.Errorf("retired, it is %s", role)
			}
		})
	}
}

// inTime checks how long requests took at the switch, against those to the other shard
// and how long a process waited for a processor then: a busy machine has all wait.
func (m *moving) inTime(t *testing.T, way string, w *waits, change phase) {
	t.Helper()
	if *moveWithin == 0 || way != "pause" {
		return
	}
	ways := len(w.names) - 3
	other, _ := w.longest(ways, change)
	busy, _ := w.longest(ways+2, change)
	for row := range ways {
		if took, _ := w.longest(row, change); took > *moveWithin+max(other, busy) {
			t.Errorf("a request %s took %v at the switch, one to the other shard %v, a wait for a processor %v: want no more than %v longer", w.names[row], took, other, busy, *moveWithin)
		}
	}
}

// soonDone calls a command until it is done.
func soonDone(t *testing.T, f func() result) {
	t.Helper()
	r := f()
	for end := time.Now().Add(5 * time.Second); r.code != exitDone && time.Now().Before(end); r = f() {
		time.Sleep(50 * time.Millisecond)
	}
	wantCode(t, r, exitDone)
}
