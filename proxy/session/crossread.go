package session

import (
	"errors"
	"strings"

	"github.com/shardring/shardring/proxy/iobuf"
	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/crossread"
)

// crossReads reports whether a command may have keys on several shards, from whose
// replies the client's is made here.
func (s *Session) crossReads(cmd *command.Command) bool {
	return s.pool.cfg.CrossShardReads && crossread.Supports(cmd.Name)
}

// readAcross asks each shard its part of a request whose keys, at these positions,
// are not all on one.
func (s *Session) readAcross(cmd *command.Command, a *arguments, keys []int) {
	owners := make([]int, len(keys))
	for i, k := range keys {
		owners[i] = s.pool.ring.Owner(a.At(k))
	}
	plan, err := crossread.New(cmd, a, keys, owners)
	if err != nil {
		s.refuse(err)
		return
	}
	plan.MaxBytes = s.core.limits.CrossRead
	g := s.core.newGather(command.None)
	g.plan = plan
	for i := range plan.Requests {
		g.parts = append(g.parts, part{shard: plan.Requests[i].Owner})
	}
	s.start(g)
	for i := range g.parts {
		if q := g.send(i); q != nil {
			b := plan.Requests[i].AppendTo(nil)
			g.parts[i].conn.Stats.RequestBytes += uint64(len(b))
			q.Append(s.core.buffer, b)
		}
	}
	g.sent()
}

// concludeRead makes the reply of a plan from the parts', or returns the error that
// answers the request.
func (g *gather) concludeRead(out *iobuf.Queue) string {
	s := g.req.session
	replies := make([][]byte, len(g.parts))
	for i := range g.parts {
		q := &g.parts[i].reply
		if err := g.plan.Check(int64(q.Len())); err != nil {
			return err.Error()
		}
		replies[i] = make([]byte, q.Len())
		q.Peek(replies[i])
		q.Reset(s.core.buffer)
	}
	b, err := g.plan.AppendReply(nil, s.lane.proto, replies)
	if err == nil {
		out.Append(s.core.buffer, b)
		return ""
	}
	var e *crossread.Error
	if errors.As(err, &e) && e.Request >= 0 {
		code, rest, _ := strings.Cut(e.Text, " ")
		return code + " shard '" + g.parts[e.Request].conn.Shard + "': " + rest
	}
	return err.Error()
}
