package migrate

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// demote makes the source a replica of the target, or waits a little if it is one.
func (m *Move) demote(ctx context.Context, at seen) error {
	if at.source == ofOther {
		return sleep(ctx, time.Millisecond)
	}
	if m.header.Way == BySentinels {
		return m.demoteElected(ctx)
	}
	if m.header.Way == ByPause && !time.Now().Before(m.cutoff) {
		return m.again(ctx, "the pause ran out before the source was demoted")
	}
	return m.source.follow(ctx, m.target)
}

// revert makes the source the primary again: it has a write that the target lacks.
func (m *Move) revert(ctx context.Context, at seen) error {
	if err := m.source.follow(ctx, nil); err != nil {
		return err
	}
	m.steady = time.Time{}
	if m.aborting {
		m.say(Revert, "%s is the primary again", m.header.Source)
		return m.journal.begin(Sync)
	}
	if at.target == unknown || at.restarted {
		return m.again(ctx, "the target was lost in the switch, and the source is the primary again")
	}
	why := fmt.Sprintf("the source has offset %d, the target %d: a write had slipped in, and the source is the primary again", at.sourceOffset, at.targetOffset)
	return m.again(ctx, why)
}

// failover has the source hand over by itself.
func (m *Move) failover(ctx context.Context) error {
	m.result.Attempts++
	host, port, err := net.SplitHostPort(m.header.Target)
	if err != nil {
		return err
	}
	if late, err := m.near(ctx); err != nil {
		return err
	} else if late != "" {
		return m.again(ctx, late)
	}
	if err := m.beforeAck(ctx); err != nil {
		return err
	}
	m.freezes(m.opt.PauseFor)
	defer m.thawed()
	if _, err := m.source.do(ctx, "FAILOVER", "TO", host, port, "TIMEOUT", m.opt.PauseFor.Milliseconds()); err != nil {
		if isReply(err, "ERR FAILOVER already in progress") {
			return nil
		}
		return err
	}
	for end := time.Now().Add(m.opt.PauseFor + m.opt.Timeout); ; {
		s, si := replication(ctx, m.source, m.target)
		t, _ := replication(ctx, m.target, m.source)
		switch {
		case s == ofOther && t == primary:
			return nil
		case s == primary && si["master_failover_state"] == "no-failover":
			return m.again(ctx, "the source gave FAILOVER up")
		case time.Now().After(end):
			return errors.New("FAILOVER does not end: see both nodes' logs; --resume looks again")
		}
		if err := sleep(ctx, time.Millisecond); err != nil {
			return err
		}
	}
}

// ackEvery is how often a replica tells its primary what it has, and ackLead how long
// before that FAILOVER is sent.
const (
	ackEvery = time.Second
	ackLead  = 100 * time.Millisecond
)

// beforeAck waits until the target is about to tell the source what it has: FAILOVER has
// writes wait for that, up to a second. Where nothing is written it returns soon.
func (m *Move) beforeAck(ctx context.Context) error {
	_, info := replication(ctx, m.source, m.target)
	for name, f := range replicasOf(info) {
		if !sameAddr(ctx, net.JoinHostPort(f["ip"], f["port"]), m.header.Target) {
			continue
		}
		for end := time.Now().Add(ackEvery + ackLead); time.Now().Before(end); {
			_, now := replication(ctx, m.source, m.target)
			if replicasOf(now)[name]["offset"] != f["offset"] {
				return sleep(ctx, ackEvery-ackLead)
			}
			if err := sleep(ctx, 2*time.Millisecond); err != nil {
				return err
			}
		}
	}
	return nil
}

// release lets go of what was held for the switch, and has both nodes keep their roles
// over a restart.
func (m *Move) release(ctx context.Context) error {
	if err := m.unfreeze(ctx); err != nil {
		m.warn(Release, "%v", err)
	}
	if err := m.restore(ctx); err != nil {
		m.warn(Release, "%v", err)
	}
	linked := false
	for end := time.Now().Add(10 * time.Second); !linked && time.Now().Before(end); {
		r, info := replication(ctx, m.source, m.target)
		if linked = r == ofOther && info["master_link_status"] == "up"; r == unknown {
			break
		}
		if err := sleep(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	if !linked {
		m.warn(Release, "%s has no link to %s: there is no way back before it has", m.header.Source, m.header.Target)
	}
	if m.header.Way == BySentinels {
		if err := m.agreed(ctx); err != nil {
			return err
		}
	}
	for _, n := range []*node{m.source, m.target} {
		m.keep(ctx, Release, n)
	}
	if m.header.Copy {
		m.keepUsers(ctx)
	}
	return nil
}

// keep has a node that has a configuration file write there what it is now, and so be that
// after a restart.
func (m *Move) keep(ctx context.Context, s Step, n *node) {
	if info, err := n.info(ctx, "server"); err != nil || info["config_file"] == "" {
		return
	}
	if _, err := n.do(ctx, "CONFIG", "REWRITE"); err != nil {
		m.warn(s, "%v: after a restart %s is what its configuration says", err, n.addr)
	}
}
