package iobuf

import (
	"bytes"
	"testing"
)

// TestAppendFrom copies every range of a queue of several chunks.
func TestAppendFrom(t *testing.T) {
	p := NewPool(1 << 20)
	var src Queue
	var want []byte
	for i := range 60 {
		b := bytes.Repeat([]byte{byte(i)}, 37)
		src.Append(p, b)
		want = append(want, b...)
	}
	src.Discard(p, 5)
	want = want[5:]
	for skip := 0; skip <= len(want); skip += 13 {
		for n := 0; skip+n <= len(want); n += 17 {
			var dst Queue
			dst.AppendFrom(p, &src, skip, n)
			got := make([]byte, n)
			if dst.Peek(got); dst.Len() != n || !bytes.Equal(got, want[skip:skip+n]) {
				t.Fatalf("%d bytes after %d: %d bytes, others", n, skip, dst.Len())
			}
			dst.Reset(p)
		}
	}
	if src.Len() != len(want) {
		t.Errorf("the source has %d bytes, had %d", src.Len(), len(want))
	}
}
