package iobuf

// Queue is a first-in first-out chain of bytes. The zero value is empty and
// holds no memory.
//
// Invariants: size is the sum of what the chunks hold; a queue of size 0 has
// at most chunks that were reserved and not filled.
type Queue struct {
	head, tail *chunk
	size       int
}

// Len returns the number of bytes in the queue.
func (q *Queue) Len() int { return q.size }

// Append copies b to the end of the queue.
func (q *Queue) Append(p *Pool, b []byte) {
	q.size += len(b)
	if t := q.tail; t != nil {
		if t.room() >= len(b) {
			t.buf = append(t.buf, b...)
			return
		}
		n := t.room()
		t.buf = append(t.buf, b[:n]...)
		b = b[n:]
	}
	for len(b) > 0 {
		t := q.grow(p, len(b))
		n := min(len(b), t.room())
		t.buf = append(t.buf, b[:n]...)
		b = b[n:]
	}
}

// AppendString copies s to the end of the queue.
func (q *Queue) AppendString(p *Pool, s string) {
	if len(s) <= MaxChunk {
		q.Commit(append(q.Reserve(p, len(s)), s...))
		return
	}
	q.Append(p, []byte(s))
}

// Reserve returns the end of the queue as a slice with room for n more bytes,
// n at most MaxChunk. The caller appends to it and hands it to Commit before
// anything else happens to the queue:
//
//	q.Commit(resp.AppendArray(q.Reserve(p, 16), n))
func (q *Queue) Reserve(p *Pool, n int) []byte {
	if t := q.tail; t != nil && t.room() >= n {
		return t.buf
	}
	return q.grow(p, n).buf
}

// Commit takes the slice that Reserve returned, with what was appended to it.
// It panics if the caller wrote past what was reserved.
func (q *Queue) Commit(b []byte) {
	t := q.tail
	if cap(b) != cap(t.buf) || len(b) < len(t.buf) {
		panic("iobuf: commit of a slice that is not the reserved one")
	}
	q.size += len(b) - len(t.buf)
	t.buf = b
}

// Trim takes back the last n bytes. It reports false if they are not all in the last chunk,
// and then does nothing.
func (q *Queue) Trim(n int) bool {
	t := q.tail
	if t == nil || len(t.buf)-t.off < n {
		return false
	}
	t.buf = t.buf[:len(t.buf)-n]
	q.size -= n
	return true
}

// Adopt appends b without copying it; the caller gives b up. It pays for
// large buffers, a small one is better copied.
func (q *Queue) Adopt(p *Pool, b []byte) {
	if len(b) == 0 {
		return
	}
	p.used += cap(b)
	q.link(&chunk{buf: b})
	q.size += len(b)
}

// grow links a chunk with room for n bytes or MaxChunk, whichever is less.
// Each chunk is twice as large as the one before, so small queues stay small
// and large ones take few system calls.
func (q *Queue) grow(p *Pool, n int) *chunk {
	want := n
	if q.tail != nil {
		want = max(want, 2*cap(q.tail.buf))
	}
	c := p.get(want)
	q.link(c)
	return c
}

func (q *Queue) link(c *chunk) {
	if q.tail == nil {
		q.head, q.tail = c, c
		return
	}
	q.tail.next, q.tail = c, c
}

// Take moves everything from src to the end of q and leaves src empty.
func (q *Queue) Take(p *Pool, src *Queue) {
	if src.head == nil {
		return
	}
	// A little that fits is copied: one chunk less to write.
	if t := q.tail; t != nil && src.head == src.tail && t.room() >= src.size {
		q.Append(p, src.Front())
		src.Reset(p)
		return
	}
	if q.tail == nil {
		*q = *src
	} else {
		q.tail.next, q.tail = src.head, src.tail
		q.size += src.size
	}
	*src = Queue{}
}

// Front returns the bytes of the first chunk that has any, nil if the queue is
// empty. They are valid until the next call of another method.
func (q *Queue) Front() []byte {
	for c := q.head; c != nil; c = c.next {
		if len(c.buf) > c.off {
			return c.buf[c.off:]
		}
	}
	return nil
}

// Peek copies bytes from the head to dst, as many as there are and fit, and
// returns how many.
func (q *Queue) Peek(dst []byte) int {
	n := 0
	for c := q.head; c != nil && n < len(dst); c = c.next {
		n += copy(dst[n:], c.buf[c.off:])
	}
	return n
}

// AppendFrom copies n bytes of src, which are after the first skip, to the end of the queue.
// It panics if src has not as many.
func (q *Queue) AppendFrom(p *Pool, src *Queue, skip, n int) {
	if skip+n > src.size {
		panic("iobuf: copy of more than there is")
	}
	for c := src.head; n > 0; c = c.next {
		b := c.buf[c.off:]
		if skip >= len(b) {
			skip -= len(b)
			continue
		}
		b = b[skip:min(skip+n, len(b))]
		skip = 0
		n -= len(b)
		q.Append(p, b)
	}
}

// Vectors appends up to n chunks from the head to dst, to be written by one
// writev. They are valid until the next call of another method.
func (q *Queue) Vectors(dst [][]byte, n int) [][]byte {
	for c := q.head; c != nil && n > 0; c = c.next {
		if len(c.buf) > c.off {
			dst = append(dst, c.buf[c.off:])
			n--
		}
	}
	return dst
}

// Discard drops the first n bytes, which have been written. It panics if
// there are not as many.
func (q *Queue) Discard(p *Pool, n int) {
	if n > q.size {
		panic("iobuf: discard of more than there is")
	}
	q.size -= n
	for q.head != nil {
		c := q.head
		left := len(c.buf) - c.off
		if n < left {
			c.off += n
			return
		}
		n -= left
		q.head = c.next
		p.put(c)
	}
	q.tail = nil
}

// Reset drops everything and gives the chunks back.
func (q *Queue) Reset(p *Pool) {
	for c := q.head; c != nil; {
		next := c.next
		p.put(c)
		c = next
	}
	*q = Queue{}
}
