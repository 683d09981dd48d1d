package session

import (
	"bytes"
	"fmt"
	"strconv"
)

// reply is a decoded reply, by a decoder that shares nothing with package resp.
type reply struct {
	typ   byte // '+', '-', ':', '$', '*', or of RESP3: '_', '=', '%', '>', '~'
	null  bool
	text  string // of '+', '-', '$' and '='
	num   int64  // of ':'
	elems []reply
	head  string // of a value of memcached: its line
}

// decodeReply reads the reply at the start of b: its length is n, or 0 when it
// is not whole, then it needs at least need bytes.
func decodeReply(b []byte) (r reply, n, need int, err error) {
	i := bytes.Index(b, []byte("\r\n"))
	if i < 0 {
		return r, 0, len(b) + 1, nil
	}
	line := string(b[1:i])
	n = i + 2
	r.typ = b[0]
	switch r.typ {
	case '+', '-':
		r.text = line
		return r, n, 0, nil
	case '_':
		r.null = true
		return r, n, 0, nil
	case ':', '$', '=', '*', '%', '>', '~':
	default:
		return r, 0, 0, fmt.Errorf("a reply cannot begin with %.40q", b)
	}
	if r.num, err = strconv.ParseInt(line, 10, 64); err != nil {
		return r, 0, 0, fmt.Errorf("bad header: %.40q", b)
	}
	switch {
	case r.typ == ':':
	case r.num < 0:
		r.null = true
	case r.typ == '$' || r.typ == '=':
		end := n + int(r.num)
		if len(b) < end+2 {
			return r, 0, end + 2, nil
		}
		if string(b[end:end+2]) != "\r\n" {
			return r, 0, 0, fmt.Errorf("no CRLF after a bulk string of %d: %.20q", r.num, b[end:])
		}
		r.text = string(b[n:end])
		n = end + 2
	default:
		count := r.num
		if r.typ == '%' {
			count *= 2
		}
		for range count {
			if n == len(b) {
				return r, 0, n + 1, nil
			}
			e, k, more, err := decodeReply(b[n:])
			if k == 0 {
				return r, 0, n + more, err
			}
			r.elems = append(r.elems, e)
			n += k
		}
	}
	return r, n, 0, nil
}

// speak checks that the nulls in a reply are those of a protocol, and makes them
// those of RESP2.
func (r *reply) speak(proto int) error {
	if r.null {
		if (r.typ == '_') != (proto == 3) {
			return fmt.Errorf("not a null of RESP%d", proto)
		}
		r.typ = '$'
	}
	for i := range r.elems {
		if err := r.elems[i].speak(proto); err != nil {
			return err
		}
	}
	return nil
}

func (r reply) String() string {
	switch {
	case r.null:
		return "null"
	case r.typ == 'T':
		return fmt.Sprintf("%d values, %.200q %.200q", len(r.elems), r.head, r.text)
	case r.typ == ':':
		return fmt.Sprintf(":%d", r.num)
	case r.typ == '*', r.typ == '%', r.typ == '>', r.typ == '~':
		return fmt.Sprintf("%c%.400s", r.typ, fmt.Sprint(r.elems))
	case len(r.text) > 160:
		return fmt.Sprintf("%c%.100q… (%d bytes)", r.typ, r.text, len(r.text))
	}
	return fmt.Sprintf("%c%q", r.typ, r.text)
}
