package backend

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// ready begins a script by a connection to a memcached.
func ready(lines ...string) []string {
	return append([]string{
		"open => wake dialing",
		"write => wrote() dialing",
		"connected => wake ready",
		"write => wrote() ready",
	}, lines...)
}

// TestShare plays gets that become one line, and what becomes of its reply.
func TestShare(t *testing.T) {
	long := strings.Repeat("k", 250)
	seven := strings.TrimSuffix(strings.Repeat(long+" ", 7), " ")
	for _, row := range []struct {
		name  string
		cfg   Config
		lines []string
	}{
		{"each has its own values", Config{}, ready(
			"get A a b => wake ready",
			"get B c => ready",
			"get C d e => ready",
			"write => wrote(get a b c d e|) ready",
			`recv VALUE b 0 1\r\n1\r\nVALUE d 0 1\r\n2\r\nVALUE e 0 0\r\n\r\nEND\r\n => `+
				`A:VALUE b 0 1|1|END| B:END| C:VALUE d 0 1|2|VALUE e 0 0||END| ready`,
		)},
		{"nobody has any", Config{}, ready(
			"get A a => wake ready",
			"get B b => ready",
			"write => wrote(get a b|) ready",
			`recv END\r\n => A:END| B:END| ready`,
		)},
		{"in pieces", Config{}, ready(
			"get A a => wake ready",
			"get B b => ready",
			"write => wrote(get a b|) ready",
			`recv VAL => ready`,
			`recv UE a 0 3\r => ready`,
			`recv \nx => A:VALUE a 0 3|… A:x… ready`,
			`recv yz\r\nVALUE b 0 1\r\n1\r\nE => A:yz|END| B:VALUE b 0 1|1|… ready`,
			`recv ND\r\n => B:END| ready`,
			"get C c => wake ready",
		)},
		{"what is asked after it has a reply of its own", Config{}, ready(
			"get A a => wake ready",
			"get B b => ready",
			"begin c => ready",
			"get D d => ready",
			"get E e => ready",
			"write => wrote(get a b|cget d e|) ready",
			`recv END\r\nOK\r\nVALUE d 0 0\r\n\r\nEND\r\n => A:END| B:END| c:OK| D:VALUE d 0 0||END| E:END| ready`,
		)},
		{"what has been written is not added to", Config{}, ready(
			"get A a => wake ready",
			"write => wrote(get a|) ready",
			"get B b => wake ready",
			"write 3 => wrote(get) ready",
			"get C c => wake ready",
			"write => wrote( b c|) ready",
			`recv END\r\nEND\r\n => A:END| B:END| C:END| ready`,
		)},
		{"one key of two calls, which one has seen", Config{}, ready(
			"get A a => wake ready",
			"get B a a => ready",
			"write => wrote(get a a a|) ready",
			`recv VALUE a 0 1\r\n1\r\nVALUE a 0 1\r\n2\r\nEND\r\n => A:VALUE a 0 1|1|END| B:VALUE a 0 1|2|END| ready`,
		)},
		{"an error is told to those who have not had their end", Config{}, ready(
			"get A a => wake ready",
			"get B b => ready",
			"get C c => ready",
			"write => wrote(get a b c|) ready",
			`recv VALUE b 0 1\r\n1\r\nSERVER_ERROR out of memory\r\n => A:END| `+
				`B:VALUE b 0 1|1|SERVER_ERROR out of memory| C:SERVER_ERROR out of memory| ready`,
		)},
		{"a value that nobody asked for", Config{}, ready(
			"get A a => wake ready",
			"get B b => ready",
			"write => wrote(get a b|) ready",
			`recv VALUE c 0 1\r\n1\r\n => A:END| failed(connection lost) wake closing`,
		)},
		{"a reply to what has not been sent whole", Config{}, ready(
			"get A a => wake ready",
			"get B b => ready",
			"write 5 => wrote(get a) ready",
			`recv END\r\n => failed(connection lost) wake closing`,
			"closed => waiting",
		)},
		{"their time is over at once, and their reply dropped", Config{Timeout: limit}, ready(
			"get A a => wake ready",
			"get B b => ready",
			"write => wrote(get a b|) ready",
			"wait 100ms => A:timeout/sent B:timeout/sent failed(timeout) ready",
			"get C c => wake ready",
			"get D d => ready",
			"write => wrote(get c d|) ready",
			`recv VALUE b 0 1\r\n1\r\nEND\r\nVALUE d 0 0\r\n\r\nEND\r\n => recovered C:END| D:VALUE d 0 0||END| ready`,
		)},
		{"after a login", Config{Username: "u", Password: "p"}, []string{
			"open => wake dialing",
			"write => wrote() dialing",
			"connected => wake greeting",
			"get A a => greeting",
			"get B b => greeting",
			"write => wrote(set auth 0 0 3|u p|) greeting",
			`recv STORED\r\n => wake ready`,
			"get C c => ready",
			"get D d => ready",
			"write => wrote(get a|get b|get c d|) ready",
			`recv END\r\nEND\r\nEND\r\n => A:END| B:END| C:END| D:END| ready`,
		}},
		{"one that has more time is not added", Config{Timeout: limit}, ready(
			"get A a => wake ready",
			"wait 1ms => ready",
			"get B b => ready",
			"write => wrote(get a|get b|) ready",
			`recv END\r\n => A:END| ready`,
			"wait 99ms => ready",
			"wait 1ms => B:timeout/sent failed(timeout) ready",
		)},
		{"a reply that has begun is waited for", Config{Timeout: limit}, ready(
			"get A a => wake ready",
			"get B b => ready",
			"write => wrote(get a b|) ready",
			`recv VALUE b 0 5\r\n12 => A:END| B:VALUE b 0 5|12… ready`,
			"wait 150ms => ready",
			`recv 345\r\nEND\r\n => B:345|END| ready`,
		)},
		{"said again one by one, but who has had a part", Config{}, ready(
			"get A a => wake ready",
			"get B b => ready",
			"get C c => ready",
			"get D d => ready",
			"write 9 => wrote(get a b c) ready",
			"write => wrote( d|) ready",
			`recv VALUE b 0 5\r\n12 => A:END| B:VALUE b 0 5|12… ready`,
			"reset => B:connection lost/sent failed(connection lost) waiting",
			"wait 5ms => wake dialing",
			"write => wrote() dialing",
			"connected => wake ready",
			"write => wrote(get c|get d|) ready",
			`recv END\r\nEND\r\n => recovered C:END| D:END| ready`,
			"get E e => wake ready",
			"get F f => ready",
			"write => wrote(get e f|) ready",
			`recv END\r\n => E:END| F:END| ready`,
		)},
		{"what was not sent is whole again, too", Config{}, ready(
			"get A a => wake ready",
			"get B b b => ready",
			"write 4 => wrote(get ) ready",
			"reset => failed(connection lost) waiting",
			"wait 5ms => wake dialing",
			"write => wrote() dialing",
			"connected => wake ready",
			"write => wrote(get a|get b b|) ready",
		)},
		{"a line does not grow without end", Config{}, ready(
			"get A "+seven+" => wake ready",
			"get B 1"+long[:233]+" => ready",
			"get C c => ready",
			"write => wrote(2004) ready",
			`recv END\r\nEND\r\n => A:END| B:END| C:END| ready`,
		)},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.cfg.Memcached = true
			newScript(t, row.cfg).play(row.lines...)
		})
	}
}

// TestSharedRepliesAreTheirOwn begins random gets, writes and answers them in random pieces,
// and expects of each call the reply to its own request.
func TestSharedRepliesAreTheirOwn(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newScript(t, Config{Memcached: true})
		s.play(ready()...)
		there := map[string]string{}
		for i := range 12 {
			if size := rapid.IntRange(-5, 30).Draw(rt, "size"); size >= 0 {
				there[fmt.Sprint("k", i)] = strings.Repeat("END\r\nVALUE k1 0 1\r\n", 2)[:size]
			}
		}
		reply := func(keys []string) string {
			var b strings.Builder
			for _, k := range keys {
				if v, ok := there[k]; ok {
					fmt.Fprintf(&b, "VALUE %s 0 %d\r\n%s\r\n", k, len(v), v)
				}
			}
			return b.String() + "END\r\n"
		}
		var want []string
		var line []byte // what the node has of a line
		node := func() {
			for n := rapid.IntRange(0, s.c.Out.Len()).Draw(rt, "written"); n > 0; n-- {
				var b [1]byte
				s.c.Out.Peek(b[:])
				s.c.Wrote(1)
				if line = append(line, b[0]); b[0] != '\n' {
					continue
				}
				answer := []byte(reply(strings.Fields(string(line))[1:]))
				for piece := range slices.Chunk(answer, rapid.IntRange(1, len(answer)).Draw(rt, "piece")) {
					s.c.Received(piece, s.now)
				}
				line = line[:0]
			}
			s.c.Flushed()
		}
		s.told = nil
		for range rapid.IntRange(1, 20).Draw(rt, "calls") {
			keys := make([]string, rapid.IntRange(1, 4).Draw(rt, "keys"))
			for i := range keys {
				keys[i] = fmt.Sprint("k", rapid.IntRange(0, 11).Draw(rt, "key"))
			}
			call := &namedCall{name: fmt.Sprint(len(want)), s: s}
			call.To, call.ReadOnly = call, true
			s.get(call, strings.Join(keys, " "))
			want = append(want, reply(keys))
			if rapid.IntRange(0, 4).Draw(rt, "write") == 0 {
				node()
			}
		}
		for s.c.Out.Len() > 0 {
			node()
		}
		got := make([]string, len(want))
		for _, said := range s.told {
			name, part, ok := strings.Cut(said, ":")
			if n, err := strconv.Atoi(name); ok && err == nil {
				got[n] += strings.ReplaceAll(strings.TrimSuffix(part, "…"), "|", "\r\n")
			}
		}
		for i := range want {
			if got[i] != want[i] {
				rt.Fatalf("call %d was answered %q, want %q", i, got[i], want[i])
			}
		}
		if s.c.InFlight() > 0 || s.c.State() != Ready {
			rt.Fatalf("%d calls under way, %v", s.c.InFlight(), s.c.State())
		}
	})
}
