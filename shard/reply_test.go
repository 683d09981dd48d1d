package shard

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/ring/randtest"
)

// argument is rendered by its own method.
type argument struct{ v any }

func (a argument) RedisArg() any { return a.v }

type shout string

func (s shout) String() string { return strings.ToUpper(string(s)) }

// TestArgumentsAsRedigo sends one value of every type as key and as value.
func TestArgumentsAsRedigo(t *testing.T) {
	c, servers := start(t, 3, nil)
	plain := single(t)
	for i, arg := range []any{
		"text", []byte("by\r\ntes"), "", []byte{}, 7, int64(-8), 1.5, 1e100, true, false, nil,
		int8(3), uint64(1) << 63, float32(2.5), shout("x"), argument{"inner"}, argument{argument{5}}, argument{shout("y")},
		[]string{"a", "b"}, struct{ A int }{1}, time.Second, errors.New("e"),
	} {
		want, _ := redis.String(plain.Do("ECHO", arg))
		must(t)(c.Do(bg, "SET", fmt.Sprintf("as value %d", i), arg))
		if got, err := redis.String(c.Do(bg, "GET", fmt.Sprintf("as value %d", i))); got != want || err != nil {
			t.Errorf("%T %v as value: %q, %v; want %q", arg, arg, got, err, want)
		}
		must(t)(c.Do(bg, "SET", arg, i))
		home := servers[slices.Index(c.Shards(), c.ShardFor(want))]
		if got, err := redis.Int(home.Do("GET", want)); got != i || err != nil {
			t.Errorf("%T %v as key: %d, %v on its shard; want %d", arg, arg, got, err, i)
		}
	}
}

func TestSplitCommands(t *testing.T) {
	c, _ := start(t, 4, nil)
	a, b, d := key(c, "shard-0", 0), key(c, "shard-1", 0), key(c, "shard-2", 0)
	a2 := key(c, "shard-0", 1)
	for _, step := range []struct {
		cmd  string
		args []any
		want any
	}{
		{"MSET", []any{a, 1, b, 2, a2, 3}, "OK"},
		{"MGET", []any{b, "missing", a2, a, b}, []any{[]byte("2"), nil, []byte("3"), []byte("1"), []byte("2")}},
		{"mget", []any{a, a2}, []any{[]byte("1"), []byte("3")}},
		{"EXISTS", []any{a, b, d, a}, int64(3)},
		{"TOUCH", []any{a, b, d}, int64(2)},
		{"DEL", []any{a, d, b}, int64(2)},
		{"UNLINK", []any{a, a2}, int64(1)},
		{"DBSIZE", nil, int64(0)},
	} {
		got, err := c.Do(bg, step.cmd, step.args...)
		if err != nil || !reflect.DeepEqual(got, step.want) {
			t.Errorf("%s %v: %q, %v; want %q", step.cmd, step.args, got, err, step.want)
		}
	}
}

func TestKeysMustShareAShard(t *testing.T) {
	c, _ := start(t, 2, nil)
	a, b := key(c, "shard-0", 0), key(c, "shard-1", 0)
	for _, args := range [][]any{{"RENAME", a, b}, {"SUNION", a, b}, {"EVAL", "return 1", 2, a, b}, {"MSETNX", a, 1, b, 2}} {
		reply, err := c.Do(bg, args[0].(string), args[1:]...)
		if err != ErrCrossSlot || reply != ErrCrossSlot {
			t.Errorf("%v: %v, %v", args, reply, err)
		}
	}
	must(t)(c.Do(bg, "SET", "{tag}a", 1))
	must(t)(c.Do(bg, "RENAME", "{tag}a", "{tag}b"))
}

func TestScriptsAreFoundOnEveryShard(t *testing.T) {
	c, _ := start(t, 3, nil)
	script := redis.NewScript(1, "return redis.call('INCR', KEYS[1]) * ARGV[1]")
	conn := c.Get()
	defer conn.Close()
	if err := script.Load(conn); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if n, err := redis.Int(c.Do(bg, "EVALSHA", script.Hash(), 1, fmt.Sprint("n", i), 5)); n != 5 || err != nil {
			t.Fatalf("EVALSHA: %d, %v", n, err)
		}
	}
	if all, err := redis.Ints(c.Do(bg, "SCRIPT", "EXISTS", script.Hash(), strings.Repeat("0", 40))); !reflect.DeepEqual(all, []int{1, 0}) {
		t.Errorf("SCRIPT EXISTS: %v, %v", all, err)
	}
	must(t)(c.Do(bg, "SCRIPT", "FLUSH"))
	if _, err := c.Do(bg, "EVALSHA", script.Hash(), 1, "n", 5); err == nil || !strings.HasPrefix(err.Error(), "NOSCRIPT") {
		t.Errorf("after SCRIPT FLUSH: %v", err)
	}
	if n, err := redis.Int(script.Do(conn, "n1", 2)); n != 4 || err != nil { // EVALSHA, NOSCRIPT, EVAL
		t.Errorf("Script.Do: %d, %v", n, err)
	}
}

func TestScanReturnsEveryKeyOnce(t *testing.T) {
	c, _ := start(t, 3, nil)
	p := c.Pipeline()
	for i := range 1000 {
		p.Add("SET", fmt.Sprintf("s:%d", i), i)
	}
	if _, err := p.Exec(bg); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	var cursor any = 0
	for range 1000 {
		page, err := redis.Values(c.Do(bg, "SCAN", cursor, "COUNT", 50))
		if err != nil {
			t.Fatal(err)
		}
		keys, _ := redis.Strings(page[1], nil)
		for _, k := range keys {
			seen[k]++
		}
		cursor = page[0]
		if next, _ := redis.String(cursor, nil); next == "0" {
			break
		}
	}
	if len(seen) != 1000 {
		t.Errorf("SCAN returned %d of 1000 keys", len(seen))
	}
	if n, err := redis.Int(c.Do(bg, "DBSIZE")); n != 1000 || err != nil {
		t.Errorf("DBSIZE: %d, %v", n, err)
	}
	if keys, err := redis.Strings(c.Do(bg, "KEYS", "s:99?")); len(keys) != 10 || err != nil {
		t.Errorf("KEYS: %v, %v", keys, err)
	}
	for _, bad := range []any{"x", -1, "18446744073709551616"} {
		if _, err := c.Do(bg, "SCAN", bad); err == nil || err.Error() != "ERR invalid cursor" {
			t.Errorf("SCAN %v: %v", bad, err)
		}
	}
	must(t)(c.Do(bg, "FLUSHALL"))
	if n, err := redis.Int(c.Do(bg, "DBSIZE")); n != 0 || err != nil {
		t.Errorf("DBSIZE after FLUSHALL: %d, %v", n, err)
	}
	if keys, err := c.Do(bg, "KEYS", "*"); !reflect.DeepEqual(keys, []any{}) || err != nil {
		t.Errorf("KEYS of nothing: %#v, %v", keys, err)
	}
}

func TestInfoOfAllShards(t *testing.T) {
	c, _ := start(t, 3, nil)
	for i := range 30 {
		must(t)(c.Do(bg, "SET", i, i))
	}
	info, err := redis.String(c.Do(bg, "INFO"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\r\ndb0:keys=30,expires=0,avg_ttl=0\r\n", "# Shards\r\nshards:3\r\nshard0:name=shard-0,addr=", "role:master\r\n"} {
		if !strings.Contains(info, want) {
			t.Errorf("INFO lacks %q:\n%s", want, info)
		}
	}
}

func TestErrorReplies(t *testing.T) {
	c, _ := start(t, 2, nil)
	must(t)(c.Do(bg, "RPUSH", "list", 1))
	for _, x := range []struct{ line, want string }{
		{"GET", "ERR wrong number of arguments for 'get' command"},
		{"INCR list", "WRONGTYPE Operation against a key holding the wrong kind of value"},
		{"NOSUCH a b", "ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' "},
		{"MSET a", "ERR wrong number of arguments for 'mset' command"},
		{"MULTI", "ERR shardring: 'multi' needs a connection: use Client.Tx"},
		{"BLPOP list", "ERR wrong number of arguments for 'blpop' command"},
		{"BLPOP list soon", "ERR timeout is not a float or out of range"},
		{"SUBSCRIBE c", "ERR shardring: 'subscribe' needs a connection: use Client.Subscribe"},
		{"AUTH x", "ERR 'auth' is not for a sharded client"},
		{"SELECT 3", "ERR DB index is out of range: pool serves database 0 only"},
		{"EVAL x 1", "ERR Number of keys can't be greater than number of args"},
	} {
		f := strings.Fields(x.line)
		reply, err := c.Do(bg, f[0], redis.Args{}.AddFlat(f[1:])...)
		e, ok := err.(redis.Error)
		if !ok || reply != e || !strings.Contains(string(e), x.want) {
			t.Errorf("%s: %v, %v; want %s", x.line, reply, err, x.want)
		}
	}
	for _, x := range []struct {
		line string
		want any
	}{
		{"PING", "PONG"}, {"PING hi", []byte("hi")}, {"ECHO hi", []byte("hi")}, {"SELECT 0", "OK"},
		{"CLIENT SETNAME me", "OK"}, {"CLIENT GETNAME", nil}, {"READONLY", "OK"},
		{"COMMAND GETKEYS GET k", []any{[]byte("k")}}, {"CONFIG GET nothing", []any{}},
	} {
		f := strings.Fields(x.line)
		if reply, err := c.Do(bg, f[0], redis.Args{}.AddFlat(f[1:])...); !reflect.DeepEqual(reply, x.want) || err != nil {
			t.Errorf("%s: %q, %v; want %q", x.line, reply, err, x.want)
		}
	}
}

// TestAsOneServer runs random commands on one server and on four shards.
func TestAsOneServer(t *testing.T) {
	r := randtest.New(t)
	c, _ := start(t, 4, nil)
	one := single(t)
	keys := func(n int) []any {
		out := make([]any, n)
		for i := range out {
			out[i] = fmt.Sprintf("k%d", r.IntN(40))
		}
		return out
	}
	commands := []func() (string, []any){
		func() (string, []any) { return "SET", append(keys(1), r.IntN(100)) },
		func() (string, []any) { return "SET", append(keys(1), "x", "NX") },
		func() (string, []any) { return "GET", keys(1) },
		func() (string, []any) { return "INCRBY", append(keys(1), r.IntN(9)) },
		func() (string, []any) { return "APPEND", append(keys(1), "é\r\n\x00") },
		func() (string, []any) { return "LPUSH", append(keys(1), r.IntN(9), 2.5) },
		func() (string, []any) { return "LRANGE", append(keys(1), 0, -1) },
		func() (string, []any) { return "HSET", append(keys(1), "f", r.IntN(9), "g", true) },
		func() (string, []any) { return "HGETALL", keys(1) },
		func() (string, []any) { return "ZADD", append(keys(1), r.Float64(), "m") },
		func() (string, []any) { return "TYPE", keys(1) },
		func() (string, []any) { return "DEL", keys(1 + r.IntN(6)) },
		func() (string, []any) { return "UNLINK", keys(1 + r.IntN(6)) },
		func() (string, []any) { return "EXISTS", keys(1 + r.IntN(6)) },
		func() (string, []any) { return "TOUCH", keys(1 + r.IntN(6)) },
		func() (string, []any) { return "MGET", keys(1 + r.IntN(20)) },
		func() (string, []any) {
			var a []any
			for _, k := range keys(1 + r.IntN(10)) {
				a = append(a, k, r.IntN(1000))
			}
			return "MSET", a
		},
		func() (string, []any) { return "DBSIZE", nil },
		func() (string, []any) { return "KEYS", []any{"k1*"} },
		func() (string, []any) { return "EVAL", append([]any{"return {KEYS[1], 7}", 1}, keys(1)...) },
		func() (string, []any) { return "GETRANGE", keys(1) }, // too few
		func() (string, []any) { return "STRLEN", keys(1) },
		func() (string, []any) { return "MSET", keys(3) }, // odd
	}
	ask := func(n int) {
		cmd, args := commands[r.IntN(len(commands))]()
		want, wantErr := one.Do(cmd, args...)
		got, err := c.Do(bg, cmd, args...)
		if cmd == "KEYS" {
			want, got = sorted(want), sorted(got)
		}
		if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(err, wantErr) {
			t.Fatalf("command %d: %s %q\n one server: %q, %v\nfour shards: %q, %v", n, cmd, args, want, wantErr, got, err)
		}
	}
	for n := range 5000 {
		if r.IntN(20) > 0 {
			ask(n)
			continue
		}
		p := c.Pipeline()
		size := r.IntN(60)
		for range size {
			cmd, args := commands[r.IntN(len(commands)-5)]() // without KEYS
			if cmd == "KEYS" || cmd == "DBSIZE" {
				continue // these look at other shards, whose order is not ours
			}
			p.Add(cmd, args...)
			one.Send(cmd, args...)
		}
		want, _ := redis.Values(one.Do(""))
		replies, _ := p.Exec(bg)
		for i := range replies {
			if e, ok := want[i].(redis.Error); ok {
				if replies[i].Err != e {
					t.Fatalf("pipeline reply %d: %v, want %v", i, replies[i].Err, e)
				}
			} else if !reflect.DeepEqual(replies[i].Value, want[i]) || replies[i].Err != nil {
				t.Fatalf("pipeline reply %d: %q, %v, want %q", i, replies[i].Value, replies[i].Err, want[i])
			}
		}
	}
}

// sorted returns the elements of an array of strings in order.
func sorted(reply any) any {
	s, err := redis.Strings(reply, nil)
	if err != nil {
		return reply
	}
	sort.Strings(s)
	return s
}
