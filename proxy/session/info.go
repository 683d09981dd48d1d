package session

import (
	"github.com/shardring/shardring/proxy/iobuf"
	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/resp"
)

// mergeInfo: texts; one about them all.
func mergeInfo(g *gather, out *iobuf.Queue) error {
	infos := make([]command.ShardInfo, len(g.parts))
	for i := range g.parts {
		p := &g.parts[i]
		n, err := p.number('$')
		if err != nil {
			return err
		}
		text := make([]byte, max(n, 0))
		if p.reply.Peek(text) != len(text) {
			return p.unexpected("")
		}
		infos[i] = command.ShardInfo{Name: p.conn.Shard, Addr: p.conn.Addr, Text: string(text)}
	}
	out.Append(g.req.core.buffer, resp.AppendBulk(nil, command.MergeInfo(infos)))
	return nil
}
