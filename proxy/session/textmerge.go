package session

import (
	"bytes"

	"github.com/shardring/shardring/proxy/iobuf"
	"github.com/shardring/shardring/proxy/memcache"
)

// textMerge makes one reply of the parts' replies and appends it to out, or returns the
// line that answers the request. A part that failed has no reply.
type textMerge func(g *gather, out *iobuf.Queue) string

func (g *gather) concludeText(out *iobuf.Queue) string {
	if g.failed != nil {
		g.req.session.pool.Stats.Errors++
	}
	return g.text(g, out)
}

// maxGetPart is how long the line is that a shard is sent for a part of a gat: a longer one is
// not sure to be read.
const maxGetPart = 2000

// breakLines makes parts of parts whose lines would be too long. It reports whether there
// are any: then several parts may go to one shard.
func (g *gather) breakLines(req *memcache.Request) bool {
	if len(req.Line) <= maxGetPart || bytes.HasPrefix(req.Name, []byte("get")) {
		return false
	}
	shards := len(g.parts)
	latest := make([]uint32, len(g.parts)) // of each part, where its keys go now
	length := make([]int, len(g.parts))
	for i := range latest {
		latest[i], length[i] = uint32(i), len(req.Name)
	}
	for j, k := range req.Args {
		i := g.owner[j]
		length[i] += 1 + int(k.End-k.Off)
		if length[i] > maxGetPart {
			latest[i], length[i] = uint32(len(g.parts)), len(req.Name)+1+int(k.End-k.Off)
			g.parts = append(g.parts, part{shard: g.parts[i].shard})
		}
		g.owner[j] = latest[i]
	}
	return len(g.parts) > shards
}

// sendLines sends the parts of a gather that breakLines has made more of: each is said whole
// before the next, for they may share a connection.
func (s *Session) sendLines(g *gather, req *memcache.Request) {
	g.line, g.keys = append(g.line, req.Line...), append(g.keys, req.Args...)
	s.start(g)
	g.req.form = getText
	line := make([]byte, 0, maxGetPart+len("\r\n"))
	keys := g.keysByPart()
	for i := range g.parts {
		q := g.send(i)
		if q == nil {
			continue
		}
		line = append(line[:0], req.Name...)
		for _, k := range keys[i] {
			line = append(append(line, ' '), k.Of(req.Line)...)
		}
		line = append(line, "\r\n"...)
		g.parts[i].conn.Stats.RequestBytes += uint64(len(line))
		q.Append(s.core.buffer, line)
	}
	g.sent()
}

// keysByPart returns the keys of each part, in their order.
func (g *gather) keysByPart() [][]memcache.Span {
	keys := make([][]memcache.Span, len(g.parts))
	for j, i := range g.owner {
		keys[i] = append(keys[i], g.keys[j])
	}
	return keys
}

// mergeValues: of each shard the values it has of its keys, in their order; all of them in the
// order of the request.
func mergeValues(g *gather, out *iobuf.Queue) string {
	misses, pool := g.req.session.pool.misses, g.req.core.buffer
	if g.failed != nil && !misses {
		return fault(g.failed)
	}
	for i := range g.parts {
		p := &g.parts[i]
		f := p.reply.Front()
		if len(f) > 0 && f[0] != 'V' && !bytes.HasPrefix(f, []byte("END")) {
			if text := p.line(); text != "END" {
				if !misses {
					return text
				}
				p.reply.Reset(pool)
			}
		}
		p.view = p.reply.Front()
	}
	for j, i := range g.owner {
		if text := g.parts[i].value(out, g.keys[j].Of(g.line)); text != "" {
			return text
		}
	}
	out.AppendString(pool, "END\r\n")
	return ""
}

// maxValueLine is longer than the line before a value.
const maxValueLine = 512

// value moves the next value of a part's reply to out if it is that of key.
func (p *part) value(out *iobuf.Queue, key []byte) string {
	if len(p.view) == 0 {
		return ""
	}
	pool := p.g.req.core.buffer
	if head, data := memcache.ValueOf(p.view, key); head > 0 {
		if n := head + data; n < len(p.view) { // nearly always: END is behind it
			out.Append(pool, p.view[:n])
			p.view = p.view[n:]
			return ""
		}
	} else if _, head, _ := memcache.Value(p.view); head > 0 { // of another key
		return ""
	}
	p.reply.Discard(pool, len(p.reply.Front())-len(p.view))
	defer func() { p.view = p.reply.Front() }()
	var buf [maxValueLine]byte
	head := buf[:p.reply.Peek(buf[:])]
	i := bytes.IndexByte(head, '\n')
	if i < 0 {
		return "SERVER_ERROR " + p.unexpected(string(head)).Error()
	}
	got, size, ok := memcache.ValueLine(head[:i])
	if !ok || !bytes.Equal(got, key) {
		return ""
	}
	for n := i + 1 + size; n > 0; {
		b := p.reply.Front()
		b = b[:min(n, len(b))]
		out.Append(pool, b)
		n -= len(b)
		p.reply.Discard(pool, len(b))
	}
	return ""
}

// line returns the first line of a part's reply.
func (p *part) line() string {
	b := make([]byte, min(p.reply.Len(), 1024))
	b = b[:p.reply.Peek(b)]
	line, _, _ := bytes.Cut(b, []byte("\n"))
	return string(bytes.TrimSuffix(line, []byte("\r")))
}

// mergeSame: all shards say the same, or one says what is wrong.
func mergeSame(g *gather, out *iobuf.Queue) string {
	if g.failed != nil {
		if len(g.parts) == 1 {
			return fault(g.failed)
		}
		return fault(g.failed) + "; other shards may have executed their part"
	}
	first := g.parts[0].line()
	for i := range g.parts {
		if line := g.parts[i].line(); memcache.IsError(line) {
			return line
		}
	}
	return first
}

// mergeVersion: the lowest, for what all can do.
func mergeVersion(g *gather, out *iobuf.Queue) string {
	lowest := ""
	for i := range g.parts {
		line := g.parts[i].line()
		if line != "" && (lowest == "" || memcache.Older(line, lowest)) {
			lowest = line
		}
	}
	if lowest == "" {
		return fault(g.failed)
	}
	return lowest
}

// mergeStats: one of all. A shard that failed has no part in it.
func mergeStats(g *gather, out *iobuf.Queue) string {
	return g.stats(out, func(of []memcache.ShardStats) []byte { return memcache.MergeStats(of) })
}

// mergeShardStats: those of each, by its name.
func mergeShardStats(g *gather, out *iobuf.Queue) string {
	return g.stats(out, func(of []memcache.ShardStats) []byte { return memcache.JoinStats(of) })
}

func (g *gather) stats(out *iobuf.Queue, merge func([]memcache.ShardStats) []byte) string {
	var all []memcache.ShardStats
	for i := range g.parts {
		p := &g.parts[i]
		if p.reply.Len() == 0 {
			continue
		}
		text := make([]byte, p.reply.Len())
		p.reply.Peek(text)
		all = append(all, memcache.ShardStats{Name: p.conn.Shard, Text: string(text)})
	}
	if len(all) == 0 {
		return fault(g.failed)
	}
	out.Append(g.req.core.buffer, merge(all))
	return ""
}
