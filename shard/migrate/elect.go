package migrate

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/config"
)

const (
	holdFor   = 5 * time.Second  // a pause before the Sentinels are told to elect
	electHold = 20 * time.Second // one while they do, renewed until they have; longer than they take to demote the source, should this process die
	electFor  = 60 * time.Second // for the election
	noticeFor = 45 * time.Second // for the Sentinels to see the target and its priority, which they ask for every 10 s
)

// prefer gives the target, which has a whole copy now, the best priority of all replicas.
func (m *Move) prefer(ctx context.Context) error {
	if err := m.change(ctx, m.target, "replica-priority", "1"); err != nil {
		return err
	}
	_, info := replication(ctx, m.source, m.target)
	for _, f := range replicasOf(info) {
		addr := net.JoinHostPort(f["ip"], f["port"])
		if f["ip"] == "" || sameAddr(ctx, addr, m.header.Target) {
			continue
		}
		have, err := m.at(addr).settings(ctx, "replica-priority")
		if err != nil {
			return err
		}
		if p := have["replica-priority"]; p == "1" {
			if err := m.change(ctx, m.at(addr), "replica-priority", "100"); err != nil {
				return err
			}
		}
	}
	return nil
}

// noticed says that a Sentinel would choose the target.
func (m *Move) noticed(ctx context.Context) (bool, error) {
	list, err := redis.Values(m.askSentinels(ctx, "REPLICAS", m.masterName()))
	if err != nil {
		return false, err
	}
	for _, item := range list {
		f, err := redis.StringMap(item, nil)
		if err == nil && sameAddr(ctx, net.JoinHostPort(f["ip"], f["port"]), m.header.Target) {
			return f["slave-priority"] == "1" && f["master-link-status"] == "ok", nil
		}
	}
	return false, nil
}

// await returns when the Sentinels know the target and its priority.
func (m *Move) await(ctx context.Context) error {
	for end := time.Now().Add(noticeFor); ; {
		ok, err := m.noticed(ctx)
		if ok || err != nil {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("the Sentinels do not list %s with priority 1 after %v: see that they reach it; --abort takes the move back", m.header.Target, noticeFor)
		}
		m.say(Compare, "the Sentinels have not noticed %s yet", m.header.Target)
		if err := sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

// elect has the Sentinels promote the target, while writes at the source wait. They
// promote before they demote; so the pause is renewed until the source is demoted. It
// is not given up while one of them has a failover under way.
func (m *Move) elect(ctx context.Context) error {
	m.lapsed = !time.Now().Before(m.cutoff)
	if err := m.hold(ctx); err != nil {
		return err
	}
	_, err := m.askSentinels(ctx, "FAILOVER", m.masterName())
	if err != nil && !strings.Contains(err.Error(), "INPROG") {
		return errors.Join(err, m.again(ctx, "the Sentinels refuse to elect"))
	}
	for end := time.Now().Add(electFor); ; {
		if r, _ := replication(ctx, m.target, m.source); r == primary {
			return nil
		}
		if time.Until(m.cutoff) < electHold*3/4 {
			if err := m.hold(ctx); err != nil {
				return err
			}
		}
		if time.Now().After(end) && !m.electing(ctx) {
			return m.again(ctx, fmt.Sprintf("the Sentinels have not promoted the target in %v", electFor))
		}
		if err := sleep(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
}

// hold begins or renews the pause of an election.
func (m *Move) hold(ctx context.Context) error {
	now := time.Now()
	if !now.Before(m.cutoff) {
		m.lapsed = true
	}
	if err := m.pause(ctx, electHold); err != nil {
		return err
	}
	m.cutoff = now.Add(electHold)
	return nil
}

// pickUp deals with what a killed move left waiting. Writes go on, unless Sentinels were
// told to elect: they may have promoted the target, or be about to.
func (m *Move) pickUp(ctx context.Context) {
	act := m.unfreeze
	if m.header.Way == BySentinels && m.journal.past.demoted {
		act = m.hold
	}
	if err := act(ctx); err != nil {
		m.warn(m.journal.past.reached, "%v", err)
	}
}

// elected returns when no Sentinel has a failover under way that one of before began,
// or when the target is the primary.
func (m *Move) elected(ctx context.Context) error {
	if m.header.Way != BySentinels || !m.journal.past.demoted {
		return nil
	}
	for m.electing(ctx) {
		if r, _ := replication(ctx, m.target, m.source); r == primary {
			return nil
		}
		if err := m.hold(ctx); err != nil {
			return err
		}
		if err := sleep(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// demoteElected makes the source a replica of the target that the Sentinels promoted,
// which they would do themselves, seconds later.
func (m *Move) demoteElected(ctx context.Context) error {
	_, si := replication(ctx, m.source, m.target)
	_, ti := replication(ctx, m.target, m.source)
	had, got := number(si, "master_repl_offset"), number(ti, "second_repl_offset")-1
	if had != got && (m.lapsed || !time.Now().Before(m.cutoff)) {
		return &conflict{fmt.Sprintf("the pause ran out, and %s has offset %d where %s was promoted at %d: compare both before the source becomes a replica and drops what it has more", m.header.Source, had, m.header.Target, got)}
	}
	if err := m.source.follow(ctx, m.target); err != nil {
		return err
	}
	if err := m.unpause(ctx); err != nil {
		m.warn(Demote, "%v: writes wait until the pause ends by itself", err)
	}
	m.thawed()
	return nil
}

// agreeFor is how long Sentinels take to end a failover and to tell each other.
const agreeFor = 20 * time.Second

// agreed returns when all Sentinels that answer name the target as the primary and have
// ended the failover, or warns that they have not.
func (m *Move) agreed(ctx context.Context) error {
	for end := time.Now().Add(agreeFor); ; {
		late := ""
		for _, a := range m.allSentinels(ctx) {
			if !m.agrees(ctx, a) {
				late = a.Addr
			}
		}
		if late == "" {
			return nil
		}
		if time.Now().After(end) {
			m.warn(Release, "the Sentinel at %s does not name %s as the primary, or goes on with its failover, after %v: see its log", late, m.header.Target, agreeFor)
			return nil
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// agrees says that a Sentinel has ended the failover, or does not answer. In its midst it
// names the new primary to who asks, and keeps the old one if it is then told to forget.
func (m *Move) agrees(ctx context.Context, sentinel config.Address) bool {
	f, err := redis.StringMap(m.askSentinel(ctx, sentinel, "MASTER", m.masterName()))
	return err != nil || !strings.Contains(f["flags"], "failover_in_progress") && sameAddr(ctx, net.JoinHostPort(f["ip"], f["port"]), m.header.Target)
}
