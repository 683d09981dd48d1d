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

// pay reports whether a client that may ask only so much may ask once more. Each request
// moves paid by the pool's pace: it is when all the client has asked would have been asked
// evenly. It may be a second ahead of now.
func (s *Session) pay() bool {
	now := s.core.now
	next := max(s.paid, now) + s.pool.pace
	if next > now+max(int64(time.Second), s.pool.pace) {
		return false
	}
	s.paid = next
	return true
}

// tooFast is why it may not.
func (s *Session) tooFast() string {
	return fmt.Sprintf("max requests per second exceeded: %d (max_requests_per_second)", s.pool.cfg.MaxRequestsPerSecond)
}

// handlePaced is handle where a client may ask only so much.
func (s *Session) handlePaced(frame []byte, spans []resp.Span) bool {
	before := s.paid
	if !s.pay() {
		s.refuse(command.Error("ERR " + s.tooFast()))
		return true
	}
	if !s.handle(frame, spans) {
		s.paid = before // it comes again
		return false
	}
	return true
}
