package crossread

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// What bytes can be but a reply.
var (
	errCut   = errors.New("it ends too early")
	errAfter = errors.New("bytes after its end")
)

// parseReply reads a complete reply of RESP2 or RESP3. Its strings are views.
func parseReply(b []byte) (reply, error) {
	r, rest, err := parseElement(b, 0)
	if err == nil && len(rest) > 0 {
		err = errAfter
	}
	return r, err
}

// maxDepth: a pair of a member and its score stands in an array.
const maxDepth = 1

// shortest is the length of the shortest element.
const shortest = len("_\r\n")

// parseElement reads the element at the start of b and returns what is behind it.
func parseElement(b []byte, depth int) (r reply, rest []byte, err error) {
	end := bytes.Index(b, []byte("\r\n"))
	if end < 1 {
		return r, nil, errCut
	}
	typ, line, rest := b[0], b[1:end], b[end+2:]
	switch typ {
	case '-':
		return reply{kind: failure, text: line}, rest, nil
	case ',':
		return reply{kind: bulk, text: line}, rest, nil
	case '_':
		return reply{kind: null}, rest, nil
	case '$', '!', '*', '~':
	default:
		return r, nil, fmt.Errorf("unexpected type %q", typ)
	}
	n, err := strconv.Atoi(text(line))
	switch {
	case err != nil || n < -1:
		return r, nil, fmt.Errorf("length %.32q", line)
	case n == -1:
		return reply{kind: null}, rest, nil
	case typ == '*' || typ == '~':
		return parseArray(rest, n, depth)
	case n > len(rest)-2:
		return r, nil, errCut
	case string(rest[n:n+2]) != "\r\n":
		return r, nil, errors.New("a string without its end")
	}
	r = reply{kind: bulk, text: rest[:n]}
	if typ == '!' {
		r.kind = failure
	}
	return r, rest[n+2:], nil
}

// parseArray reads n elements. A length is checked against what is there before
// memory is taken for it.
func parseArray(b []byte, n, depth int) (r reply, rest []byte, err error) {
	if n > len(b)/shortest {
		return r, nil, errCut
	}
	r = reply{kind: array, items: make([][]byte, 0, n)}
	for range n {
		var e reply
		if e, b, err = parseElement(b, depth+1); err != nil {
			return r, nil, err
		}
		switch {
		case e.kind == bulk:
			r.items = append(r.items, e.text)
		case e.kind == array && depth < maxDepth && len(e.items) == 2:
			r.items = append(r.items, e.items...)
		default:
			return r, nil, fmt.Errorf("%v in an array", e.kind)
		}
	}
	return r, b, nil
}

// valueReply reads a value as from redigo. Its strings are the value's own.
func valueReply(v any) (reply, error) {
	switch v := v.(type) {
	case nil:
		return reply{kind: null}, nil
	case []byte:
		return reply{kind: bulk, text: v}, nil
	case error:
		return reply{kind: failure, text: []byte(v.Error())}, nil
	case []any:
		r := reply{kind: array, items: make([][]byte, len(v))}
		for i, e := range v {
			s, ok := e.([]byte)
			if !ok {
				return r, fmt.Errorf("%T in an array", e)
			}
			r.items[i] = s
		}
		return r, nil
	}
	return reply{}, fmt.Errorf("unexpected type %T", v)
}
