package resp

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// parseAll cuts every request of in, which arrives cut at the given places.
func parseAll(in []byte, lim Limits, cuts ...int) (reqs []string, err error) {
	var p Parser
	var buf []byte
	need := 0
	take := func(piece []byte) {
		buf = append(buf, piece...)
		for err == nil {
			n, st, e := p.Parse(buf, &lim)
			switch st {
			case Incomplete:
				need = p.Need()
				return
			case Invalid:
				err = e
				return
			case Complete:
				if need > n {
					err = fmt.Errorf("Need() = %d for a request of %d bytes", need, n)
				}
				need = 0
				var args []string
				for _, a := range p.Args {
					args = append(args, string(a.Of(buf)))
				}
				reqs = append(reqs, fmt.Sprintf("%q", args))
			case Inline:
				out, e := AppendInline(nil, buf[:n])
				if e != nil {
					err = e
					return
				}
				sub, e := parseAll(out, lim)
				if e != nil {
					err = e
					return
				}
				reqs = append(reqs, sub...)
			}
			buf = buf[n:]
			p.Reset()
		}
	}
	last := 0
	for _, c := range append(cuts, len(in)) {
		take(in[last:c])
		last = c
	}
	return reqs, err
}

var requests = []struct {
	name, in string
	want     []string
	err      string
}{
	{name: "one", in: "*1\r\n$4\r\nPING\r\n", want: []string{`["PING"]`}},
	{name: "pipeline", in: "*2\r\n$3\r\nGET\r\n$1\r\na\r\n*3\r\n$3\r\nSET\r\n$0\r\n\r\n$12\r\nab\r\ncd\x00\xff$1\r\n\r\n", want: []string{`["GET" "a"]`, `["SET" "" "ab\r\ncd\x00\xff$1\r\n"]`}},
	{name: "empty arrays", in: "*0\r\n*-1\r\n*1\r\n$1\r\nx\r\n", want: []string{`["x"]`}},
	{name: "inline", in: "\r\n  \nPING\r\nset a 'b c' \"\\x41\\n\\\"\"\n", want: []string{`["PING"]`, `["set" "a" "b c" "A\n\""]`}},
	{name: "inline quote", in: "get 'a\r\n", err: "Protocol error: unbalanced quotes in request"},
	{name: "inline after quote", in: "get \"a\"b\r\n", err: "Protocol error: unbalanced quotes in request"},
	{name: "no dollar", in: "*1\r\n:4\r\n", err: "Protocol error: expected '$', got ':'"},
	{name: "control byte", in: "*1\r\n\n4\r\n", err: "Protocol error: expected '$', got '?'"},
	{name: "array length", in: "*1048577\r\n", err: "Protocol error: invalid multibulk length"},
	{name: "array text", in: "*abc\r\n", err: "Protocol error: invalid multibulk length"},
	{name: "leading zero", in: "*01\r\n$4\r\nPING\r\n", err: "Protocol error: invalid multibulk length"},
	{name: "plus", in: "*1\r\n$+4\r\nPING\r\n", err: "Protocol error: invalid bulk length"},
	{name: "negative bulk", in: "*1\r\n$-1\r\n", err: "Protocol error: invalid bulk length"},
	{name: "bulk length", in: "*1\r\n$536870913\r\n", err: "Protocol error: invalid bulk length"},
	{name: "no CRLF", in: "*1\r\n$4\r\nPINGxx", err: "Protocol error: expected CRLF after an argument"},
	{name: "after one good", in: "*1\r\n$4\r\nPING\r\n*1\r\nx", want: []string{`["PING"]`}, err: "Protocol error: expected '$', got 'x'"},
}

func TestRequestsCutAnywhere(t *testing.T) {
	for _, c := range requests {
		t.Run(c.name, func(t *testing.T) {
			check := func(cuts ...int) {
				t.Helper()
				got, err := parseAll([]byte(c.in), DefaultLimits(), cuts...)
				if fmt.Sprint(got) != fmt.Sprint(c.want) || errText(err) != c.err {
					t.Fatalf("cut at %v: got %v, %q, want %v, %q", cuts, got, errText(err), c.want, c.err)
				}
			}
			check()
			for i := range c.in {
				check(i)
				for j := i; j < len(c.in); j++ {
					check(i, j)
				}
			}
		})
	}
}

func TestLimits(t *testing.T) {
	long := strings.Repeat("x", 70_000)
	for _, c := range []struct{ in, err string }{
		{long, "Protocol error: too big inline request"},
		{long + "\r\n", "Protocol error: too big inline request"},
		{"*" + long, "Protocol error: too big mbulk count string"},
		{"*1\r\n$" + long, "Protocol error: too big bulk count string"},
	} {
		if _, err := parseAll([]byte(c.in), DefaultLimits()); errText(err) != c.err {
			t.Errorf("%.10q…: %v, want %s", c.in, err, c.err)
		}
	}
	for _, c := range []struct{ in, err string }{
		{"*11\r\n", "Protocol error: unauthenticated multibulk length"},
		{"*2\r\n$4\r\nAUTH\r\n$16385\r\n", "Protocol error: unauthenticated bulk length"},
		{"*2\r\n$4\r\nAUTH\r\n$1\r\nx\r\n", ""},
	} {
		if _, err := parseAll([]byte(c.in), Unauthenticated()); errText(err) != c.err {
			t.Errorf("not logged in, %q: %v, want %q", c.in, err, c.err)
		}
	}
}

func TestArgumentsSurviveAMovedBuffer(t *testing.T) {
	in := []byte("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nvalue\r\n")
	lim := DefaultLimits()
	var p Parser
	for i := 1; i < len(in); i++ {
		if _, st, _ := p.Parse(bytes.Clone(in[:i]), &lim); st != Incomplete {
			t.Fatalf("%v after %d of %d bytes", st, i, len(in))
		}
	}
	if n, st, _ := p.Parse(in, &lim); st != Complete || n != len(in) {
		t.Fatalf("got %d, %v", n, st)
	}
	if got := string(p.Args[2].Of(in)); got != "value" {
		t.Fatalf("third argument %q", got)
	}
}

var replies = []struct{ in, err string }{
	{in: "+OK\r\n"}, {in: "-ERR no\r\n"}, {in: ":-12\r\n"}, {in: "$-1\r\n"}, {in: "$0\r\n\r\n"},
	{in: "$11\r\nhello\r\nyou!\r\n"}, {in: "*-1\r\n"}, {in: "*0\r\n"},
	{in: "*3\r\n$1\r\na\r\n$-1\r\n*2\r\n:1\r\n+x\r\n"},
	{in: "%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n_\r\n"}, {in: "~1\r\n,3.14\r\n"}, {in: ">2\r\n+message\r\n#t\r\n"},
	{in: "|1\r\n+ttl\r\n:3\r\n$1\r\nx\r\n"}, {in: "=7\r\ntxt:abc\r\n"}, {in: "!5\r\nERR x\r\n"}, {in: "(123456789012345678901\r\n"},
	{in: "HTTP/1.1", err: "invalid reply: unknown type 'H'"},
	{in: "$x\r\n", err: "invalid reply: bad length after '$'"},
	{in: "+OK\r\r", err: "invalid reply: expected LF, got byte 0x0d"},
	{in: "$99999999999\r\n", err: "invalid reply: bad length after '$'"},
	{in: "$1-\r\n", err: "invalid reply: bad length after '$'"},
	{in: "*1\r\n\x00", err: "invalid reply: unknown type byte 0x00"},
}

func TestRepliesCutAnywhere(t *testing.T) {
	const next = "+NEXT\r\n"
	for _, c := range replies {
		in := []byte(c.in)
		if c.err == "" {
			in = append(in, next...)
		}
		for i := 0; i <= len(in); i++ {
			for j := i; j <= len(in); j++ {
				total, err := cutOne(in, i, j)
				if errText(err) != c.err || (err == nil && total != len(c.in)) {
					t.Fatalf("%q cut at %d, %d: %d bytes, %q, want %d, %q", c.in, i, j, total, errText(err), len(c.in), c.err)
				}
			}
		}
	}
}

// cutOne returns the length of the first reply of in, which arrives in three
// pieces; -1 if it has no end.
func cutOne(in []byte, i, j int) (int, error) {
	var c Cutter
	total := 0
	for _, piece := range [][]byte{in[:i], in[i:j], in[j:]} {
		if len(piece) == 0 {
			continue
		}
		n, done, err := c.Cut(piece)
		total += n
		if done || err != nil {
			return total, err
		}
		if n != len(piece) {
			return 0, fmt.Errorf("took %d of %d bytes of a reply without an end", n, len(piece))
		}
		if total > 0 && !c.Begun() {
			return 0, fmt.Errorf("a part was cut and Begun is false")
		}
	}
	return -1, nil
}

func TestAppend(t *testing.T) {
	b := AppendArray(nil, 12)
	b = AppendBulk(b, "ab")
	b = AppendInt(b, -3)
	b = AppendSimple(b, "OK")
	b = AppendError(b, "ERR a\r\nb")
	b = AppendNull(b)
	b = AppendRequest(b, "GET", "k")
	const want = "*12\r\n$2\r\nab\r\n:-3\r\n+OK\r\n-ERR a  b\r\n$-1\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"
	if string(b) != want {
		t.Fatalf("got %q, want %q", b, want)
	}
}

func TestHotPathAllocatesNothing(t *testing.T) {
	req, lim := AppendRequest(nil, "GET", "key:0000001"), DefaultLimits()
	reply := AppendBulk(nil, strings.Repeat("v", 64))
	var p Parser
	var c Cutter
	if n := testing.AllocsPerRun(100, func() {
		p.Reset()
		p.Parse(req, &lim)
		c.Cut(reply)
	}); n != 0 {
		t.Fatalf("%v allocations to cut a request and a reply", n)
	}
}

// naive reads one request by the protocol's text, all at once.
func naive(b []byte) (args []string, n int, ok bool) {
	rest := string(b)
	line := func() (string, bool) {
		s, after, found := strings.Cut(rest, "\r\n")
		rest = after
		return s, found
	}
	h, found := line()
	if !found || len(h) < 2 || h[0] != '*' {
		return nil, 0, false
	}
	count, err := strconv.Atoi(h[1:])
	if err != nil || count < 1 || strconv.Itoa(count) != h[1:] || count > 1<<20 {
		return nil, 0, false
	}
	for range count {
		h, found := line()
		if !found || len(h) < 2 || h[0] != '$' {
			return nil, 0, false
		}
		size, err := strconv.Atoi(h[1:])
		if err != nil || size < 0 || strconv.Itoa(size) != h[1:] || len(rest) < size+2 || rest[size:size+2] != "\r\n" {
			return nil, 0, false
		}
		args = append(args, rest[:size])
		rest = rest[size+2:]
	}
	return args, len(b) - len(rest), true
}

// FuzzRequest compares the parser, fed in two pieces, with a naive one.
func FuzzRequest(f *testing.F) {
	for i, c := range requests {
		f.Add([]byte(c.in), i)
	}
	f.Fuzz(func(t *testing.T, in []byte, cut int) {
		lim := DefaultLimits()
		var p Parser
		cut = max(0, min(cut, len(in)))
		n, st, err := p.Parse(in[:cut], &lim)
		if st == Incomplete {
			n, st, err = p.Parse(in, &lim)
		}
		if (err != nil) != (st == Invalid) {
			t.Fatalf("%v with error %v", st, err)
		}
		args, size, ok := naive(in)
		if ok != (st == Complete) {
			t.Fatalf("%q: %v, the naive parser says complete=%v", in, st, ok)
		}
		if !ok {
			return
		}
		var got []string
		for _, a := range p.Args {
			got = append(got, string(a.Of(in)))
		}
		if n != size || fmt.Sprintf("%q", got) != fmt.Sprintf("%q", args) {
			t.Fatalf("%q: %d %q, want %d %q", in, n, got, size, args)
		}
	})
}

// FuzzReply: where a reply ends does not depend on how it arrives.
func FuzzReply(f *testing.F) {
	for i, c := range replies {
		f.Add([]byte(c.in), i, i+1)
	}
	f.Fuzz(func(t *testing.T, in []byte, i, j int) {
		i = max(0, min(i, len(in)))
		j = max(i, min(j, len(in)))
		whole, err := cutOne(in, 0, 0)
		pieces, err2 := cutOne(in, i, j)
		if errText(err) != errText(err2) || err == nil && whole != pieces {
			t.Fatalf("%q: whole %d %v, cut at %d and %d %d %v", in, whole, err, i, j, pieces, err2)
		}
	})
}

func BenchmarkRequest(b *testing.B) {
	for _, keys := range []int{1, 10} {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			args := []string{"GET"}
			for range keys {
				args = append(args, "key:000000000001")
			}
			req, lim := AppendRequest(nil, args...), DefaultLimits()
			var p Parser
			b.ReportAllocs()
			b.SetBytes(int64(len(req)))
			for b.Loop() {
				p.Reset()
				p.Parse(req, &lim)
			}
		})
	}
}

func BenchmarkReply(b *testing.B) {
	for _, n := range []int{1, 10} {
		b.Run(fmt.Sprintf("elements=%d", n), func(b *testing.B) {
			reply := AppendArray(nil, n)
			for range n {
				reply = AppendBulk(reply, strings.Repeat("v", 64))
			}
			var c Cutter
			b.ReportAllocs()
			b.SetBytes(int64(len(reply)))
			for b.Loop() {
				c.Cut(reply)
			}
		})
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
