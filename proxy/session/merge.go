package session

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/shardring/shardring/proxy/iobuf"
	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/resp"
)

// mergers make one reply of the parts' replies, none of which is an error, and
// append it to out.
var mergers = [...]func(g *gather, out *iobuf.Queue) error{
	command.GatherArray: mergeByKey,
	command.Sum:         mergeSum,
	command.AllOK:       mergeOK,
	command.First:       mergeFirst,
	command.AndArray:    mergeAnd,
	command.Concat:      mergeConcat,
	command.Scan:        mergeScan,
	command.InfoText:    mergeInfo,
	command.Min:         mergeMin,
	command.Max:         mergeMax,
	command.AnyOK:       mergeFirst,
	command.SumPairs:    mergeSumPairs,
	command.RandomKey:   mergeRandomKey,
	command.Slowlog:     mergeSlowlog,
	command.ByShard:     mergeByShard,
	command.Running:     mergeRunning,
	command.Histogram:   mergeHistogram,
	command.Settings:    mergeSettings,
}

// maxLine is the longest header line of a reply: a type, 20 digits, CRLF.
const maxLine = 32

// number takes the header line of a part's reply, which must be of the given
// type, and returns its number.
func (p *part) number(typ byte) (int64, error) {
	var buf [maxLine]byte
	b := buf[:p.reply.Peek(buf[:])]
	i := bytes.IndexByte(b, '\r')
	if i > 1 && b[0] == typ {
		if n, err := strconv.ParseInt(string(b[1:i]), 10, 64); err == nil {
			p.reply.Discard(p.g.req.core.buffer, i+2)
			return n, nil
		}
	}
	return 0, p.unexpected(string(b))
}

func (p *part) unexpected(b string) error {
	return fmt.Errorf("shard '%s' at %s: unexpected reply %.32q", p.conn.Shard, p.conn.Addr, b)
}

// element moves the next element of a part's reply to out.
func (p *part) element(out *iobuf.Queue, cut *resp.Cutter) error {
	pool := p.g.req.core.buffer
	if n := resp.BulkLen(p.view); n > 0 { // nearly always
		out.Append(pool, p.view[:n])
		p.view = p.view[n:]
		return nil
	}
	p.reply.Discard(pool, len(p.reply.Front())-len(p.view))
	defer func() { p.view = p.reply.Front() }()
	for {
		b := p.reply.Front()
		if len(b) == 0 {
			return p.unexpected("")
		}
		n, done, err := cut.Cut(b)
		if err != nil {
			return err
		}
		out.Append(pool, b[:n])
		p.reply.Discard(pool, n)
		if done {
			return nil
		}
	}
}

// mergeByKey: arrays of an element a key; each goes where its key stood.
func mergeByKey(g *gather, out *iobuf.Queue) error {
	for i := range g.parts {
		p := &g.parts[i]
		n, err := p.number('*')
		if err == nil && n != int64(p.keys) {
			err = fmt.Errorf("shard '%s' at %s: %d elements for %d keys", p.conn.Shard, p.conn.Addr, n, p.keys)
		}
		if err != nil {
			return err
		}
	}
	for i := range g.parts {
		g.parts[i].view = g.parts[i].reply.Front()
	}
	out.Commit(resp.AppendArray(out.Reserve(g.req.core.buffer, maxLine), len(g.owner)))
	var cut resp.Cutter
	for _, i := range g.owner {
		if err := g.parts[i].element(out, &cut); err != nil {
			return err
		}
	}
	return nil
}

// mergeSum: integers; their sum.
func mergeSum(g *gather, out *iobuf.Queue) error {
	var sum int64
	for i := range g.parts {
		n, err := g.parts[i].number(':')
		if err != nil {
			return err
		}
		sum += n
	}
	out.Commit(resp.AppendInt(out.Reserve(g.req.core.buffer, maxLine), sum))
	return nil
}

// mergeOK: +OK from every shard.
func mergeOK(g *gather, out *iobuf.Queue) error {
	for i := range g.parts {
		if f := g.parts[i].reply.Front(); f[0] != '+' {
			return g.parts[i].unexpected(string(f))
		}
	}
	return mergeFirst(g, out)
}

// mergeFirst: every shard says the same.
func mergeFirst(g *gather, out *iobuf.Queue) error {
	out.Take(g.req.core.buffer, &g.parts[0].reply)
	return nil
}

// mergeAnd: arrays of 0 and 1; 1 where every shard says so.
func mergeAnd(g *gather, out *iobuf.Queue) error {
	var all []int64
	for i := range g.parts {
		p := &g.parts[i]
		n, err := p.number('*')
		if err != nil {
			return err
		}
		if i == 0 {
			all = make([]int64, max(n, 0))
			for j := range all {
				all[j] = 1
			}
		}
		if int(n) != len(all) {
			return fmt.Errorf("shard '%s' at %s: %d elements, others sent %d", p.conn.Shard, p.conn.Addr, n, len(all))
		}
		for j := range all {
			v, err := p.number(':')
			if err != nil {
				return err
			}
			all[j] &= v
		}
	}
	for j, known := range g.known[:min(len(g.known), len(all))] {
		if known { // EVALSHA will find it
			all[j] = 1
		}
	}
	b := resp.AppendArray(nil, len(all))
	for _, v := range all {
		b = resp.AppendInt(b, v)
	}
	out.Append(g.req.core.buffer, b)
	return nil
}

// mergeConcat: arrays; one after another.
func mergeConcat(g *gather, out *iobuf.Queue) error {
	var total int64
	for i := range g.parts {
		n, err := g.parts[i].number('*')
		if err != nil {
			return err
		}
		total += max(n, 0)
	}
	out.Commit(resp.AppendArray(out.Reserve(g.req.core.buffer, maxLine), int(total)))
	for i := range g.parts {
		out.Take(g.req.core.buffer, &g.parts[i].reply)
	}
	return nil
}
