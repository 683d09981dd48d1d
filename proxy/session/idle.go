package session

import (
	"container/heap"
	"time"
)

// idlers are sessions in the order in which they are to be looked at: each may have
// been idle for too long then, but not before. What a session does in between need
// not be noted.
type idlers []*Session

func (l idlers) Len() int           { return len(l) }
func (l idlers) Less(i, j int) bool { return l[i].lookAt < l[j].lookAt }

func (l idlers) Swap(i, j int) {
	l[i], l[j] = l[j], l[i]
	l[i].inIdle, l[j].inIdle = i, j
}

// Push and Pop are for package heap.
func (l *idlers) Push(s any) {
	s.(*Session).inIdle = len(*l)
	*l = append(*l, s.(*Session))
}

func (l *idlers) Pop() any {
	last := len(*l) - 1
	s := (*l)[last]
	(*l)[last] = nil
	*l, s.inIdle = (*l)[:last], -1
	return s
}

// watchIdle begins to look at a session, if its pool does.
func (p *Pool) watchIdle(s *Session) {
	s.inIdle = -1
	if p.cfg.ClientIdleTimeout > 0 {
		s.lookAt = s.active + int64(p.cfg.ClientIdleTimeout)
		heap.Push(&p.idle, s)
	}
}

func (p *Pool) forgetIdle(s *Session) {
	if s.inIdle >= 0 {
		heap.Remove(&p.idle, s.inIdle)
	}
}

// watchAll begins anew, with another limit.
func (p *Pool) watchAll() {
	p.idle = nil
	for s := range p.sessions {
		p.watchIdle(s)
	}
}

// endIdle ends the sessions that have asked nothing for too long. As with Redis's
// timeout, who waits for an answer or listens is not idle; who has replies to take is
// not either.
func (p *Pool) endIdle() {
	limit := int64(p.cfg.ClientIdleTimeout)
	for len(p.idle) > 0 && p.idle[0].lookAt <= p.core.now {
		s := p.idle[0]
		busy := s.inFlight > 0 || s.unread() > 0 || s.postponed || s.private != nil && s.private.subs.any()
		switch {
		case busy:
			s.lookAt = p.core.now + limit
		case s.active+limit > p.core.now:
			s.lookAt = s.active + limit
		default:
			p.forgetIdle(s)
			s.Stop()
			continue
		}
		heap.Fix(&p.idle, 0)
	}
}

// idleIn returns how long nobody will have been idle for too long; negative: for ever.
func (p *Pool) idleIn(now int64) time.Duration {
	if len(p.idle) == 0 {
		return -1
	}
	return time.Duration(max(0, p.idle[0].lookAt-now))
}
