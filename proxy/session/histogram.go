package session

import (
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
	all = g.req.session.pool.table.MergeLatencies(all)
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
