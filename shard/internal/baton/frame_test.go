package baton

import (
	"fmt"
	"strings"
	"testing"
)

// replies are whole replies; none is the beginning of another.
var replies = []string{
	"+OK\r\n", "+\r\n", "-ERR unknown command 'x'\r\n", ":0\r\n", ":-42\r\n",
	"$-1\r\n", "$0\r\n\r\n", "$5\r\nhello\r\n", "$6\r\n+OK\r\n-\r\n", "$12\r\n$3\r\nabc\r\n:1\r\r\n",
	"*-1\r\n", "*0\r\n", "*1\r\n$-1\r\n", "*3\r\n:1\r\n$3\r\nabc\r\n-ERR no\r\n",
	"*2\r\n*2\r\n:1\r\n*0\r\n*1\r\n*1\r\n$2\r\n\r\n\r\n", "*2\r\n*-1\r\n*0\r\n",
	"$300\r\n" + strings.Repeat("\n", 300) + "\r\n",
}

func TestFramerAtEverySplit(t *testing.T) {
	for _, r := range replies {
		for next := range len(replies) {
			both := []byte(r + replies[next])
			for cut := 0; cut <= len(both); cut++ {
				var f framer
				n, done, err := f.next(both[:cut])
				if err == nil && !done {
					var m int
					m, done, err = f.next(both[cut:])
					n += m
				}
				if err != nil || !done || n != len(r) {
					t.Fatalf("%q cut at %d: %d bytes, done %v, %v; want %d", both, cut, n, done, err, len(r))
				}
				if f != (framer{}) {
					t.Fatalf("%q: not ready for the next reply: %+v", r, f)
				}
			}
		}
	}
}

func TestFramerByteByByte(t *testing.T) {
	for _, r := range replies {
		var f framer
		for i := range len(r) {
			n, done, err := f.next([]byte{r[i]})
			if n != 1 || err != nil || done != (i == len(r)-1) {
				t.Fatalf("%q at byte %d: n %d, done %v, %v", r, i, n, done, err)
			}
		}
	}
}

func TestFramerRefuses(t *testing.T) {
	for _, r := range []string{"hello\r\n", "\r\n", "%1\r\n", "$abc\r\n", "*1x\r\n", "$99999999999\r\n", "*1\r\nx", "$1-\r\n"} {
		var f framer
		if n, done, err := f.next([]byte(r)); err == nil {
			t.Errorf("%q: no error (%d bytes, done %v)", r, n, done)
		}
	}
}

func BenchmarkFramer(b *testing.B) {
	array := "*100\r\n" + strings.Repeat("$16\r\n0123456789abcdef\r\n", 100)
	for _, r := range []string{"+OK\r\n", "$64\r\n" + strings.Repeat("v", 64) + "\r\n", array} {
		p := []byte(r)
		b.Run(fmt.Sprint(len(p)), func(b *testing.B) {
			b.ReportAllocs()
			var f framer
			for b.Loop() {
				f.next(p)
			}
		})
	}
}
