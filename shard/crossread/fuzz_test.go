package crossread

import (
	"bytes"
	"errors"
	"testing"

	"github.com/shardring/shardring/shard/resp"
)

// FuzzAppendReply: whatever the shards reply, the result is one whole reply or
// an error with a code, and both versions of RESP agree about which.
func FuzzAppendReply(f *testing.F) {
	lines := []string{
		"sunion a0 b1", "sinter a0 b1", "sdiff a0 b1", "sintercard 2 a0 b1 limit 1", "zunion 2 a0 b1 withscores weights inf 2",
		"zinter 2 a0 b1", "zdiff 2 a0 b1 withscores", "zintercard 2 a0 b1", "pfcount a0 b1", "zunion 2 a0 b1 nonsense",
	}
	f.Add(byte(0), []byte("*1\r\n$1\r\na\r\n"), []byte("~1\r\n$1\r\na\r\n"))
	f.Add(byte(4), []byte("*2\r\n$1\r\na\r\n$3\r\ninf\r\n"), []byte("*1\r\n*2\r\n$1\r\na\r\n,-1.5\r\n"))
	f.Add(byte(6), []byte("*1\r\n*2\r\n$1\r\na\r\n,1\r\n"), []byte("*0\r\n"))
	f.Add(byte(8), []byte("$18\r\nHYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xff\r\n"), []byte("_\r\n"))
	f.Add(byte(9), []byte("-ERR syntax error\r\n"), []byte("!3\r\nERR\r\n"))
	f.Fuzz(func(t *testing.T, which byte, a, b []byte) {
		plan, err := planOf(t, lines[int(which)%len(lines)])
		if err != nil {
			t.Fatal(err)
		}
		replies := [][]byte{a, b}
		two, err2 := plan.AppendReply(nil, 2, replies)
		three, err3 := plan.AppendReply(nil, 3, replies)
		if (err2 == nil) != (err3 == nil) {
			t.Fatalf("%v in RESP2, %v in RESP3", err2, err3)
		}
		if err2 != nil {
			var e *Error
			if !errors.As(err2, &e) || e.Request >= len(replies) || len(two)+len(three) > 0 {
				t.Fatalf("%q %q %#v", two, three, err2)
			}
			return
		}
		for _, out := range [][]byte{two, three} {
			var cut resp.Cutter
			if n, done, err := cut.Cut(out); n != len(out) || !done || err != nil {
				t.Fatalf("%q is not one reply: %v", out, err)
			}
		}
		if bytes.HasPrefix(two, []byte(":")) != bytes.HasPrefix(three, []byte(":")) {
			t.Fatalf("%q and %q", two, three)
		}
	})
}

// FuzzHyperLogLog: merging what is stored finds an error of Redis's or the
// registers that a naive reading finds, and merging it twice changes nothing.
func FuzzHyperLogLog(f *testing.F) {
	header := "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80"
	for _, body := range []string{"", "\x7f\xff", "\x7f\xfe\x84", "\x7f\xfe\xff", "\x3f\x7f\xbf", "\x7f"} {
		f.Add([]byte(header + body))
	}
	f.Add(append([]byte("HYLL\x00"), make([]byte, denseBytes-5)...))
	f.Fuzz(func(t *testing.T, s []byte) {
		var h hll
		if err := h.merge(s); err != nil {
			if e := err.Error(); e != string(notHLL) && e != string(corruptHLL) {
				t.Fatal(e)
			}
			return
		}
		before := h
		if err := h.merge(s); err != nil || h != before {
			t.Fatalf("merged twice: %v", err)
		}
		if want := naive(s); !bytes.Equal(h[:], want) {
			t.Fatalf("registers %v, want %v", h, want)
		}
	})
}

// naive reads registers bit by bit and run by run.
func naive(s []byte) []byte {
	var all []byte
	encoding, s := s[4], s[hllHeader:]
	for i := 0; encoding == dense && i < registers; i++ {
		r := byte(0)
		for bit := range 6 {
			at := 6*i + bit
			r |= s[at/8] >> (at % 8) & 1 << bit
		}
		all = append(all, r)
	}
	for i := 0; encoding == sparse && i < len(s); i++ {
		value, n := byte(0), int(s[i]&0x3f)+1
		switch {
		case s[i]&0x80 != 0:
			value, n = s[i]>>2&0x1f+1, int(s[i]&3)+1
		case s[i]&0x40 != 0:
			low := 0
			if i++; i < len(s) {
				low = int(s[i])
			}
			n = int(s[i-1]&0x3f)<<8 + low + 1
		}
		all = append(all, bytes.Repeat([]byte{value}, n)...)
	}
	return all
}
