package migrate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
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

// askSentinels returns the first answer of the pool's Sentinels, in their order.
func (m *Move) askSentinels(ctx context.Context, args ...any) (any, error) {
	var errs []error
	for _, a := range m.pool.Sentinels {
		v, err := m.askSentinel(ctx, a, args...)
		if err == nil {
			return v, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func (m *Move) askSentinel(ctx context.Context, a config.Address, args ...any) (any, error) {
	n := &node{addr: a, user: m.pool.SentinelUsername, password: m.pool.SentinelAuth.Value(), within: m.opt.Timeout}
	defer n.close()
	return n.do(ctx, "SENTINEL", args...)
}

// electing says that a failover of the shard is under way at a Sentinel. One that does
// not answer was not told to begin one by us.
func (m *Move) electing(ctx context.Context) bool {
	for _, a := range m.pool.Sentinels {
		f, err := redis.StringMap(m.askSentinel(ctx, a, "MASTER", m.masterName()))
		if err == nil && strings.Contains(f["flags"], "failover_in_progress") {
			return true
		}
	}
	return false
}

// masterOf asks the Sentinels where a shard's primary is.
func (m *Move) masterOf(ctx context.Context, name string) (config.Address, error) {
	at, err := redis.Strings(m.askSentinels(ctx, "GET-MASTER-ADDR-BY-NAME", name))
	if err != nil || len(at) != 2 {
		return config.Address{}, fmt.Errorf("no Sentinel of pool %s knows a master %q: %w", m.pool.Name, name, err)
	}
	return config.Address{Network: "tcp", Addr: net.JoinHostPort(at[0], at[1])}, nil
}

func (m *Move) masterName() string {
	if s, err := m.shard(m.header.Shard); err == nil {
		return s.MasterName()
	}
	return m.header.Shard
}

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

// forget has the Sentinels list no node as a replica that the primary does not have.
// They would make one that they remember a replica again.
func (m *Move) forget(ctx context.Context, s Step, primary *node, gone string) {
	if len(m.pool.Sentinels) == 0 {
		return
	}
	all := slices.Clone(m.pool.Sentinels)
	others, _ := redis.Values(m.askSentinels(ctx, "SENTINELS", m.masterName()))
	for _, item := range others {
		f, err := redis.StringMap(item, nil)
		a := config.Address{Network: "tcp", Addr: net.JoinHostPort(f["ip"], f["port"])}
		if err == nil && !slices.ContainsFunc(all, func(have config.Address) bool { return sameAddr(ctx, have.Addr, a.Addr) }) {
			all = append(all, a)
		}
	}
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); {
		info, err := primary.info(ctx, "replication")
		if err != nil || !slices.ContainsFunc(slices.Collect(maps.Values(replicasOf(info))), func(f map[string]string) bool { return sameAddr(ctx, net.JoinHostPort(f["ip"], f["port"]), gone) }) || sleep(ctx, 20*time.Millisecond) != nil {
			break
		}
	}
	for _, a := range all {
		if down := m.downAt(ctx, a, gone); down != "" {
			m.warn(s, "the Sentinel at %s may make %s a replica again: it is not told to forget it, as it would forget %s too, which is down; when that is back, SENTINEL RESET %s there", a, gone, down, m.masterName())
			continue
		}
		if _, err := m.askSentinel(ctx, a, "RESET", m.masterName()); err != nil {
			m.warn(s, "%v: it may make %s a replica again; when it answers, SENTINEL RESET %s there", err, gone, m.masterName())
		}
	}
}

// downAt is a replica but for gone that a Sentinel remembers and has no answer of.
func (m *Move) downAt(ctx context.Context, sentinel config.Address, gone string) string {
	list, _ := redis.Values(m.askSentinel(ctx, sentinel, "REPLICAS", m.masterName()))
	for _, item := range list {
		f, err := redis.StringMap(item, nil)
		addr := net.JoinHostPort(f["ip"], f["port"])
		if err == nil && (strings.Contains(f["flags"], "down") || strings.Contains(f["flags"], "disconnected")) && !sameAddr(ctx, addr, gone) {
			return addr
		}
	}
	return ""
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

// agreeFor is how long Sentinels take to name the node that they promoted.
const agreeFor = 20 * time.Second

// agreed returns when the Sentinels name the target as the primary, or warns that they
// do not.
func (m *Move) agreed(ctx context.Context) error {
	for end := time.Now().Add(agreeFor); time.Now().Before(end); {
		if a, err := m.masterOf(ctx, m.masterName()); err == nil && sameAddr(ctx, a.Addr, m.header.Target) {
			return nil
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	m.warn(Release, "the Sentinels do not name %s as the primary after %v: see their logs", m.header.Target, agreeFor)
	return nil
}
