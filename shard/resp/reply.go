package resp

import "math"

// ReplyError is a reply that is not RESP: the server behind the connection is
// no Redis, or the stream is out of step.
type ReplyError string

func (e ReplyError) Error() string { return "invalid reply: " + string(e) }

// Cutter finds the end of replies in a stream. It keeps its place across
// pieces that are cut anywhere, even within a number. The zero value is at the
// start of a reply. RESP2 and RESP3, except streamed aggregates, which no
// Redis sends.
type Cutter struct {
	left  int64 // elements still to come, the current one included; 0: none begun
	skip  int64 // bytes of a bulk string still to come, its CRLF included
	num   int64 // the number of the header line being read
	typ   byte  // the type of the element being read
	state cutState
}

type cutState uint8

const (
	atType  cutState = iota // next is the first byte of an element
	inText                  // in a line whose text does not matter
	inNum                   // in a number
	inNeg                   // in a number after a minus sign
	atLF                    // after the CR of a text line
	atNumLF                 // after the CR of a number
	inSkip                  // in a bulk string
)

// Begun reports whether a part of a reply has been cut and its end has not.
func (c *Cutter) Begun() bool { return c.left != 0 }

// Body returns how many bytes of a bulk string are still to come, its CRLF not
// counted; 0 outside of one.
func (c *Cutter) Body() int64 { return max(0, c.skip-2) }

// Cut returns how many bytes at the start of b belong to the current reply, and
// whether it ends there. If done is false all of b was taken.
func (c *Cutter) Cut(b []byte) (n int, done bool, err error) {
	if c.left == 0 {
		c.left = 1
	}
	i := 0
	for i < len(b) {
		switch c.state {
		case atType:
			// The common replies in one step: a short header that is whole.
			if k, ok := c.whole(b[i:]); ok {
				i += k
				break
			}
			c.typ, c.num, c.state = b[i], 0, inNum
			switch b[i] {
			case '+', '-', ':', ',', '(', '#', '_':
				c.state = inText
			case '$', '=', '!', '*', '~', '>', '%', '|':
			default:
				return 0, false, ReplyError("unknown type " + quoted(b[i]))
			}
			i++
			continue
		case inText:
			for i < len(b) && b[i] != '\r' {
				i++
			}
			if i < len(b) {
				c.state = atLF
				i++
			}
			continue
		case inNum, inNeg:
			switch d := b[i]; {
			case d >= '0' && d <= '9' && c.num <= math.MaxInt32:
				c.num = c.num*10 + int64(d-'0')
			case d == '-' && c.state == inNum && c.num == 0:
				c.state = inNeg
			case d == '\r':
				if c.state == inNeg {
					c.num = -c.num
				}
				c.state = atNumLF
			default:
				return 0, false, ReplyError("bad length after " + quoted(c.typ))
			}
			i++
			continue
		case atLF, atNumLF:
			if b[i] != '\n' {
				return 0, false, ReplyError("expected LF, got " + quoted(b[i]))
			}
			i++
			if c.state == atLF {
				c.left--
				c.state = atType
			} else {
				c.element(c.typ, c.num)
			}
		case inSkip:
			k := min(c.skip, int64(len(b)-i))
			i += int(k)
			c.skip -= k
			if c.skip > 0 {
				continue
			}
			c.left--
			c.state = atType
		}
		if c.left == 0 {
			return i, true, nil
		}
	}
	return i, false, nil
}

// whole takes an element's header line at the start of b if it is all there
// and plain, and the element's body as far as it is there. It returns the
// bytes taken.
func (c *Cutter) whole(b []byte) (int, bool) {
	if b[0] != '$' && b[0] != '*' {
		return 0, false
	}
	v, i := plainHeader(b)
	if i == 0 {
		return 0, false
	}
	if b[0] == '*' {
		c.left += v - 1
		return i, true
	}
	if end := i + int(v) + 2; end <= len(b) {
		c.left--
		return end, true
	}
	c.state, c.skip = inSkip, v+2-int64(len(b)-i)
	return len(b), true
}

// plainHeader reads a header line of one to nine digits at the start of b, of
// whatever type, and returns its number and length; 0 if it is not that, or not
// whole.
func plainHeader(b []byte) (v int64, n int) {
	i := 1
	for ; i < len(b) && b[i]-'0' <= 9 && i <= 9; i++ {
		v = v*10 + int64(b[i]-'0')
	}
	if i+1 >= len(b) || b[i] != '\r' || b[i+1] != '\n' || i == 1 {
		return 0, 0
	}
	return v, i + 2
}

// BulkLen returns the length of the bulk string at the start of b, header and
// CRLFs included, or 0 if it is not whole or something else is there, be it null.
func BulkLen(b []byte) int {
	if len(b) == 0 || b[0] != '$' {
		return 0
	}
	v, n := plainHeader(b)
	if end := n + int(v) + 2; n > 0 && end <= len(b) {
		return end
	}
	return 0
}

// element is called when the header of a type with a length has been read.
func (c *Cutter) element(typ byte, n int64) {
	c.state = atType
	if n < 0 { // null
		c.left--
		return
	}
	switch typ {
	case '$', '=', '!':
		c.state, c.skip = inSkip, n+2
	case '*', '~', '>':
		c.left += n - 1
	case '%':
		c.left += 2*n - 1
	case '|': // attributes come before the element they belong to
		c.left += 2 * n
	}
}

func quoted(c byte) string {
	if c < ' ' || c > '~' {
		const digits = "0123456789abcdef"
		return "byte 0x" + string([]byte{digits[c>>4], digits[c&15]})
	}
	return "'" + string(rune(c)) + "'"
}
