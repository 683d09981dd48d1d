// Package iobuf holds bytes on their way between sockets.
//
// A [Queue] is a chain of chunks: bytes go in at the tail, a driver takes
// them out at the head with one writev. A chain never moves bytes to grow, so
// a 512 MiB value costs its size once, and a queue that is empty holds no
// memory at all: its chunks go back to the [Pool] they came from.
//
//	pool := iobuf.NewPool(8 << 20)
//	var q iobuf.Queue
//	q.Append(pool, []byte("+OK\r\n"))
//	for q.Len() > 0 {
//		n, _ := w.Write(q.Front())
//		q.Discard(pool, n)
//	}
//
// A Pool and the queues that use it belong to one loop; nothing here may be
// called concurrently.
package iobuf

import "math/bits"

// Chunks come in sizes that are powers of two, from MinChunk to MaxChunk.
const (
	MinChunk = 1 << minShift
	MaxChunk = 1 << maxShift

	minShift = 10
	maxShift = 16
	classes  = maxShift - minShift + 1
)

// chunk is one piece of a queue: buf[off:] is what is still to be taken.
type chunk struct {
	buf  []byte
	off  int
	next *chunk
}

func (c *chunk) room() int { return cap(c.buf) - len(c.buf) }

// Pool keeps what is not in use: chunks, in a free list for each size, and a few
// larger buffers.
type Pool struct {
	free  [classes]*chunk
	large [][]byte
	kept  int // bytes that are not in use
	limit int // most of them
	used  int // bytes in chunks handed out
}

// NewPool returns a pool that keeps at most limit bytes of unused chunks; what
// comes back beyond that is left to the garbage collector.
func NewPool(limit int) *Pool { return &Pool{limit: limit} }

// Used returns the bytes in chunks that queues hold now.
func (p *Pool) Used() int { return p.used }

// Kept returns the bytes in chunks that wait to be used again.
func (p *Pool) Kept() int { return p.kept }

// class returns the index of the smallest chunk size of at least n bytes.
func class(n int) int {
	if n <= MinChunk {
		return 0
	}
	if n >= MaxChunk {
		return classes - 1
	}
	return bits.Len(uint(n-1)) - minShift
}

func (p *Pool) get(n int) *chunk {
	i := class(n)
	size := MinChunk << i
	p.used += size
	if c := p.free[i]; c != nil {
		p.free[i], c.next = c.next, nil
		p.kept -= size
		return c
	}
	return &chunk{buf: make([]byte, 0, size)}
}

func (p *Pool) put(c *chunk) {
	size := cap(c.buf)
	p.used -= size
	i := class(size)
	if size != MinChunk<<i { // an adopted buffer
		p.Recycle(c.buf)
		return
	}
	if p.kept+size > p.limit {
		return
	}
	c.buf, c.off, c.next = c.buf[:0], 0, p.free[i]
	p.free[i] = c
	p.kept += size
}

// maxLarge is how many larger buffers a pool keeps.
const maxLarge = 16

// Buffer returns an empty buffer with room for n bytes, n greater than MaxChunk,
// and for at most four times as many. It is the caller's: to be adopted by a
// queue, recycled, or left to the garbage collector.
func (p *Pool) Buffer(n int) []byte {
	best := -1
	for i, b := range p.large {
		if cap(b) >= n && cap(b)/4 <= n && (best < 0 || cap(b) < cap(p.large[best])) {
			best = i
		}
	}
	if best < 0 {
		return make([]byte, 0, n)
	}
	b, last := p.large[best], len(p.large)-1
	p.large[best], p.large[last] = p.large[last], nil
	p.large = p.large[:last]
	p.kept -= cap(b)
	return b
}

// Recycle takes a buffer that nobody refers to any more, if it is larger than a
// chunk and not too large to be kept.
func (p *Pool) Recycle(b []byte) {
	if size := cap(b); size > MaxChunk && size <= p.limit/4 && p.kept+size <= p.limit && len(p.large) < maxLarge {
		p.large = append(p.large, b[:0])
		p.kept += size
	}
}
