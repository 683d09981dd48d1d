package session

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/shardring/shardring/shard/config"
)

// allocated returns the bytes that f allocates.
func allocated(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// feed hands the session a request as a driver does, 64 KiB at a time.
func (c *simClient) feed(in string) {
	b := make([]byte, min(len(in), 64<<10))
	for len(in) > 0 {
		n := copy(b, in)
		c.s.Received(b[:n])
		in = in[n:]
	}
}

// A request that arrives in n pieces is not copied n times, whatever it is made
// of.
func TestLargeRequestIsCopiedLittle(t *testing.T) {
	keys, pairs := []string{"MGET"}, []string{"MSET"}
	for i := range 200_000 {
		keys = append(keys, fmt.Sprintf("key:%012d", i))
	}
	for i := range 200 {
		pairs = append(pairs, fmt.Sprintf("key:%d", i), strings.Repeat("v", 40<<10))
	}
	for name, args := range map[string][]string{
		"many keys": keys, "many values": pairs, "one value": {"SET", "k", strings.Repeat("v", 8<<20)},
	} {
		c := newRig(t, DefaultLimits(), 4, config.Pool{}).client()
		in := request(args...)
		in = in[:len(in)-1] // all but the end: nothing is handled
		if n := allocated(func() { c.feed(in) }); n > 10*len(in) {
			t.Errorf("%s: %d bytes allocated for a request of %d", name, n, len(in))
		}
		if n := cap(c.s.kept.buf); n > len(in)+len(in)/3 {
			t.Errorf("%s: a buffer of %d for a request of %d", name, n, len(in))
		}
	}
}

// A length alone takes no memory.
func TestLengthAloneTakesNoMemory(t *testing.T) {
	c := newRig(t, DefaultLimits(), 1, config.Pool{}).client()
	if n := allocated(func() { c.feed("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\nv") }); n > 64<<10 {
		t.Fatalf("%d bytes allocated", n)
	}
	c = newRig(t, DefaultLimits(), 1, config.Pool{}).client()
	if n := allocated(func() { c.feed("*1048576\r\n$3\r\nDEL\r\n") }); n > 64<<10 {
		t.Fatalf("%d bytes allocated", n)
	}
}

// A value of 64 MiB goes to its shard in the buffer it came in, also with more
// requests behind it, and comes back whole.
func TestLargeValue(t *testing.T) {
	if testing.Short() {
		t.Skip("copies 64 MiB a few times")
	}
	w := newRig(t, DefaultLimits(), 4, config.Pool{})
	c := w.client()
	v := strings.Repeat("0123456789abcdef", 4<<20)
	var n int
	w.turn(func() {
		in := request("SET", "k", v) + request("GET", "k") + request("PING")
		n = allocated(func() { c.feed(in) })
	})
	if n > 2*len(v) {
		t.Errorf("%d bytes allocated for a value of %d", n, len(v))
	}
	want := fmt.Sprintf("+OK\r\n$%d\r\n%s\r\n+PONG\r\n", len(v), v)
	if got := c.hear(); got != want {
		t.Fatalf("got %d bytes %.40q, want %d", len(got), got, len(want))
	}
	if used := w.core.Buffers().Used(); used != 0 {
		t.Fatalf("%d bytes of buffers are left", used)
	}
}

// What one client made large is not kept for the next.
func TestKeptInputStaysSmall(t *testing.T) {
	w := newRig(t, DefaultLimits(), 4, config.Pool{})
	c := w.client()
	args := []string{"DEL"}
	for i := range 100_000 {
		args = append(args, fmt.Sprint("k", i))
	}
	w.turn(func() { c.feed(request(args...)) })
	if got := c.hear(); got != ":0\r\n" {
		t.Fatalf("got %.80q", got)
	}
	for _, k := range w.core.kepts.free {
		if cap(k.buf) > maxKept || cap(k.parser.Args) > maxGather {
			t.Errorf("kept a buffer of %d and %d arguments", cap(k.buf), cap(k.parser.Args))
		}
	}
}
