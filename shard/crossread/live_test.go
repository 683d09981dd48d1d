package crossread

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/ring/randtest"
	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/resp"
	"github.com/shardring/shardring/shard/shardtest"
)

var run = randtest.NewRun("crossread", "TestAsOneServer", 3000, 3000)

const shards = 4

// TestAsOneServer puts random keys on one server and spread over four, and
// compares the replies to random commands: in RESP2, in RESP3 and as redigo's
// values.
func TestAsOneServer(t *testing.T) {
	seed, steps := run.Begin(t)
	w := newWorld(t, rand.New(rand.NewPCG(seed, 1)))
	for k := range keys {
		w.fill(k)
	}
	results := map[string]int{}
	for step := range steps {
		if w.IntN(3) == 0 {
			w.fill(w.IntN(keys))
		}
		request := w.request()
		want, have := w.compare(request, []form{resp2, resp3, values}[step%3])
		if want != have {
			t.Fatalf("step %d, %q: one server says\n%.2000q, four\n%.2000q", step, request, want, have)
		}
		code, _, _ := strings.Cut(want, " ")
		if !strings.HasPrefix(code, "-") {
			code = "result"
		}
		results[strings.ToLower(string(request[0]))+" "+code]++
	}
	// A generator that makes nothing but errors tests nothing.
	for i := range operations {
		if name := operations[i].name; results[name+" result"] < steps/50 {
			t.Errorf("%s had only %d results: %v", name, results[name+" result"], results)
		}
	}
}

// form is how replies come and go.
type form int

const (
	resp2 form = iota
	resp3
	values
)

// world is servers with the same keys: all on one, and each on the shard owner
// says.
type world struct {
	*rand.Rand
	t      *testing.T
	table  *command.Table
	one    peer
	spread [shards]peer
}

// peer is the connections to one server.
type peer struct {
	redigo       redis.Conn
	resp2, resp3 *rawConn
}

func newWorld(t *testing.T, r *rand.Rand) *world {
	w := &world{Rand: r, t: t, table: command.Builtin()}
	for i, s := range shardtest.RedisN(t, 1+shards) {
		p := peer{dialRedigo(t, s.Addr), dialRaw(t, s.Addr, 2), dialRaw(t, s.Addr, 3)}
		if i == 0 {
			w.one = p
		} else {
			w.spread[i-1] = p
		}
	}
	return w
}

func owner(key []byte) int { return int(key[len(key)-1]) % shards }

// compare returns the replies of the one server and of the four to a request,
// members of sets sorted.
func (w *world) compare(request command.Slices, f form) (want, have string) {
	w.t.Helper()
	unordered := request[0][0] != 'z'
	if f == values {
		args := make([]any, len(request)-1)
		for i := range args {
			args[i] = request[1+i]
		}
		reply, err := w.one.redigo.Do(string(request[0]), args...)
		return printed(reply, err, unordered), printed(w.readValues(request), nil, unordered)
	}
	to, proto := w.one.resp2, 2
	if f == resp3 {
		to, proto = w.one.resp3, 3
	}
	reply := to.do(resp.AppendRequest(nil, strs(request)...))
	return normal(w.t, reply, unordered), normal(w.t, w.readBytes(request, proto), unordered)
}

// plan does what a caller of this package does before it sends anything.
func (w *world) plan(request command.Slices) (*Plan, error) {
	cmd, err := w.table.Resolve(request)
	if err != nil {
		return nil, err
	}
	keys, err := cmd.Keys(nil, request)
	if err != nil {
		return nil, err
	}
	owners := make([]int, len(keys))
	for k, at := range keys {
		owners[k] = owner(request[at])
	}
	return New(cmd, request, keys, owners)
}

// readBytes gathers as the proxy does. Shards may speak another version than
// the client.
func (w *world) readBytes(request command.Slices, proto int) []byte {
	plan, err := w.plan(request)
	if err != nil {
		return resp.AppendError(nil, err.Error())
	}
	replies := make([][]byte, len(plan.Requests))
	for i := range replies {
		r := &plan.Requests[i]
		c := w.spread[r.Owner].resp2
		if w.IntN(2) == 0 {
			c = w.spread[r.Owner].resp3
		}
		replies[i] = c.do(r.AppendTo(nil))
	}
	out, err := plan.AppendReply(nil, proto, replies)
	if err != nil {
		return resp.AppendError(out, err.Error())
	}
	return out
}

// readValues gathers as the library does.
func (w *world) readValues(request command.Slices) any {
	plan, err := w.plan(request)
	if err != nil {
		return redis.Error(err.Error())
	}
	replies := make([]any, len(plan.Requests))
	for i := range replies {
		r := &plan.Requests[i]
		args := make([]any, len(r.Args))
		for j := range args {
			args[j] = r.Args[j]
		}
		reply, err := w.spread[r.Owner].redigo.Do(r.Name, args...)
		replies[i] = reply
		if err != nil {
			replies[i] = err
		}
	}
	v, err := plan.Reply(replies)
	if err != nil {
		return redis.Error(err.Error())
	}
	return v
}

// printed writes a value with its types.
func printed(v any, err error, unordered bool) string {
	if err != nil {
		v = err
	}
	if e, ok := v.(redis.Error); ok {
		return "-" + string(e)
	}
	if all, ok := v.([]any); ok && unordered {
		slices.SortFunc(all, func(a, b any) int { return bytes.Compare(a.([]byte), b.([]byte)) })
	}
	return fmt.Sprintf("%#v", v)
}

// normal sorts the members of a set in a reply.
func normal(t *testing.T, b []byte, unordered bool) string {
	if b[0] != '*' && b[0] != '~' || !unordered {
		return string(b)
	}
	r, err := parseReply(b)
	if err != nil {
		t.Fatalf("%q: %v", b, err)
	}
	slices.SortFunc(r.items, bytes.Compare)
	return fmt.Sprintf("%c%q", b[0], r.items)
}

func strs(request command.Slices) []string {
	all := make([]string, len(request))
	for i, arg := range request {
		all[i] = string(arg)
	}
	return all
}

// rawConn is a connection that hands out replies as bytes.
type rawConn struct {
	t    *testing.T
	conn net.Conn
}

func dialRaw(t *testing.T, addr string, proto int) *rawConn {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(5 * time.Minute))
	c := &rawConn{t: t, conn: conn}
	c.do(resp.AppendRequest(nil, "HELLO", fmt.Sprint(proto)))
	return c
}

func (c *rawConn) do(request []byte) []byte {
	c.t.Helper()
	if _, err := c.conn.Write(request); err != nil {
		c.t.Fatal(err)
	}
	var cut resp.Cutter
	var reply []byte
	for piece := make([]byte, 64<<10); ; {
		n, err := c.conn.Read(piece)
		if err != nil {
			c.t.Fatal(err)
		}
		reply = append(reply, piece[:n]...)
		if _, done, err := cut.Cut(piece[:n]); done || err != nil {
			return reply
		}
	}
}

func dialRedigo(t *testing.T, addr string) redis.Conn {
	conn, err := redis.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// TestOneServerSaysSo holds cases of the table against a server, those that a
// random run seldom meets.
func TestOneServerSaysSo(t *testing.T) {
	w := newWorld(t, randtest.New(t))
	for _, line := range []string{
		"ZADD a 1 x inf y -inf z 0 n", "ZADD b -inf x -inf y inf z -0 n", "ZADD c 1e16 x 0 n", "ZADD d -1e16 x 0.1 y",
		"SADD e x y q", "SADD f x 1 2", "SET g string", "SET h HYLL", "PFADD i a b c", "PFADD j c d",
		"SETRANGE k 12303 \x00",
	} {
		f := strings.Fields(line)
		w.write([]byte(f[1]), f...)
	}
	saturated := []byte("HYLL\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80")
	w.write([]byte("l"), "SET", "l", string(append(saturated, bytes.Repeat([]byte{0xff}, denseBytes-hllHeader)...)))
	for i, body := range []string{"\x7f\xff", "\x7f", "\x7f\xfe\x80", "\x7f\xfe\x81", "\x7f\xff\x00", "", "\x7f\xff\x7f\xff", "\x3f\x7f\xbf"} {
		key := fmt.Sprintf("sparse-%c", 'a'+i)
		w.write([]byte(key), "SET", key, "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80"+body)
	}
	for _, line := range []string{
		"zunion 2 a b withscores", "zinter 2 a b withscores", "zinter 2 a b withscores aggregate min", "zunion 3 a b c withscores aggregate max",
		"zunion 3 a c d withscores", "zunion 3 d c a withscores", "zunion 3 a c e weights 0 0 0 withscores", "zinter 2 a b weights 0 0 aggregate min withscores",
		"zinter 3 a b e weights 0 0 inf aggregate max withscores", "zinter 2 e a weights 1 0 aggregate min withscores",
		"zunion 2 a b weights inf -inf withscores", "zunion 2 a b aggregate max aggregate min weights 1 2 weights -0 3 withscores withscores",
		"zunion 2 c b weights -1 0 aggregate min withscores",
		"zunion 2 a b weights 1", "zunion 2 a b weights 1 x", "zunion 2 a g weights 1 x", "zunion 2 g a nothing", "zunion 2 a b aggregate", "zunion 2 a b aggregate avg",
		"zunion 2 a b limit 1", "zinter 2 a missing withscores", "zdiff 2 a b weights 1 2", "zdiff 2 a e withscores", "zdiff 3 a b a withscores", "zdiff 2 a missing",
		"zdiff 2 missing a", "zintercard 2 a b limit -1", "zintercard 2 a g limit -1", "zintercard 2 a b limit 2", "zintercard 2 a b limit 0", "zintercard 2 a b limit",
		"zintercard 2 a b limit +1", "zintercard 2 a b withscores", "zunion 0 a b", "zunion x a b", "zunion 3 a b", "zdiff -1 a b", "zintercard 0 a b",
		"sintercard 2 e f limit 1", "sintercard 2 e f limit -1", "sintercard 2 e g limit x", "sintercard 2 e f limit", "sintercard 2 e g", "sintercard 0 e f", "sintercard 3 e f",
		"sunion e f missing", "sinter e f", "sinter e missing", "sinter missing g", "sdiff e f", "sdiff missing e", "sdiff e f e", "sunion e a", "sdiff e g",
		"pfcount i j", "pfcount i j missing", "pfcount missing other", "pfcount i g", "pfcount i e", "pfcount h e", "pfcount e h", "pfcount i k", "pfcount i l", "pfcount l missing",
		"pfcount missing sparse-a", "pfcount i sparse-b", "pfcount i sparse-c", "pfcount i sparse-d", "pfcount i sparse-e", "pfcount i sparse-f",
		"pfcount i sparse-g", "pfcount i sparse-h", "pfcount g sparse-g", "pfcount sparse-g g", "pfcount sparse-g e",
	} {
		request := slicesOf(strings.Fields(line)...)
		for _, f := range []form{resp2, resp3, values} {
			if want, have := w.compare(request, f); want != have {
				t.Errorf("%s: one server says %q, four %q", line, want, have)
			}
		}
	}
}

// TestWeightsAreReadAsRedisReadsThem compares parseDouble with a server.
func TestWeightsAreReadAsRedisReadsThem(t *testing.T) {
	w := newWorld(t, randtest.New(t))
	w.write([]byte("a"), "ZADD", "a", "1", "x")
	for _, weight := range []string{
		"1", "-1", "+1", "1.", ".5", ".", "", "1e", "1e5", "1E+5", "1e-5", "1_0", "0x10", "0X1p4", "0x1.8", "0x", "0x.p1", "0x_1p1", "-0x.8", "0xp1", "0x1p",
		"inf", "-Inf", "+INFINITY", "infinit", "nan", "-nan", "nan(1)", "1e400", "-1e400", "1e-400", "0e-400", "0x0p-2000", "0x1p-2000", "4.9e-324", "2e-324", "1e-310",
		" 1", "1 ", "1\x00", "--1", "+-1", "1d", "1f", "0b1", "0o7", "1.7976931348623159e308", "123456789012345678901234567890", "0.1", "1e22", "1e23", "9007199254740993",
	} {
		request := slicesOf("zunion", "1", "a", "weights", weight, "withscores")
		if want, have := w.compare(request, resp2); want != have {
			t.Errorf("weight %q: one server says %q, we %q", weight, want, have)
		}
	}
}

// TestScoresArePrintedAsRedisPrintsThem compares appendDouble with a server.
func TestScoresArePrintedAsRedisPrintsThem(t *testing.T) {
	w := newWorld(t, randtest.New(t))
	for range 2000 {
		score := w.score()
		w.write([]byte("a"), "ZADD", "a", score, "x")
		want, err := redis.Strings(w.one.redigo.Do("ZINTER", 1, "a", "WITHSCORES"))
		if err != nil {
			t.Fatal(err)
		}
		v, ok := parseDouble([]byte(want[1]))
		if have := string(appendDouble(nil, v)); !ok || have != want[1] {
			t.Fatalf("score %s: %q, want %q", score, have, want[1])
		}
	}
}

// TestEstimates compares count with a server over registers that no keys of a
// test would make: all the same, and random ones up to the 63 they can hold.
func TestEstimates(t *testing.T) {
	w := newWorld(t, randtest.New(t))
	for i := range 400 {
		var h hll
		least, most := i, i
		if i >= 64 {
			least = w.IntN(64)
			most = min(least+w.IntN(64), 63)
		}
		for r := range h {
			h[r] = uint8(least + w.IntN(most-least+1))
		}
		w.write([]byte("a"), "SET", "a", stored(&h))
		if want, have := w.compare(slicesOf("pfcount", "a", "b"), resp2); want != have {
			t.Errorf("registers from %d to %d: one server says %q, we %q", least, most, want, have)
		}
	}
}

// stored is the dense representation of registers.
func stored(h *hll) string {
	s := make([]byte, denseBytes)
	copy(s, "HYLL")
	for i, r := range h {
		for bit := range 6 {
			at := 6*i + bit
			s[hllHeader+at/8] |= r >> bit & 1 << (at % 8)
		}
	}
	return string(s)
}

// write does the same on the one server and on the key's shard.
func (w *world) write(key []byte, args ...string) {
	w.t.Helper()
	request := resp.AppendRequest(nil, args...)
	one, shard := w.one.resp2.do(request), w.spread[owner(key)].resp2.do(request)
	if one[0] == '-' || !reflect.DeepEqual(one, shard) {
		w.t.Fatalf("%.200q: %q and %q", args, one, shard)
	}
}
