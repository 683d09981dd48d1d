package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// reply is one reply of RESP2 or RESP3.
type reply struct {
	typ  byte // its first byte
	text string
	of   []reply // elements; of a map its keys and values in turn
	null bool    // $-1 or *-1
}

// readReply reads a reply to its end.
func readReply(r *bufio.Reader) (reply, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return reply{}, err
	}
	if len(line) < 3 || !strings.HasSuffix(line, "\r\n") {
		return reply{}, fmt.Errorf("the line %q in a reply", line)
	}
	v := reply{typ: line[0], text: line[1 : len(line)-2]}
	if strings.IndexByte("$=!*%~>", v.typ) < 0 {
		if strings.IndexByte("+-:,(#_", v.typ) < 0 {
			return reply{}, fmt.Errorf("a reply of no type: %q", line)
		}
		return v, nil
	}
	n, err := strconv.Atoi(v.text)
	if err != nil {
		return reply{}, fmt.Errorf("a length in a reply: %q", line)
	}
	v.text, v.null = "", n < 0
	switch v.typ {
	case '$', '=', '!':
		if n < 0 {
			return v, nil
		}
		b := make([]byte, n+2)
		if _, err := io.ReadFull(r, b); err != nil {
			return reply{}, err
		}
		if string(b[n:]) != "\r\n" {
			return reply{}, fmt.Errorf("%q after a bulk string", b[n:])
		}
		v.text = string(b[:n])
		return v, nil
	case '%':
		n *= 2
	}
	for range n {
		e, err := readReply(r)
		if err != nil {
			return reply{}, err
		}
		v.of = append(v.of, e)
	}
	return v, nil
}

// String shows a reply so that two different ones never look the same: OK is
// +OK, a bulk string "OK", an array [:1 "a"], a map %[…], a set ~[…], a push >[…].
func (v reply) String() string {
	switch {
	case v.null:
		return string(v.typ) + "-1"
	case v.typ == '$':
		return strconv.Quote(v.text)
	case v.typ == '=' || v.typ == '!':
		return string(v.typ) + strconv.Quote(v.text)
	case strings.IndexByte("*%~>", v.typ) < 0:
		return string(v.typ) + v.text
	}
	var b strings.Builder
	if v.typ != '*' {
		b.WriteByte(v.typ)
	}
	b.WriteByte('[')
	for i, e := range v.of {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(e.String())
	}
	b.WriteByte(']')
	return b.String()
}
