package session

import (
	"time"

	"github.com/shardring/shardring/proxy/backend"
	"github.com/shardring/shardring/proxy/iobuf"
	"github.com/shardring/shardring/shard/quantile"
)

// hedge is a read that may be asked of a second node: if the first takes longer than 95
// of 100 of its reads did. Whoever begins to answer first is heard, the other one is not.
type hedge struct {
	to     backend.Receiver // nil once the reply is whole
	s      *Session
	shard  int
	calls  [2]backend.Call
	conns  [2]*backend.Conn
	begun  int64         // when the first was asked, ns
	heard  *backend.Call // whose reply it is; nil: nobody's yet
	failed *backend.Error
	asked  int // of how many
	ended  int // of these
}

// hedged returns the call to begin in place of call, on a connection that was picked for a
// read.
func (s *Session) hedged(shard int, conn *backend.Conn, call *backend.Call) *backend.Call {
	h := &hedge{to: call.To, s: s, shard: shard, begun: s.core.now, asked: 1}
	for i := range h.calls {
		h.calls[i] = backend.Call{To: h, ReadOnly: true, Key: call.Key}
	}
	h.conns[0] = conn
	return &h.calls[0]
}

// Reply takes the answer of whoever was first.
func (h *hedge) Reply(call *backend.Call, part []byte, done bool) {
	if done {
		h.ended++
		if call == &h.calls[0] {
			h.s.pool.timed95(h.conns[0]).Take(time.Duration(h.s.core.now - h.begun))
		}
	}
	if h.heard == nil {
		h.heard = call
	}
	if h.heard != call || h.to == nil {
		return
	}
	to := h.to
	if done {
		h.to = nil
	}
	to.Reply(call, part, done)
}

// Fail passes a failure on if nobody else may answer.
func (h *hedge) Fail(call *backend.Call, err *backend.Error) {
	h.ended++
	if h.to == nil || h.heard != nil && h.heard != call {
		return
	}
	if h.failed = err; h.heard == nil && h.ended < h.asked {
		return
	}
	to := h.to
	h.to = nil
	to.Fail(call, err)
}

// hedgeReads asks again what takes long.
func (p *Pool) hedgeReads() {
	for _, l := range p.lanes {
		for i, c := range l.all {
			q := p.slow[c]
			if q == nil {
				continue
			}
			limit := int64(q.Limit(tick))
			if limit == 0 {
				continue
			}
			for call := range c.Under {
				h, ok := call.To.(*hedge)
				if !ok {
					continue
				}
				if p.core.now-h.begun < limit {
					break // those behind were asked later
				}
				if h.asked == 1 && h.heard == nil && h.to != nil && h.shard == i {
					h.again(c)
				}
			}
		}
	}
}

// again asks another node.
func (h *hedge) again(first *backend.Conn) {
	s := h.s
	var request iobuf.Queue
	if s.phase == over || !first.CopyRequest(&h.calls[0], &request) {
		return
	}
	defer request.Reset(s.core.buffer)
	var other *backend.Conn
	for _, r := range s.lane.replicas.shards[h.shard].any {
		c := r.conn
		if c == nil {
			c = s.lane.conns[h.shard*s.pool.each]
		}
		if c != first && r.usable() && (other == nil || c.InFlight() < other.InFlight()) {
			other = c
		}
	}
	if other == nil {
		return
	}
	_, q, err := s.pool.beginOn(other, &h.calls[1])
	if err != nil {
		return
	}
	h.asked, h.conns[1] = 2, other
	s.pool.Stats.Hedged++
	other.Stats.RequestBytes += uint64(request.Len())
	q.Take(s.core.buffer, &request)
}

// timed95 returns how long reads take at a connection's node.
func (p *Pool) timed95(c *backend.Conn) *quantile.P95 {
	q := p.slow[c]
	if q == nil {
		q = &quantile.P95{}
		p.slow[c] = q
	}
	return q
}
