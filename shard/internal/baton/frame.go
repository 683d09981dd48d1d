package baton

import (
	"errors"
	"math"
)

// framer finds the end of one RESP2 reply in bytes that come in pieces of
// any size. It looks at lengths only; redigo parses the values. The zero
// value stands before the first byte of a reply.
type framer struct {
	begun  bool
	values int64 // values that are still to end, with the one being read
	skip   int64 // bytes of a bulk string's body and its CRLF still to pass
	line   bool  // inside a header line
	kind   byte  // that line's first byte
	neg    bool
	num    int64
}

var (
	errReplyType   = errors.New("protocol error: a reply begins with an unknown type byte")
	errReplyLength = errors.New("protocol error: a reply's length is not a number or is too large")
)

// maxLength bounds the lengths a server may announce; Redis's own limit for
// a bulk string is 512 MiB and no array comes near.
const maxLength = math.MaxInt32

// next reads p on and returns how many of its bytes belong to the reply and
// whether the reply ends with them. After a reply's end it stands before the
// next one.
func (f *framer) next(p []byte) (n int, done bool, err error) {
	if !f.begun {
		f.begun, f.values = true, 1
	}
	for n < len(p) {
		if f.skip > 0 {
			k := min(f.skip, int64(len(p)-n))
			f.skip -= k
			n += int(k)
			if f.skip == 0 {
				f.values--
			}
		} else {
			k, err := f.header(p[n:])
			n += k
			if err != nil {
				return n, false, err
			}
		}
		if f.values == 0 && !f.line {
			*f = framer{}
			return n, true, nil
		}
	}
	return n, false, nil
}

// header reads a header line on, to its end or the end of p.
func (f *framer) header(p []byte) (n int, err error) {
	if !f.line {
		switch p[0] {
		case '+', '-', ':', '$', '*':
		default:
			return 0, errReplyType
		}
		f.line, f.kind, f.neg, f.num = true, p[0], false, 0
		n = 1
	}
	counted := f.kind == '$' || f.kind == '*'
	for ; n < len(p); n++ {
		c := p[n]
		switch {
		case c == '\n':
			f.line = false
			f.end()
			return n + 1, nil
		case !counted || c == '\r':
		case c == '-' && f.num == 0:
			f.neg = true
		case '0' <= c && c <= '9' && f.num <= maxLength:
			f.num = f.num*10 + int64(c-'0')
		default:
			return n, errReplyLength
		}
	}
	return n, nil
}

// end acts on a whole header line.
func (f *framer) end() {
	switch {
	case f.kind == '$' && !f.neg:
		f.skip = f.num + 2
	case f.kind == '*' && !f.neg:
		f.values += f.num - 1
	default:
		f.values--
	}
}
