package backend

import "github.com/shardring/shardring/proxy/iobuf"

// stash is calls that wait, in order, and their requests. The zero value is empty.
//
// Invariants: call.at is where its request begins, counted from the first byte
// the stash ever held; bytes begins at base, with the request of the first call.
type stash struct {
	calls fifo
	bytes iobuf.Queue
	base  uint64
}

func (s *stash) empty() bool { return s.calls.n == 0 }

// push takes a call and returns where its request goes.
func (s *stash) push(call *Call) *iobuf.Queue {
	call.at = s.end()
	s.calls.push(call)
	return &s.bytes
}

func (s *stash) end() uint64 { return s.base + uint64(s.bytes.Len()) }

// pop gives up the first call, and its request.
func (s *stash) pop(p *iobuf.Pool) *Call {
	call := s.calls.pop()
	end := s.end()
	if h := s.calls.head; h != nil {
		end = h.at
	}
	s.bytes.Discard(p, int(end-s.base))
	s.base = end
	return call
}

// headLen returns the length of the first call's request.
func (s *stash) headLen() int {
	if next := s.calls.head.next; next != nil {
		return int(next.at - s.base)
	}
	return s.bytes.Len()
}

// take moves everything from src to the end.
func (s *stash) take(p *iobuf.Pool, src *stash) {
	s.calls.take(&src.calls, s.end()-src.base)
	s.bytes.Take(p, &src.bytes)
	src.base = 0
}

// take moves all calls of src to the end, whose requests begin by shift later.
func (q *fifo) take(src *fifo, shift uint64) {
	for src.n > 0 {
		call := src.pop()
		call.at += shift
		q.push(call)
	}
}

// move moves the first n bytes of src to the end of dst; nil drops them.
func move(p *iobuf.Pool, dst, src *iobuf.Queue, n int) {
	if dst != nil && n == src.Len() {
		dst.Take(p, src)
		return
	}
	for n > 0 {
		b := src.Front()
		b = b[:min(len(b), n)]
		if dst != nil {
			dst.Append(p, b)
		}
		n -= len(b)
		src.Discard(p, len(b))
	}
}
