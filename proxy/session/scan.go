package session

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/shardring/shardring/proxy/iobuf"
	"github.com/shardring/shardring/proxy/resp"
)

// A client's SCAN cursor carries the shard: with n shards, cursor c of shard i
// is c*n+i. So a scan visits the shards one after another, keeps no state in the
// proxy, and goes on through any proxy with the same topology.

var errCursor = errors.New("invalid cursor")

// scanRequest returns the shard that a SCAN with this cursor is for, and appends
// the request with the shard's own cursor to dst.
func scanRequest(dst []byte, a *arguments, shards int) (shard int, request []byte, err error) {
	v, err := strconv.ParseUint(string(a.At(1)), 10, 64)
	if err != nil {
		return 0, dst, errors.New("ERR " + errCursor.Error())
	}
	n := uint64(shards)
	var digits [20]byte
	dst = resp.AppendArray(dst, a.Len())
	dst = resp.AppendBulk(dst, a.At(0))
	dst = resp.AppendBulk(dst, strconv.AppendUint(digits[:0], v/n, 10))
	return int(v % n), append(dst, a.frame[a.spans[1].End+2:]...), nil
}

// nextCursor returns the client's cursor after shard i of n answered with cursor
// c. A shard that is done is followed by the next one; the last by 0.
func nextCursor(c uint64, i, n int) (uint64, error) {
	if c == 0 {
		return uint64((i + 1) % n), nil
	}
	if c > (math.MaxUint64-uint64(i))/uint64(n) {
		return 0, fmt.Errorf("cursor %d of shard %d of %d does not fit 64 bits", c, i, n)
	}
	return c*uint64(n) + uint64(i), nil
}

// mergeScan puts the shard into the cursor of the one reply.
func mergeScan(g *gather, out *iobuf.Queue) error {
	p := &g.parts[0]
	pool := g.req.core.buffer
	if n, err := p.number('*'); err != nil || n != 2 {
		return p.unexpected(p.reply.Front())
	}
	if _, err := p.number('$'); err != nil {
		return err
	}
	var buf [maxLine]byte
	line, _, _ := bytes.Cut(buf[:p.reply.Peek(buf[:])], []byte("\r\n"))
	c, err := strconv.ParseUint(string(line), 10, 64)
	if err != nil {
		return p.unexpected(line)
	}
	p.reply.Discard(pool, len(line)+2)
	next, err := nextCursor(c, p.shard, len(g.req.session.pool.snap.Shards))
	if err != nil {
		return err
	}
	b := resp.AppendArray(out.Reserve(pool, 2*maxLine), 2)
	out.Commit(resp.AppendBulk(b, strconv.AppendUint(buf[:0], next, 10)))
	out.Take(pool, &p.reply)
	return nil
}
