package session

import (
	"bytes"
	"strconv"

	"github.com/shardring/shardring/proxy/iobuf"
	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/resp"
)

// scanRequest returns the shard that a SCAN's cursor is for, and appends the
// request with the shard's own cursor to dst.
func scanRequest(dst []byte, a *arguments, shards int) (shard int, request []byte, err error) {
	shard, own, err := command.SplitCursor(a.At(1), shards)
	if err != nil {
		return 0, dst, err
	}
	var digits [20]byte
	dst = resp.AppendArray(dst, a.Len())
	dst = resp.AppendBulk(dst, a.At(0))
	dst = resp.AppendBulk(dst, strconv.AppendUint(digits[:0], own, 10))
	return shard, append(dst, a.frame[a.spans[1].End+2:]...), nil
}

// mergeScan puts the shard into the cursor of the one reply.
func mergeScan(g *gather, out *iobuf.Queue) error {
	p := &g.parts[0]
	pool := g.req.core.buffer
	if n, err := p.number('*'); err != nil || n != 2 {
		return p.unexpected(string(p.reply.Front()))
	}
	if _, err := p.number('$'); err != nil {
		return err
	}
	var buf [maxLine]byte
	line, _, _ := bytes.Cut(buf[:p.reply.Peek(buf[:])], []byte("\r\n"))
	c, err := strconv.ParseUint(string(line), 10, 64)
	if err != nil {
		return p.unexpected(string(line))
	}
	p.reply.Discard(pool, len(line)+2)
	next, err := command.NextCursor(c, p.shard, len(g.req.session.pool.snap.Shards))
	if err != nil {
		return err
	}
	b := resp.AppendArray(out.Reserve(pool, 2*maxLine), 2)
	out.Commit(resp.AppendBulk(b, strconv.AppendUint(buf[:0], next, 10)))
	out.Take(pool, &p.reply)
	return nil
}
