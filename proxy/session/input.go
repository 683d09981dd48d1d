package session

import (
	"github.com/shardring/shardring/proxy/iobuf"
	"github.com/shardring/shardring/proxy/memcache"
	"github.com/shardring/shardring/shard/resp"
)

// kept is the start of a request that has not come whole, or input that a
// stalled session could not handle yet.
type kept struct {
	buf     []byte
	parser  parser
	adopted bool // buf belongs to a connection's queue now
}

// maxKept is the largest buffer that a kept keeps for the next session; larger
// ones go back to the pool of buffers.
const maxKept = iobuf.MaxChunk

// maxArgs is the longest list of arguments that a kept keeps, and maxLargeArgs
// the longest that the core's own parser does.
const (
	maxArgs      = 4096
	maxLargeArgs = 64 << 10
)

// adoptFrom is the size from which a request's buffer is handed over to the
// connection instead of being copied.
const adoptFrom = 32 << 10

// Received takes bytes from the client. b may be used again afterwards.
func (s *Session) Received(b []byte) {
	if s.phase != open {
		return
	}
	s.active = s.core.now
	if k := s.kept; k != nil {
		if b = s.complete(k, b); len(b) == 0 {
			return
		}
	}
	used := s.run(b, &s.core.parser)
	if used < len(b) && s.phase == open {
		s.keep(b[used:])
	}
	s.core.parser.Reset()
}

// complete adds to the kept input until its request is whole, and returns what
// of b follows it. Little of b is copied: it often holds many requests more.
func (s *Session) complete(k *kept, b []byte) []byte {
	for len(b) > 0 {
		// At least 512 bytes, but none beyond the request that would take a
		// larger buffer.
		n := min(len(b), max(k.parser.Need()-len(k.buf), min(cap(k.buf)-len(k.buf), 512), 1))
		if s.stalled {
			n = len(b)
		}
		k.grow(s.core, n)
		k.buf = append(k.buf, b[:n]...)
		s.owned = k
		used := s.run(k.buf, &k.parser)
		s.owned = nil
		if s.phase != open {
			return nil
		}
		if used > 0 {
			// Before these n bytes no request was whole, so what is left
			// of k.buf is all from b.
			b = b[n-(len(k.buf)-used):]
			s.discardKept(k)
			return b
		}
		b = b[n:]
	}
	return nil
}

// parser is how far a session has come in a request, in its pool's protocol.
type parser struct {
	resp.Parser
	text memcache.Parser
}

// Need and Reset are those of either protocol.
func (p *parser) Need() int { return max(p.Parser.Need(), p.text.Need()) }
func (p *parser) Reset()    { p.Parser.Reset(); p.text.Reset() }

// run handles the requests at the start of b until they end, the last one is
// not whole, or the session must wait. It returns the bytes that are done with.
func (s *Session) run(b []byte, parser *parser) int {
	if s.pool.memcached {
		return s.runText(b, &parser.text)
	}
	p := &parser.Parser
	used := 0
	for used < len(b) && s.phase <= draining && !s.stall() {
		lim := &s.core.limits.Request
		if s.user == nil { // AUTH may be amid b
			lim = &s.core.unauthLimit
		}
		n, st, err := p.Parse(b[used:], lim)
		switch st {
		case resp.Incomplete:
			return used
		case resp.Invalid:
			s.refuseInput(err)
			return len(b)
		case resp.Complete:
			frame, taken := b[used:used+n:used+n], false
			if s.pool.pace == 0 {
				taken = s.handle(frame, p.Args)
			} else {
				taken = s.handlePaced(frame, p.Args)
			}
			if !taken {
				p.Reset()
				return used
			}
			s.pool.Stats.Requests++
		case resp.Inline:
			if !s.inline(b[used : used+n]) {
				p.Reset()
				return used
			}
		}
		used += n
		p.Reset()
	}
	return used
}

// inline handles a request that is a line of text. It returns false as handle.
func (s *Session) inline(line []byte) bool {
	frame, err := resp.AppendInline(nil, line)
	if err != nil {
		s.refuseInput(err)
		return true
	}
	p := &s.core.spare
	p.Reset()
	lim := resp.DefaultLimits()
	if _, st, _ := p.Parse(frame, &lim); st != resp.Complete {
		return true // an empty line
	}
	owned := s.owned
	s.owned = nil // frame is not its buffer
	taken := false
	if s.pool.pace == 0 {
		taken = s.handle(frame, p.Args)
	} else {
		taken = s.handlePaced(frame, p.Args)
	}
	s.owned = owned
	if taken {
		s.pool.Stats.Requests++
	}
	return taken
}

// keep copies the rest of the input, and takes over what the parser knows.
func (s *Session) keep(b []byte) {
	k, p := s.core.kepts.get(), &s.core.parser
	k.grow(s.core, len(b))
	k.buf = append(k.buf[:0], b...)
	k.parser, *p = *p, k.parser
	// A few arguments do not take a list for thousands with them.
	if args := k.parser.Args; cap(args) > maxArgs && len(args) < cap(args)/8 {
		k.parser.Args, p.Args = append(p.Args[:0], args...), args[:0]
	}
	s.kept = k
}

func (s *Session) discardKept(k *kept) {
	s.kept = nil
	k.parser.text.Lend(&s.core.parser.text, maxArgs, maxLargeArgs)
	if k.parser.Reset(); cap(k.parser.Args) > maxArgs {
		// The next long request finds it here, unless a request is being read.
		if p := &s.core.parser; len(p.Args) == 0 && cap(p.Args) < cap(k.parser.Args) && cap(k.parser.Args) <= maxLargeArgs {
			p.Args = k.parser.Args
		}
		k.parser.Args = nil
	}
	if cap(k.buf) > maxKept || k.adopted {
		if !k.adopted {
			s.core.buffer.Recycle(k.buf)
		}
		k.buf, k.adopted = nil, false
	}
	k.buf = k.buf[:0]
	s.core.kepts.put(k)
}

// grow makes room for n more bytes, and at once for the argument under way if an
// eighth of all has come: a length alone takes no memory. Otherwise it grows by a
// part of what there is, so that n arguments are not copied n times.
func (k *kept) grow(c *Core, n int) {
	want := len(k.buf) + n
	if want <= cap(k.buf) {
		return
	}
	size := max(want, cap(k.buf)+cap(k.buf)/4)
	if need := k.parser.Need(); need <= 8*want {
		size = max(size, need)
	} else {
		size = 2 * want
	}
	if size <= maxKept/2 {
		k.buf = append(make([]byte, 0, max(size, 2*cap(k.buf), 512)), k.buf...)
		return
	}
	old := k.buf
	k.buf = append(c.buffer.Buffer(max(size, 2*maxKept)), old...)
	c.buffer.Recycle(old)
}

// refuseInput answers input that is no request, after what is under way, and
// ends the session as Redis does.
func (s *Session) refuseInput(err error) {
	s.begin().finishError("ERR " + err.Error())
	s.end()
}
