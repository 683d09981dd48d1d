package session

import (
	"bytes"
	"strconv"

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
	out.Append(g.req.core.buffer, g.req.session.appendText(nil, command.MergeInfo(infos, g.req.session.pool.ownField)))
	return nil
}

// ownField gives the fields of INFO about clients their values here: to clients the
// pool is the server.
func (p *Pool) ownField(field, merged string) string {
	switch field {
	case "connected_clients":
		return strconv.FormatInt(p.shared.clients.Load(), 10)
	case "tracking_clients": // each has a connection to every shard that tracks
		return strconv.FormatInt(p.shared.tracking.Load(), 10)
	case "blocked_clients":
		n, err := strconv.ParseInt(merged, 10, 64)
		if err == nil {
			return strconv.FormatInt(n+p.shared.postponed.Load(), 10)
		}
	}
	return merged
}
