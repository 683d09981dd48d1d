package session

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/shardring/shardring/proxy/iobuf"
	"github.com/shardring/shardring/shard/resp"
)

// mergeMin: integers; the smallest.
func mergeMin(g *gather, out *iobuf.Queue) error { return mergeInts(g, out, slices.Min[[]int64]) }

// mergeMax: integers; the largest.
func mergeMax(g *gather, out *iobuf.Queue) error { return mergeInts(g, out, slices.Max[[]int64]) }

func mergeInts(g *gather, out *iobuf.Queue, choose func([]int64) int64) error {
	var all []int64
	for i := range g.parts {
		n, err := g.parts[i].number(':')
		if err != nil {
			return err
		}
		all = append(all, n)
	}
	out.Commit(resp.AppendInt(out.Reserve(g.req.core.buffer, maxLine), choose(all)))
	return nil
}

// mergeSumPairs: arrays of a name and an integer in turn, the same names in each;
// the sums.
func mergeSumPairs(g *gather, out *iobuf.Queue) error {
	var names [][]byte
	var sums []int64
	for i := range g.parts {
		p := &g.parts[i]
		n, err := p.number('*')
		if err != nil {
			return err
		}
		if i > 0 && int(n) != 2*len(sums) {
			return fmt.Errorf("shard '%s' at %s: %d elements, others sent %d", p.conn.Shard, p.conn.Addr, n, 2*len(sums))
		}
		for j := range int(n) / 2 {
			name, err := p.bulk()
			if err != nil {
				return err
			}
			v, err := p.number(':')
			if err != nil {
				return err
			}
			if i == 0 {
				names, sums = append(names, name), append(sums, 0)
			}
			sums[j] += v
		}
	}
	b := resp.AppendArray(nil, 2*len(sums))
	for j, name := range names {
		b = resp.AppendInt(resp.AppendBulk(b, name), sums[j])
	}
	out.Append(g.req.core.buffer, b)
	return nil
}

// bulk takes a bulk string from a part's reply.
func (p *part) bulk() ([]byte, error) {
	n, err := p.number('$')
	if err != nil {
		return nil, err
	}
	if n < 0 || int(n)+2 > p.reply.Len() {
		return nil, p.unexpected("$-1")
	}
	b := make([]byte, n+2)
	p.reply.Peek(b)
	p.reply.Discard(p.g.req.core.buffer, len(b))
	return b[:n], nil
}

// dbsize asks for what mergeRandomKey weighs shards by.
var dbsize = resp.AppendRequest(nil, "DBSIZE")

// mergeRandomKey: of each shard the number of its keys and one of them; one of
// these, in proportion to the numbers.
func mergeRandomKey(g *gather, out *iobuf.Queue) error {
	weights := make([]int64, len(g.parts)/2)
	var total int64
	for i := range weights {
		n, err := g.parts[2*i].number(':')
		if err != nil {
			return err
		}
		if key := g.parts[2*i+1].reply.Front(); len(key) > 1 && key[0] == '$' && key[1] != '-' {
			weights[i] = n
			total += n
		}
	}
	s := g.req.session
	if total == 0 {
		out.Append(s.core.buffer, s.appendNull(nil))
		return nil
	}
	at := int64(s.core.Rand() * float64(total))
	for i, w := range weights {
		if at -= w; at < 0 {
			out.Take(s.core.buffer, &g.parts[2*i+1].reply)
			return nil
		}
	}
	return fmt.Errorf("no key among %d", total) // not reachable
}

// mergeByShard: whatever they are; a map from the shards' names to them.
func mergeByShard(g *gather, out *iobuf.Queue) error {
	s := g.req.session
	out.Append(s.core.buffer, s.appendMap(nil, len(g.parts)))
	for i := range g.parts {
		p := &g.parts[i]
		out.Append(s.core.buffer, resp.AppendBulk(nil, p.conn.Shard))
		out.Take(s.core.buffer, &p.reply)
	}
	return nil
}

// mergeRunning: FUNCTION STATS, whose first field is what runs; that of a shard where
// something does, else the first.
func mergeRunning(g *gather, out *iobuf.Queue) error {
	best := &g.parts[0]
	for i := range g.parts {
		var buf [64]byte
		b := buf[:g.parts[i].reply.Peek(buf[:])]
		lines := bytes.SplitN(b, []byte("\r\n"), 5)
		if len(lines) > 3 && len(lines[3]) > 1 && lines[3][0] != '_' && lines[3][1] != '-' {
			best = &g.parts[i]
			break
		}
	}
	out.Take(g.req.core.buffer, &best.reply)
	return nil
}
