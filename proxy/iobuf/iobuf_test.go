package iobuf

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// TestQueueIsAFIFO compares random calls on two queues of one pool with plain
// byte slices.
func TestQueueIsAFIFO(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := NewPool(1 << 20)
		var q [2]Queue
		var want [2][]byte
		next := byte(0)
		fill := func(n int) []byte {
			b := make([]byte, n)
			for i := range b {
				b[i] = next
				next++
			}
			return b
		}
		size := rapid.OneOf(rapid.IntRange(0, 20), rapid.IntRange(0, 5000), rapid.IntRange(60_000, 200_000))
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				i, b := rapid.IntRange(0, 1).Draw(t, "queue"), fill(size.Draw(t, "n"))
				q[i].Append(p, b)
				want[i] = append(want[i], b...)
			},
			"append string": func(t *rapid.T) {
				i, b := rapid.IntRange(0, 1).Draw(t, "queue"), fill(size.Draw(t, "n"))
				q[i].AppendString(p, string(b))
				want[i] = append(want[i], b...)
			},
			"reserve": func(t *rapid.T) {
				i, n := rapid.IntRange(0, 1).Draw(t, "queue"), rapid.IntRange(0, 3000).Draw(t, "n")
				b := fill(rapid.IntRange(0, n).Draw(t, "used"))
				q[i].Commit(append(q[i].Reserve(p, n), b...))
				want[i] = append(want[i], b...)
			},
			"adopt": func(t *rapid.T) {
				i, b := rapid.IntRange(0, 1).Draw(t, "queue"), fill(size.Draw(t, "n"))
				q[i].Adopt(p, bytes.Clone(b))
				want[i] = append(want[i], b...)
			},
			"take": func(t *rapid.T) {
				q[0].Take(p, &q[1])
				want[0], want[1] = append(want[0], want[1]...), nil
			},
			"trim": func(t *rapid.T) {
				i, n := rapid.IntRange(0, 1).Draw(t, "queue"), rapid.IntRange(0, 3).Draw(t, "n")
				if n <= len(want[i]) && q[i].Trim(n) {
					want[i] = want[i][:len(want[i])-n]
				}
			},
			"discard": func(t *rapid.T) {
				i := rapid.IntRange(0, 1).Draw(t, "queue")
				n := rapid.IntRange(0, len(want[i])).Draw(t, "n")
				q[i].Discard(p, n)
				want[i] = want[i][n:]
			},
			"reset": func(t *rapid.T) {
				q[1].Reset(p)
				want[1] = nil
			},
			"": func(t *rapid.T) {
				for i := range q {
					var got []byte
					for _, v := range q[i].Vectors(nil, 1<<20) {
						got = append(got, v...)
					}
					if q[i].Len() != len(want[i]) || !bytes.Equal(got, want[i]) {
						t.Fatalf("queue %d holds %d bytes (Len %d), want %d, or they differ", i, len(got), q[i].Len(), len(want[i]))
					}
					head := make([]byte, 100)
					if n := q[i].Peek(head); n != min(100, len(got)) || !bytes.Equal(head[:n], got[:n]) {
						t.Fatalf("queue %d: peeked %d bytes that are not its first", i, n)
					}
					if f := q[i].Front(); !bytes.HasPrefix(want[i], f) || (len(f) == 0) != (len(want[i]) == 0) {
						t.Fatalf("queue %d: front of %d bytes is not the start of what it holds", i, len(f))
					}
				}
			},
		})
		q[0].Reset(p)
		q[1].Reset(p)
		if p.Used() != 0 {
			t.Fatalf("%d bytes are still counted as used by empty queues", p.Used())
		}
	})
}

func TestEmptiedQueueGivesItsChunksBack(t *testing.T) {
	p := NewPool(64 << 10)
	var q Queue
	q.Append(p, make([]byte, 1<<20))
	if p.Used() < 1<<20 {
		t.Fatalf("used %d bytes for 1 MiB", p.Used())
	}
	q.Discard(p, q.Len())
	if p.Used() != 0 || p.Kept() == 0 || p.Kept() > 64<<10 {
		t.Fatalf("after the queue emptied: used %d, kept %d of at most %d", p.Used(), p.Kept(), 64<<10)
	}
}

func TestSteadyUseAllocatesNothing(t *testing.T) {
	p := NewPool(1 << 20)
	var q Queue
	reply := make([]byte, 100)
	n := testing.AllocsPerRun(100, func() {
		for range 50 {
			q.Append(p, reply)
		}
		q.Discard(p, q.Len())
	})
	if n != 0 {
		t.Fatalf("%v allocations for a filled and emptied queue", n)
	}
}

func TestLargeBuffersAreUsedAgain(t *testing.T) {
	p := NewPool(8 << 20)
	b := p.Buffer(300 << 10)
	if len(b) != 0 || cap(b) < 300<<10 {
		t.Fatalf("a buffer of %d bytes with room for %d, want 0 and 300 KiB", len(b), cap(b))
	}
	var q Queue
	q.Adopt(p, append(b, make([]byte, 300<<10)...))
	q.Discard(p, q.Len())
	if p.Used() != 0 || p.Kept() != cap(b) {
		t.Fatalf("used %d, kept %d, want 0 and %d", p.Used(), p.Kept(), cap(b))
	}
	if c := p.Buffer(70 << 10); cap(c) != 70<<10 {
		t.Errorf("70 KiB were asked for and %d given", cap(c))
	}
	if c := p.Buffer(200 << 10); cap(c) != cap(b) || len(c) != 0 || p.Kept() != 0 {
		t.Errorf("got %d bytes with room for %d, %d kept", len(c), cap(c), p.Kept())
	}

	for range 100 {
		p.Recycle(make([]byte, 0, 1<<20))
	}
	if p.Kept() > 8<<20 || len(p.large) == 0 {
		t.Errorf("%d bytes in %d large buffers, limit %d", p.Kept(), len(p.large), 8<<20)
	}
	p.Recycle(make([]byte, 0, 3<<20))
	p.Recycle(make([]byte, 0, 1<<10))
	for _, b := range p.large {
		if cap(b) != 1<<20 {
			t.Errorf("kept a buffer of %d bytes", cap(b))
		}
	}
}
