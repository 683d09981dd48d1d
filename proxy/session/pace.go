package session

import (
	"fmt"
	"time"

	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/resp"
)

// paceOf returns how far apart requests are at so many in a second, in ns; 0: as they
// come.
func paceOf(perSecond int) int64 {
	if perSecond == 0 {
		return 0
	}
	return max(1, int64(time.Second)/int64(perSecond))
}

// handlePaced is handle where a client may ask only so much. Each request moves paid by
// the pool's pace: it is when all the client has asked would have been asked evenly. It
// may be a second ahead of now.
func (s *Session) handlePaced(frame []byte, spans []resp.Span) bool {
	now, before := s.core.now, s.paid
	next := max(before, now) + s.pool.pace
	if next > now+max(int64(time.Second), s.pool.pace) {
		s.refuse(command.Error(fmt.Sprintf("ERR max requests per second exceeded: %d (max_requests_per_second)", s.pool.cfg.MaxRequestsPerSecond)))
		return true
	}
	s.paid = next
	if !s.handle(frame, spans) {
		s.paid = before // it comes again
		return false
	}
	return true
}
