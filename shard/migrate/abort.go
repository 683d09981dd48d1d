package migrate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gomodule/redigo/redis"
)

// Abort takes a move back that has not been switched: the source is what it was, the
// target is no replica and has no data, unless it was a replica before. A node that
// does not answer is left as it is, and so are both when Sentinels have given the shard
// to a third one meanwhile.
func (m *Move) Abort(ctx context.Context) (*Result, error) {
	if err := m.reopen(); err != nil {
		return nil, err
	}
	m.say(Planned, "found a move of shard %s from %s to %s that came to %s", m.header.Shard, m.header.Source, m.header.Target, m.journal.past.reached)
	m.aborting = true
	again := m.journal.past.reached == Detach
	m.pickUp(ctx)
	if err := errors.Join(m.elected(ctx), m.abortFailover(ctx)); err != nil {
		return nil, err
	}
	for {
		s, err := m.see(ctx)
		if err != nil {
			return nil, err
		}
		s.taken = m.taken(ctx, s)
		s.cutOff = again && s.descends
		step := Aborted
		if !m.detached {
			if step, err = decideAbort(m.journal.past, s); err != nil {
				return nil, m.between(err)
			}
		}
		if err := m.step(ctx, step, s); err != nil {
			return nil, err
		}
		if step == Aborted {
			return &m.result, nil
		}
	}
}

// abortFailover ends a FAILOVER that the source may have under way, so that it does
// not hand over to a node that is being emptied.
func (m *Move) abortFailover(ctx context.Context) error {
	if m.header.Way != ByFailover || !m.journal.past.demoted {
		return nil
	}
	_, err := m.source.do(ctx, "FAILOVER", "ABORT")
	var reply redis.Error
	if errors.As(err, &reply) { // none is under way
		return nil
	}
	return err
}

// taken says that the Sentinels name neither node as the shard's primary.
func (m *Move) taken(ctx context.Context, s seen) bool {
	if m.header.Way != BySentinels || s.source == primary {
		return false
	}
	a, err := m.masterOf(ctx, m.masterName())
	if err != nil || sameAddr(ctx, a.Addr, m.header.Source) || sameAddr(ctx, a.Addr, m.header.Target) {
		return false
	}
	m.home = a.Addr
	return true
}

// detach makes the target empty and alone again. Only a replica of the source is
// emptied.
func (m *Move) detach(ctx context.Context, at seen) error {
	if m.header.Kept {
		m.detached = true
		return nil
	}
	if m.journal.past.switched && m.home == "" {
		// Clients may have followed to the target. It refuses what they write while it is a
		// replica, and they come back; as a primary it would take it.
		if err := sleep(ctx, 2*m.pool.HealthInterval+time.Second); err != nil {
			return err
		}
	}
	if r, _ := replication(ctx, m.target, m.source); r != ofOther && !(r == primary && at.cutOff) {
		return fmt.Errorf("%s is %s now: it is left as it is", m.header.Target, r)
	}
	if err := m.target.follow(ctx, nil); err != nil {
		return err
	}
	if _, err := m.target.do(ctx, "FLUSHALL"); err != nil {
		return err
	}
	if _, err := m.target.do(ctx, "FUNCTION", "FLUSH"); err != nil && !isReply(err, "ERR unknown") {
		return err
	}
	m.detached = true
	return nil
}

// aborted ends an abort: the settings of both nodes are those of before.
func (m *Move) aborted(ctx context.Context, at seen) error {
	if m.home != "" {
		m.warn(Aborted, "the Sentinels have given shard %s to %s meanwhile: that has its data, and is where the next move begins; they may have made %s its replica", m.header.Shard, m.home, m.header.Target)
	}
	gone := map[string]bool{m.header.Source: at.source == unknown, m.header.Target: at.target == unknown}
	for _, n := range []*node{m.source, m.target} {
		if gone[n.addr.Addr] {
			m.warn(Aborted, "%s does not answer: it is left as it is, with settings of the move until it is started again", n.addr)
		}
	}
	if at.source != unknown {
		if err := m.unpause(ctx); err != nil {
			m.warn(Aborted, "%v", err)
		}
	}
	for _, s := range m.journal.saved {
		if gone[s.Node] {
			continue
		}
		if err := m.at(s.Node).set(ctx, s.Name, s.Value); err != nil {
			return err
		}
	}
	if m.home == "" {
		m.say(Aborted, "%s is what it was", m.header.Source)
		if !m.header.Kept {
			m.forget(ctx, Aborted, m.source, m.header.Target)
		}
	}
	return m.journal.finish(journalPath(m.path, m.header.Pool) + ".aborted")
}
