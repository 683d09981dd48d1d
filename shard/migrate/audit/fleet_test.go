package audit

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/ring"
	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/shardtest"
)

var (
	manyKeys      = flag.Int("audit.keys", 50_000, "keys of TestFindsExactlyAndRepairs")
	manyMisplaced = flag.Int("audit.misplaced", 1000, "of them misplaced")
)

// fleet is a pool over real servers.
type fleet struct {
	t       *testing.T
	servers []*shardtest.Server
	pool    *config.Pool
	ring    *ring.Ring
	conns   []redis.Conn
}

// newFleet starts n servers. The file may have more lines of the pool.
func newFleet(t *testing.T, n int, lines ...string) *fleet {
	t.Helper()
	f := &fleet{t: t, servers: shardtest.RedisN(t, n, shardtest.Args("--enable-debug-command", "yes"))}
	var b strings.Builder
	b.WriteString("cache:\n  redis: true\n")
	for _, l := range lines {
		fmt.Fprintf(&b, "  %s\n", l)
	}
	b.WriteString("  shards:\n")
	for i, s := range f.servers {
		fmt.Fprintf(&b, "    - {name: cache-%d, primary: %s}\n", i+1, s.Addr)
		f.conns = append(f.conns, connect(t, s))
	}
	f.pool = parse(t, b.String())
	var err error
	if f.ring, err = ring.New(f.pool.Ring); err != nil {
		t.Fatal(err)
	}
	return f
}

func parse(t *testing.T, text string) *config.Pool {
	t.Helper()
	file, err := config.Parse("pools.yml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return file.Pools[0]
}

func connect(t *testing.T, s *shardtest.Server) redis.Conn {
	t.Helper()
	c, err := redis.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func (f *fleet) open(opt Options) *Auditor {
	f.t.Helper()
	a, err := Open(f.t.Context(), f.pool, opt)
	if err != nil {
		f.t.Fatal(err)
	}
	return a
}

// find returns what Find reports and the keys.
func (f *fleet) find(a *Auditor) (*Report, []Key) {
	f.t.Helper()
	var keys []Key
	r, err := a.Find(f.t.Context(), func(k Key) { keys = append(keys, k) })
	if err != nil {
		f.t.Fatal(err)
	}
	if int64(len(keys)) != r.Misplaced {
		f.t.Errorf("%d keys, the report says %d", len(keys), r.Misplaced)
	}
	return r, keys
}

// do asks a server and fails the test on an error.
func (f *fleet) do(server int, name string, args ...any) any {
	f.t.Helper()
	v, err := f.conns[server].Do(name, args...)
	if err != nil {
		f.t.Fatalf("%s %v at %s: %v", name, args, f.servers[server].Addr, err)
	}
	return v
}

func (f *fleet) has(server int, key string) bool {
	f.t.Helper()
	return f.do(server, "EXISTS", key) == int64(1)
}

// away is a server that does not own the key.
func (f *fleet) away(key string) int { return (f.ring.OwnerString(key) + 1) % len(f.servers) }

// state is all that has to stay of a key.
type state struct {
	dump   string // canonical
	expire int64
}

func (f *fleet) state(server int, key string) state {
	f.t.Helper()
	dump, err := redis.Bytes(f.do(server, "DUMP", key), nil)
	if err != nil {
		f.t.Fatalf("DUMP %s at %s: %v", key, f.servers[server].Addr, err)
	}
	expire, err := redis.Int64(f.do(server, "PEXPIRETIME", key), nil)
	if err != nil {
		f.t.Fatal(err)
	}
	return state{string(canonical(dump)), expire}
}

// kinds are commands that make a key of each type; of some both a small and a
// large one, which servers keep in different ways.
var kinds = []func(i int) []any{
	func(i int) []any { return []any{"SET", nil, fmt.Sprintf("value %d", i)} },
	func(i int) []any { return []any{"SET", nil, i} },
	func(i int) []any { return []any{"RPUSH", nil, "a", i, strings.Repeat("x", i%300)} },
	func(i int) []any { return []any{"SADD", nil, i, i + 1, "text"} },
	func(i int) []any { return []any{"SADD", nil, i, i + 1} },
	func(i int) []any { return []any{"ZADD", nil, i, "one", 2.5, "two"} },
	func(i int) []any { return []any{"HSET", nil, "field", i, "other", strings.Repeat("y", i%100)} },
	func(i int) []any { return []any{"XADD", nil, "*", "field", i} },
}

var large = []func(i int) []any{
	func(i int) []any {
		return many("SADD", 1000, func(j int) []any { return []any{fmt.Sprint("member-", i, "-", j)} })
	},
	func(i int) []any {
		return many("HSET", 700, func(j int) []any { return []any{fmt.Sprint("field-", j), i * j} })
	},
	func(i int) []any {
		return many("ZADD", 500, func(j int) []any { return []any{j * i, fmt.Sprint("member-", j)} })
	},
	func(i int) []any {
		return many("RPUSH", 2000, func(j int) []any { return []any{fmt.Sprint("element-", i, "-", j)} })
	},
	func(i int) []any { return []any{"SET", nil, strings.Repeat("0123456789", 20_000)} },
}

func many(name string, n int, each func(j int) []any) []any {
	args := []any{name, nil}
	for j := range n {
		args = append(args, each(j)...)
	}
	return args
}

// fill makes n keys at home, and misplaced others in their midst elsewhere, and
// returns the misplaced. Every third has a time to live, and one stream a group
// with an entry that is pending.
func (f *fleet) fill(n, misplaced int) []string {
	f.t.Helper()
	var wrong []string
	send := func(server int, args []any, key string) {
		args[1] = key
		if err := f.conns[server].Send(args[0].(string), args[1:]...); err != nil {
			f.t.Fatal(err)
		}
	}
	pending := make([]int, len(f.conns))
	flush := func() {
		for i, c := range f.conns {
			if _, err := c.Do(""); err != nil {
				f.t.Fatal(err)
			}
			pending[i] = 0
		}
	}
	every := n / misplaced
	for i := range n {
		key := fmt.Sprintf("key:%d", i)
		server, make := f.ring.OwnerString(key), kinds[i%len(kinds)]
		if i%every == 0 && len(wrong) < misplaced {
			server = f.away(key)
			make = kinds[len(wrong)%len(kinds)]
			if len(wrong)%50 == 0 {
				make = large[len(wrong)/50%len(large)]
			}
			wrong = append(wrong, key)
		}
		send(server, make(i), key)
		if (i/every)%3 == 0 {
			send(server, []any{"PEXPIREAT", nil, time.Now().Add(time.Hour).UnixMilli() + int64(i)}, key)
		}
		if i%5000 == 4999 {
			flush()
		}
	}
	flush()
	stream := "stream with a group"
	at := f.away(stream)
	f.do(at, "XADD", stream, "1-1", "a", "b")
	f.do(at, "XGROUP", "CREATE", stream, "group", "0")
	f.do(at, "XREADGROUP", "GROUP", "group", "worker", "STREAMS", stream, ">")
	return append(wrong, stream)
}
