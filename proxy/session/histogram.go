package session

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/shardring/shardring/proxy/iobuf"
	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/resp"
)

// mergeHistogram: LATENCY HISTOGRAM of each shard; one of all calls.
func mergeHistogram(g *gather, out *iobuf.Queue) error {
	var all []command.Latencies
	for i := range g.parts {
		p := &g.parts[i]
		text := make([]byte, p.reply.Len())
		p.reply.Peek(text)
		r := flatReader{rest: text}
		for range r.pairs() {
			l := command.Latencies{Command: r.text(), Within: map[int64]int64{}}
			r.pairs()
			r.text() // calls
			l.Calls = r.number()
			r.text() // histogram_usec
			for range r.pairs() {
				bound := r.number()
				l.Within[bound] = r.number()
			}
			all = append(all, l)
		}
		if r.err != nil {
			return p.unexpected(string(text))
		}
	}
	all = command.MergeLatencies(all)
	s := g.req.session
	b := s.appendMap(nil, len(all))
	for i := range all {
		l := &all[i]
		b = s.appendMap(resp.AppendBulk(b, l.Command), 2)
		b = resp.AppendInt(resp.AppendBulk(b, "calls"), l.Calls)
		b = s.appendMap(resp.AppendBulk(b, "histogram_usec"), len(l.Within))
		for _, bound := range l.Bounds() {
			b = resp.AppendInt(resp.AppendInt(b, bound), l.Within[bound])
		}
	}
	out.Append(s.core.buffer, b)
	return nil
}

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
