package migrate

import (
	"context"
	"fmt"
)

// act does what a step says. Each act may be done twice: the first may have been cut
// off anywhere.
func (m *Move) act(ctx context.Context, s Step, at seen) error {
	switch s {
	case Prepare:
		return m.prepare(ctx)
	case Attach:
		return m.attach(ctx)
	case Sync:
		return m.sync(ctx, at)
	case Compare:
		if err := m.prepare(ctx); err != nil { // a node that was started again since has forgotten it
			return err
		}
		if err := m.rewritten(ctx); err != nil {
			return err
		}
		if err := m.compare(ctx); err != nil || m.header.Way != BySentinels {
			return err
		}
		if err := m.prefer(ctx); err != nil {
			return err
		}
		return m.await(ctx)
	case Freeze:
		return m.freeze(ctx)
	case Demote:
		return m.demote(ctx, at)
	case Promote:
		if err := m.target.follow(ctx, nil); err != nil {
			return err
		}
		if err := m.unpause(ctx); err != nil {
			m.warn(Promote, "%v: writes wait until the pause ends by itself", err)
		}
		m.thawed()
		m.say(Promote, "%s is the primary, offset %d", m.header.Target, at.targetOffset)
		return nil
	case Revert:
		return m.revert(ctx, at)
	case Failover:
		return m.failover(ctx)
	case Elect:
		return m.elect(ctx)
	case Release:
		return m.release(ctx)
	case Rewrite:
		return m.rewrite()
	case Tell:
		return m.tell(ctx)
	case Done:
		return m.journal.finish(finishedPath(m.path, m.header.Pool, m.header.Shard))
	case Detach:
		return m.detach(ctx, at)
	case Aborted:
		return m.aborted(ctx, at)
	}
	return fmt.Errorf("no act for %s", s)
}

// prepare sets what replication and the switch need.
//
// The target begins no full copy to a replica until the switch is over: if a write
// slips in before the source is demoted, the source's data must not be replaced by the
// target's, which lacks it.
func (m *Move) prepare(ctx context.Context) error {
	if m.header.Copy {
		if err := m.copyConfig(ctx); err != nil {
			return err
		}
	}
	for _, n := range []*node{m.source, m.target} {
		if err := m.login(ctx, n); err != nil {
			return err
		}
	}
	if m.header.Way == ByFailover {
		return nil // the node guards itself
	}
	if err := m.change(ctx, m.target, "repl-diskless-sync", "yes"); err != nil {
		return err
	}
	if err := m.change(ctx, m.target, "repl-diskless-sync-delay", "3600"); err != nil {
		return err
	}
	return m.change(ctx, m.target, "replica-priority", "0") // Sentinels must not promote half a copy
}

// login gives a node the pool's login, for its link to the other one. It stays: the
// nodes may change their roles again.
func (m *Move) login(ctx context.Context, n *node) error {
	if n.password == "" {
		return nil
	}
	err := n.set(ctx, "masterauth", n.password)
	if err == nil && n.user != "" {
		err = n.set(ctx, "masteruser", n.user)
	}
	if err != nil && m.header.Way == ByFailover {
		m.warn(Prepare, "%v: it needs the login of the other node already", err)
		return nil
	}
	return err
}
