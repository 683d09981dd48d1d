package session

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strconv"

	"github.com/shardring/shardring/proxy/iobuf"
	"github.com/shardring/shardring/shard/resp"
)

// latencies is what LATENCY HISTOGRAM says of one command: how often it was called,
// and how many calls took up to so many µs.
type latencies struct {
	calls  int64
	within map[int64]int64
}

// add joins those of another shard. The counts are cumulative: one that the other
// does not have is its next smaller one.
func (l *latencies) add(o latencies) {
	l.calls += o.calls
	bounds := slices.Sorted(maps.Keys(l.within))
	for b := range o.within {
		if _, ok := l.within[b]; !ok {
			bounds = append(bounds, b)
		}
	}
	slices.Sort(bounds)
	sum := make(map[int64]int64, len(bounds))
	var mine, theirs int64
	for _, b := range bounds {
		if n, ok := l.within[b]; ok {
			mine = n
		}
		if n, ok := o.within[b]; ok {
			theirs = n
		}
		sum[b] = mine + theirs
	}
	l.within = sum
}

// mergeHistogram: LATENCY HISTOGRAM of each shard; one of all calls.
func mergeHistogram(g *gather, out *iobuf.Queue) error {
	var names []string
	all := map[string]*latencies{}
	for i := range g.parts {
		p := &g.parts[i]
		text := make([]byte, p.reply.Len())
		p.reply.Peek(text)
		r := flatReader{rest: text}
		for range r.pairs() {
			name := r.text()
			r.pairs()
			l := latencies{within: map[int64]int64{}}
			r.text() // calls
			l.calls = r.number()
			r.text() // histogram_usec
			for range r.pairs() {
				bound := r.number()
				l.within[bound] = r.number()
			}
			if all[name] == nil {
				names = append(names, name)
				all[name] = &l
			} else {
				all[name].add(l)
			}
		}
		if r.err != nil {
			return p.unexpected(string(text))
		}
	}
	s := g.req.session
	b := s.appendMap(nil, len(names))
	for _, name := range names {
		l := all[name]
		b = s.appendMap(resp.AppendBulk(b, name), 2)
		b = resp.AppendInt(resp.AppendBulk(b, "calls"), l.calls)
		b = s.appendMap(resp.AppendBulk(b, "histogram_usec"), len(l.within))
		for _, bound := range slices.Sorted(maps.Keys(l.within)) {
			b = resp.AppendInt(resp.AppendInt(b, bound), l.within[bound])
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
