package topology

import (
	"fmt"
	"time"
)

// State is what a pool knows of a shard's health. A store knows only Healthy.
//
//	           failure                    limit reached
//	Healthy ------------> Failing -----------------------> Ejected
//	   ^                     |                                |
//	   +------- success -----+                                |
//	   +------------- Readmit, after server_retry_timeout ----+
type State uint8

const (
	// Healthy: the last report was a success, or there was none.
	Healthy State = iota
	// Failing: failures in a row, fewer than the limit; it still owns keys.
	Failing
	// Ejected: it owns no keys until it is let back in.
	Ejected
)

func (s State) String() string {
	switch s {
	case Healthy:
		return "healthy"
	case Failing:
		return "failing"
	case Ejected:
		return "ejected"
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// health is one shard's; Pool.mu protects it and set is the only place that
// changes its state.
type health struct {
	state    State
	failures int       // in a row, while Failing
	retryAt  time.Time // while Ejected
}

func (h *health) set(s State, failures int, retryAt time.Time) {
	*h = health{state: s, failures: failures, retryAt: retryAt}
}

// State returns the health of the shard with this index in the current
// snapshot.
func (p *Pool) State(shard int) State {
	p.mu.Lock()
	defer p.mu.Unlock()
	if shard < 0 || shard >= len(p.health) {
		return Healthy
	}
	return p.health[shard].state
}

// ReportFailure counts a failure of a shard's server: a connection refused
// or lost, or a request that ran out of time. An error reply is not a
// failure. After server_failure_limit in a row the shard is ejected for
// server_retry_timeout from now, and the next snapshot's ring is built from
// the live ones. Reports on an ejected shard are ignored: they belong to
// requests from before. In a store nothing is counted. It returns true if this
// failure ejected the shard.
func (p *Pool) ReportFailure(shard int, now time.Time) (ejected bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.rules.eject || shard < 0 || shard >= len(p.health) {
		return false
	}
	h := &p.health[shard]
	switch {
	case h.state == Ejected:
		return false
	case h.failures+1 < p.rules.limit:
		if h.state == Healthy {
			p.failing.Add(1)
		}
		h.set(Failing, h.failures+1, time.Time{})
	default:
		before := *h
		h.set(Ejected, 0, now.Add(p.rules.retry))
		if _, err := p.publish(p.snap.Load().Shards); err != nil {
			*h = before // the ring refused; the shard keeps its keys and its count
			return false
		}
		return true
	}
	return false
}

// ReportSuccess ends a shard's row of failures. It costs one atomic load
// while no shard is failing.
func (p *Pool) ReportSuccess(shard int) {
	if p.failing.Load() == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if shard < 0 || shard >= len(p.health) || p.health[shard].state != Failing {
		return
	}
	p.health[shard].set(Healthy, 0, time.Time{})
	p.failing.Add(-1)
}

// Due reports whether an ejected shard's time is up at now: one atomic load.
func (p *Pool) Due(now time.Time) bool { return now.UnixNano() >= p.retryAt.Load() }

// DueShards returns the names of the ejected shards whose time is up at now.
func (p *Pool) DueShards(now time.Time) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var due []string
	for i := range p.health {
		if h := &p.health[i]; h.state == Ejected && !now.Before(h.retryAt) {
			due = append(due, p.snap.Load().Shards[i].Name)
		}
	}
	return due
}

// Readmit lets an ejected shard back in, with no failures counted, if its time is
// up, and reports whether it did. Whoever calls it has asked the shard's primary:
// for one that does not answer, Extend is called.
func (p *Pool) Readmit(shard string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.snap.Load().Index(shard)
	if i < 0 || p.health[i].state != Ejected || now.Before(p.health[i].retryAt) {
		return false
	}
	before := p.health[i]
	p.health[i].set(Healthy, 0, time.Time{})
	if _, err := p.publish(p.snap.Load().Shards); err != nil {
		p.health[i] = before
		return false
	}
	return true
}

// Extend keeps an ejected shard out for another server_retry_timeout from
// now: its primary did not answer.
func (p *Pool) Extend(shard string, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.snap.Load().Index(shard)
	if i < 0 || p.health[i].state != Ejected {
		return
	}
	p.health[i].set(Ejected, 0, now.Add(p.rules.retry))
	due := p.health[i].retryAt
	for j := range p.health {
		if h := &p.health[j]; h.state == Ejected && h.retryAt.Before(due) {
			due = h.retryAt
		}
	}
	p.retryAt.Store(due.UnixNano())
}
