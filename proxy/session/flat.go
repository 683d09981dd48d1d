package session

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/shardring/shardring/shard/resp"
)

// flatReader reads a reply of RESP2 or RESP3 whose form is known, element by element.
// It keeps the first error.
type flatReader struct {
	rest []byte
	err  error
}

var errForm = errors.New("a reply of another form")

// line takes a line of one of the given types and returns what follows the type.
func (r *flatReader) line(types string) (typ byte, text []byte) {
	line, rest, ok := bytes.Cut(r.rest, []byte("\r\n"))
	if r.err != nil || !ok || len(line) < 2 || bytes.IndexByte([]byte(types), line[0]) < 0 {
		r.err = errForm
		return 0, nil
	}
	r.rest = rest
	return line[0], line[1:]
}

func (r *flatReader) number() int64 {
	_, text := r.line(":")
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		r.err = errForm
	}
	return n
}

// pairs takes the header of a map, or of an array in its place, and returns the
// number of pairs.
func (r *flatReader) pairs() int {
	typ, text := r.line("*%")
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 0 || n > len(r.rest) {
		r.err = errForm
		return 0
	}
	if typ == '*' {
		n /= 2
	}
	return n
}

// elements takes the header of an array or a set and returns the number of elements.
func (r *flatReader) elements() int {
	_, text := r.line("*~")
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 0 || n > len(r.rest) {
		r.err = errForm
		return 0
	}
	return n
}

// skip takes a value of any form.
func (r *flatReader) skip() {
	var cut resp.Cutter
	n, done, err := cut.Cut(r.rest)
	if err != nil || !done {
		r.err = errForm
		return
	}
	r.rest = r.rest[n:]
}

func (r *flatReader) text() string {
	typ, text := r.line("$+")
	if typ != '$' {
		return string(text)
	}
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 0 || n+2 > len(r.rest) {
		r.err = errForm
		return ""
	}
	s := string(r.rest[:n])
	r.rest = r.rest[n+2:]
	return s
}
