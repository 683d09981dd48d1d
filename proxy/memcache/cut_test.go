package memcache

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// cutAll cuts the replies of in, which arrives cut at the given places.
func cutAll(in string, cuts ...int) (got []string) {
	var c Cutter
	reply, last := "", 0
	for _, at := range append(cuts, len(in)) {
		for b := []byte(in[last:at]); len(b) > 0; {
			n, done, err := c.Cut(b)
			if err != nil {
				return append(got, err.Error())
			}
			if n == 0 || !done && n != len(b) {
				return append(got, fmt.Sprintf("took %d of %q", n, b))
			}
			reply += string(b[:n])
			b = b[n:]
			if done == c.Begun() {
				return append(got, "begun and done")
			}
			if done {
				got, reply = append(got, reply), ""
			}
		}
		last = at
	}
	if reply != "" {
		got = append(got, "…"+reply)
	}
	return got
}

var replies = [][]string{
	{"STORED\r\n", "END\r\n", "12\r\n", "0 \r\n", "MN\r\n", "HD O1 kabc\r\n", "CLIENT_ERROR bad data chunk\r\n"},
	{"VALUE a 0 3\r\nabc\r\nEND\r\n", "VALUE a 4294967295 0 18446744073709551615\r\n\r\nVALUE END 1 5\r\nEND\r\n\r\nEND\r\n", "END\r\n"},
	{"VA 2 kfoo\r\nhi\r\n", "VA 0\r\n\r\n", "EN\r\n", "VA 5\r\nMN\r\nx\r\n"},
	{"STAT a 1\r\nSTAT b 2\r\nEND\r\n", "RESET\r\n", "ITEM k [1 b; 0 s]\r\nEND\r\n", "PREFIX a get 1\r\nEND\r\n"},
	{"VERSION 1.6.18\r\n", "ME a exp=-1 la=0 cas=1 fetch=no cls=1 size=63\r\n", "ERROR\r\n"},
	{"VALUE a 0 3\r\nabc\r\nSERVER_ERROR out of memory writing get response\r\n", "OK\r\n"},
}

// TestReplies has replies come whole, and in pieces cut at every two places.
func TestReplies(t *testing.T) {
	for _, want := range replies {
		in := ""
		for _, r := range want {
			in += r
		}
		for i := range len(in) {
			for j := i; j < len(in); j++ {
				if got := cutAll(in, i, j); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
					t.Fatalf("%q cut at %d and %d:\n got %q", in, i, j, got)
				}
			}
		}
	}
}

// TestFalseReplies: what memcached does not say is no reply.
func TestFalseReplies(t *testing.T) {
	for _, in := range []string{"\r\n", "\n", "abc\r\n", "\x81abc\n", "VALUE a\r\n", "VALUE a 0\r\n", "VALUE a 0 x\r\n", "VALUE  0 1\r\n", "VA x\r\n", "VA 99999999999\r\n", "VALUE a 0 99999999999\r\n", "CLIENT_ERROR unauthenticated\r\n"} {
		if got := cutAll(in); len(got) != 1 || len(got[0]) < 8 || got[0][:8] != "invalid " {
			t.Errorf("%q: %q, want an error", in, got)
		}
	}
}

// FuzzCutter: however a stream is cut, the replies are the same.
func FuzzCutter(f *testing.F) {
	for _, r := range replies {
		in := ""
		for _, s := range r {
			in += s
		}
		f.Add(in, uint16(1))
	}
	f.Fuzz(func(t *testing.T, in string, cut uint16) {
		if len(in) == 0 || len(in) > 4096 {
			return
		}
		at := int(cut) % len(in)
		if whole, pieces := cutAll(in), cutAll(in, at); fmt.Sprintf("%q", whole) != fmt.Sprintf("%q", pieces) {
			t.Errorf("%q cut at %d:\nwhole  %q\npieces %q", in, at, whole, pieces)
		}
	})
}

// TestValue: Value reads what ValueLine reads, or leaves the line to it; ValueOf only the line
// of its key.
func TestValue(t *testing.T) {
	number := rapid.Custom(func(t *rapid.T) string { return rapid.StringMatching(`[0-9]{0,12}`).Draw(t, "number") })
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.StringMatching(`[a-z]{0,3}|[!-~]{245,255}`).Draw(t, "key")
		line := "VALUE " + key + " " + number.Draw(t, "flags") + " " + number.Draw(t, "bytes") +
			rapid.SampledFrom([]string{"", "", " 17"}).Draw(t, "cas") + rapid.SampledFrom([]string{"\r\n", "\r\n", "\n", "x\r\n", "\r"}).Draw(t, "end")
		line = line[:len(line)-rapid.SampledFrom([]int{0, 0, 0, 1, 3, 7}).Draw(t, "short")%len(line)]
		b := []byte(line + rapid.StringN(0, 5, 5).Draw(t, "behind"))
		got, head, data := Value(b)
		if head > 0 {
			want, size, ok := ValueLine(b[:bytes.IndexByte(b, '\n')])
			if !ok || string(got) != string(want) || data != size || b[head-1] != '\n' || bytes.IndexByte(b, '\n') != head-1 {
				t.Fatalf("%q: key %q, line of %d, data of %d; want %q, %d, %t", b, got, head, data, want, size, ok)
			}
		}
		if h, d := ValueOf(b, []byte(key)); key != "" && len(key) <= maxKey && h != 0 && (h != head || d != data || string(got) != key) {
			t.Fatalf("%q of %q: %d, %d; Value says %d, %d", b, key, h, d, head, data)
		}
		if h, _ := ValueOf(b, []byte(key+"x")); h != 0 {
			t.Fatalf("%q is not of %q", b, key+"x")
		}
	})
	for _, plain := range []string{"VALUE k 0 0\r\n", "VALUE k 4294967295 1048576\r\n", "VALUE " + strings.Repeat("k", 250) + " 1 2\r\nxy\r\n"} {
		key, head, _ := Value([]byte(plain))
		if h, _ := ValueOf([]byte(plain), key); head == 0 || h != head {
			t.Errorf("%q is left to the slow way: %d, %d", plain, head, h)
		}
	}
}
