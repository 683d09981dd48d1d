package resp

import (
	"bytes"
	"math"
)

// Limits bound what a client may send.
type Limits struct {
	Inline int // longest inline request or header line, bytes
	Bulk   int // longest argument, bytes
	Args   int // most arguments of a request

	unauthenticated bool // errors say so
}

// DefaultLimits are those of a redis-server with its default configuration
// (networking.c, config.c), but for Args: it is that of Redis before 7, 1,048,576.
// Redis 7 takes up to 2,147,483,647 of a client that has logged in, which here would
// be 16 GiB of Spans.
func DefaultLimits() Limits {
	return Limits{Inline: 64 << 10, Bulk: 512 << 20, Args: 1 << 20}
}

// Unauthenticated are the limits before a client has logged in, those of
// processMultibulkBuffer.
func Unauthenticated() Limits {
	return Limits{Inline: 64 << 10, Bulk: 16 << 10, Args: 10, unauthenticated: true}
}

// refuse names what is wrong with a length: too much for a client that has not
// logged in, or for any.
func (l *Limits) refuse(next int, v int64, what string) ProtocolError {
	if l.unauthenticated && next >= 0 && v >= 0 {
		return ProtocolError("unauthenticated " + what)
	}
	return ProtocolError("invalid " + what)
}

// ProtocolError is a request that cannot be understood; the connection it
// came from is out of step. Its text is Redis's.
type ProtocolError string

func (e ProtocolError) Error() string { return "Protocol error: " + string(e) }

// Status is what a parser made of the bytes it has.
type Status uint8

const (
	Incomplete Status = iota // more bytes are needed
	Complete                 // a request of one argument or more
	Empty                    // complete, and nothing to do: an empty line or array
	Inline                   // a line of plain text: see AppendInline
	Invalid                  // a ProtocolError
)

func (s Status) String() string {
	return [...]string{"incomplete", "complete", "empty", "inline", "invalid"}[s]
}

// Span is an argument's place in its request: b[Off:End].
type Span struct{ Off, End uint32 }

// Of returns the argument's bytes; b starts where the request starts.
func (s Span) Of(b []byte) []byte { return b[s.Off:s.End:s.End] }

// Parser cuts requests. Between two requests it is reset; within one it keeps
// how far it came, so a request that arrives in n pieces is read once, not n
// times. The zero value is ready.
type Parser struct {
	// Args are the arguments found so far, the command's name first. They
	// are valid until Reset. Offsets stay right when the buffer moves.
	Args []Span

	pos  int // where the next header or argument starts
	left int // arguments still missing; 0 means the array header is
	bulk int // length of the argument at pos, valid if inBulk
	// inBulk: the header of the argument at pos was read.
	inBulk bool
}

// Reset prepares for the next request.
func (p *Parser) Reset() {
	*p = Parser{Args: p.Args[:0]}
}

// Need returns a lower bound of the request's length in bytes, from what has
// been read of it: a buffer for it is best made so large.
func (p *Parser) Need() int {
	if p.inBulk {
		return p.pos + p.bulk + 2
	}
	return p.pos + 4 // the shortest header: $0\r\n
}

// Parse looks for one request at the start of b, which holds the same request
// as at the last call, and perhaps more of it. It returns the request's
// length with Complete, Empty and Inline. With Inline the line is b[:n].
func (p *Parser) Parse(b []byte, lim *Limits) (n int, st Status, err error) {
	if p.left == 0 {
		if len(b) == 0 {
			return 0, Incomplete, nil
		}
		if b[0] != '*' {
			return p.line(b, lim)
		}
		v, next, ok := header(b, 0)
		if !ok {
			return p.stalled(b, lim, "too big mbulk count string")
		}
		if next < 0 || v > int64(lim.Args) || v > math.MaxInt32 {
			return 0, Invalid, lim.refuse(next, v, "multibulk length")
		}
		if v <= 0 {
			return next, Empty, nil
		}
		p.pos, p.left = next, int(v)
	}
	for {
		if !p.inBulk {
			if p.pos >= len(b) {
				return 0, Incomplete, nil
			}
			if b[p.pos] != '$' {
				return 0, Invalid, expectedDollar(b[p.pos])
			}
			v, next, ok := header(b, p.pos)
			if !ok {
				return p.stalled(b, lim, "too big bulk count string")
			}
			if next < 0 || v < 0 || v > int64(lim.Bulk) || int64(next)+v+2 > math.MaxUint32 {
				return 0, Invalid, lim.refuse(next, v, "bulk length")
			}
			p.pos, p.bulk, p.inBulk = next, int(v), true
		}
		end := p.pos + p.bulk
		if end+2 > len(b) {
			return 0, Incomplete, nil
		}
		// Redis skips these two bytes unread; passing others on would be
		// passing on a client that is out of step.
		if b[end] != '\r' || b[end+1] != '\n' {
			return 0, Invalid, ProtocolError("expected CRLF after an argument")
		}
		p.Args = append(p.Args, Span{uint32(p.pos), uint32(end)})
		p.pos, p.inBulk = end+2, false
		p.left--
		if p.left == 0 {
			return p.pos, Complete, nil
		}
	}
}

// line looks for an inline request.
func (p *Parser) line(b []byte, lim *Limits) (int, Status, error) {
	i := bytes.IndexByte(b[p.pos:], '\n')
	if i < 0 {
		if len(b) > lim.Inline {
			return 0, Invalid, ProtocolError("too big inline request")
		}
		p.pos = len(b) // searched so far
		return 0, Incomplete, nil
	}
	n := p.pos + i + 1
	if n > lim.Inline {
		return 0, Invalid, ProtocolError("too big inline request")
	}
	if len(bytes.TrimSpace(b[:n])) == 0 {
		return n, Empty, nil
	}
	return n, Inline, nil
}

// stalled is a header without an end.
func (p *Parser) stalled(b []byte, lim *Limits, what string) (int, Status, error) {
	if len(b)-p.pos > lim.Inline {
		return 0, Invalid, ProtocolError(what)
	}
	return 0, Incomplete, nil
}

func expectedDollar(c byte) ProtocolError {
	if c < ' ' || c > '~' {
		c = '?' // an error reply is one line of text
	}
	return ProtocolError("expected '$', got '" + string(rune(c)) + "'")
}

// header reads the number of a line "*12\r\n" that starts at b[at]. ok is false
// if the line has no end yet; next is where the next byte after it is, or -1
// if it holds no number.
func header(b []byte, at int) (v int64, next int, ok bool) {
	i := at + 1
	// Nearly every header is one or two digits.
	for ; i < len(b) && b[i]-'0' <= 9 && i-at <= 18; i++ {
		v = v*10 + int64(b[i]-'0')
	}
	if i+1 < len(b) && b[i] == '\r' && b[i+1] == '\n' && i > at+1 && (b[at+1] != '0' || i == at+2) {
		return v, i + 2, true
	}
	return headerSlow(b, at)
}

// headerSlow is header for what is not a plain number: negative ones, lines
// that are cut or wrong.
func headerSlow(b []byte, at int) (v int64, next int, ok bool) {
	i := bytes.IndexByte(b[at:], '\r')
	if i < 0 || at+i+1 >= len(b) {
		return 0, 0, false
	}
	next = at + i + 2
	v, valid := parseInt(b[at+1 : at+i])
	if !valid || b[next-1] != '\n' {
		return 0, -1, true
	}
	return v, next, true
}

// parseInt reads a decimal number as Redis's string2ll does: no plus sign, no
// leading zero, no space.
func parseInt(b []byte) (int64, bool) {
	neg := len(b) > 0 && b[0] == '-'
	if neg {
		b = b[1:]
	}
	if len(b) == 0 || len(b) > 19 || (b[0] == '0' && (len(b) > 1 || neg)) {
		return 0, false
	}
	var u uint64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		u = u*10 + uint64(c-'0')
	}
	if neg {
		return -int64(u), u <= 1<<63
	}
	return int64(u), u <= math.MaxInt64
}
