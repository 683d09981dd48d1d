package session

import (
	"bytes"

	"github.com/shardring/shardring/proxy/iobuf"
	"github.com/shardring/shardring/shard/command"
)

// mergeInfo: texts; one about them all.
func mergeInfo(g *gather, out *iobuf.Queue) error {
	infos := make([]command.ShardInfo, len(g.parts))
	for i := range g.parts {
		p := &g.parts[i]
		typ := byte('$')
		if g.req.session.lane.proto == 3 {
			typ = '='
		}
		n, err := p.number(typ)
		if err != nil {
			return err
		}
		text := make([]byte, max(n, 0))
		if p.reply.Peek(text) != len(text) {
			return p.unexpected("")
		}
		if typ == '=' {
			text = bytes.TrimPrefix(text, []byte("txt:"))
		}
		infos[i] = command.ShardInfo{Name: p.conn.Shard, Addr: p.conn.Addr, Text: string(text)}
	}
	out.Append(g.req.core.buffer, g.req.session.appendText(nil, command.MergeInfo(infos, g.req.session.pool.gauges())))
	return nil
}
