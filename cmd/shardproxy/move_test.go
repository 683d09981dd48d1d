package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard"
	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/shardtest"
)

// traffic writes through proxies and a client of the library, and knows what was
// acknowledged.
type traffic struct {
	stop    chan struct{}
	all     sync.WaitGroup
	longest atomic.Int64 // of any request, in nanoseconds
	mu      sync.Mutex   // protects the following
	errs    []error
	acked   map[string]int // increments and elements by writer
}

// do is one request by whatever way.
type do func(command string, args ...any) (any, error)

// busy has writers write, in turn through each of the ways.
func busy(ways ...func() (do, func(), error)) *traffic { return busyWith(*moveWriters, ways...) }

func busyWith(writers int, ways ...func() (do, func(), error)) *traffic {
	tr := &traffic{stop: make(chan struct{}), acked: map[string]int{}}
	for w := range writers {
		tr.all.Go(func() {
			send, end, err := ways[w%len(ways)]()
			n := 0
			if err == nil {
				defer end()
				n, err = tr.write(send, fmt.Sprint(w))
			}
			tr.mu.Lock()
			defer tr.mu.Unlock()
			tr.acked[fmt.Sprint(w)] = n
			if err != nil {
				tr.errs = append(tr.errs, fmt.Errorf("writer %d: %w", w, err))
			}
		})
	}
	return tr
}

// write increments, sets and pushes until the end, and returns how often.
func (tr *traffic) write(send do, name string) (int, error) {
	for n := 1; ; n++ {
		select {
		case <-tr.stop:
			return n - 1, nil
		default:
		}
		for _, c := range [][]any{{"INCR", "n:" + name}, {"SET", "s:" + name, n}, {"RPUSH", "l:" + name, n}, {"GET", "s:" + name}} {
			began := time.Now()
			v, err := send(c[0].(string), c[1:]...)
			if i, ok := v.(int64); err == nil && ok && i != int64(n) {
				err = fmt.Errorf("replied %d", i)
			}
			if err != nil {
				return n, fmt.Errorf("%v, number %d: %w", c, n, err)
			}
			for d := int64(time.Since(began)); ; {
				old := tr.longest.Load()
				if d <= old || tr.longest.CompareAndSwap(old, d) {
					break
				}
			}
		}
		time.Sleep(500 * time.Microsecond)
	}
}

// end stops the writers and checks what they wrote.
func (tr *traffic) end(t *testing.T, read do) {
	t.Helper()
	close(tr.stop)
	tr.all.Wait()
	for _, err := range tr.errs {
		t.Error(err)
	}
	total := 0
	for w, n := range tr.acked {
		total += n
		if have, err := redis.Int(read("GET", "n:"+w)); n > 0 && (err != nil || have != n) && len(tr.errs) == 0 {
			t.Errorf("writer %s: counter %d, %v; %d were acknowledged", w, have, err, n)
		}
		list, err := redis.Ints(read("LRANGE", "l:"+w, 0, -1))
		if err != nil || len(list) != n && len(tr.errs) == 0 {
			t.Errorf("writer %s: %d elements, %v; %d were acknowledged", w, len(list), err, n)
		}
		for i, v := range list {
			if v != i+1 {
				t.Errorf("writer %s: element %d is %d", w, i, v)
				break
			}
		}
	}
	t.Logf("%d increments, as many elements; longest request %v", total, time.Duration(tr.longest.Load()).Round(10*time.Microsecond))
}

// through is a connection to a proxy.
func through(addr string) func() (do, func(), error) {
	return func() (do, func(), error) {
		c, err := redis.Dial("tcp", addr, redis.DialReadTimeout(20*time.Second))
		if err != nil {
			return nil, nil, err
		}
		return c.Do, func() { c.Close() }, nil
	}
}

// moving is a pool of two shards with two proxies and a client of the library, and an
// empty server. The file that is moved is the first proxy's; nobody else is told.
type moving struct {
	path      string
	servers   []*shardtest.Server
	to        *shardtest.Server
	proxies   []*shardtest.Server
	sentinels []*shardtest.Server // none, but with byWay
	client    *shard.Client
}

func newMoving(t *testing.T, opts ...shardtest.Option) *moving {
	t.Helper()
	m := &moving{servers: shardtest.RedisN(t, 2, opts...), to: shardtest.Redis(t, opts...)}
	yml := poolOf("${ADDR}", m.servers)
	m.proxies = []*shardtest.Server{serve(t, "shardproxy: {admin: \"${ADDR.admin}\"} # ours\n"+yml), serve(t, yml)}
	m.path = m.proxies[0].ConfigPath()
	var err error
	if m.client, err = shard.Open(m.path, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.client.Close() })
	return m
}

// library is the client's way. READONLY is a reply of the library's, see its README:
// nothing was executed, the next call goes to the new primary.
func (m *moving) library() (do, func(), error) {
	return func(command string, args ...any) (any, error) {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		for {
			v, err := m.client.Do(ctx, command, args...)
			if err == nil || !strings.HasPrefix(err.Error(), "READONLY ") {
				return v, err
			}
			time.Sleep(time.Millisecond)
		}
	}, func() {}, nil
}

// moveKeys and moveBytes are what the shards of TestMove hold, moveWriters those who
// write meanwhile: make migration has more.
var (
	moveWriters = flag.Int("move.writers", 16, "connections that write")
	moveKeys    = flag.Int("move.keys", 20_000, "keys in the shards of TestMove, of all types")
	moveBytes   = flag.Int("move.bytes", 100, "bytes in each of them")
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

// fill gives the shards something to copy, and check reads all of it.
func (m *moving) fill(t *testing.T, keys int) {
	t.Helper()
	batches(t, m.proxies[0].Addr, keys, func(c redis.Conn, i int) error {
		set, _, _ := filled(i)
		return c.Send(set[0].(string), set[1:]...)
	}, func(_ int, _ any, err error) error { return err })
}

func (m *moving) check(t *testing.T, keys int) {
	t.Helper()
	batches(t, m.proxies[1].Addr, keys, func(c redis.Conn, i int) error {
		_, get, _ := filled(i)
		return c.Send(get[0].(string), get[1:]...)
	}, func(i int, reply any, err error) error {
		_, get, want := filled(i)
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

// TestMove: under traffic through a proxy that is told, one that is not and the library,
// by every way and back again: no error, every acknowledged write once.
func TestMove(t *testing.T) {
	for _, way := range []string{"pause", "failover"} {
		t.Run(way, func(t *testing.T) {
			m := newMoving(t)
			m.fill(t, *moveKeys)
			tr := busy(through(m.proxies[0].Addr), through(m.proxies[1].Addr), m.library)
			for _, args := range [][]string{{"--to", m.to.Addr}, {"--back"}} {
				r := m.move(t, append(args, "--shard", "cache-2", "--switch", way)...)
				wantCode(t, r, exitDone)
				wantIn(t, r.stderr, "tell: the proxy at "+m.proxies[0].AddrOf("admin")+" serves epoch")
				t.Log(r.stdout[strings.Index(r.stdout, "Moved:"):])
				if t.Failed() {
					t.Log(r.stderr)
				}
				if args[0] == "--to" {
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
			wantIn(t, m.move(t, "--retire", "--shard", "cache-2").stderr, "1 clients use "+m.to.Addr)
			m.client.Close() // it has a connection there yet
			soonDone(t, func() result { return m.move(t, "--retire", "--shard", "cache-2") })
			if role, _ := m.to.Do("ROLE"); !strings.HasPrefix(fmt.Sprintf("%s", role), "[master ") {
				t.Errorf("retired, it is %s", role)
			}
		})
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
