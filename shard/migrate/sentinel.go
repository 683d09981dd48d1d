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
	holdFor   = 5 * time.Second  // a pause while Sentinels elect; renewed until they have
	electFor  = 60 * time.Second // for the election
	noticeFor = 45 * time.Second // for the Sentinels to see the target and its priority, which they ask for every 10 s
)

// askSentinels returns the first answer of the pool's Sentinels, in their order.
func (m *Move) askSentinels(ctx context.Context, args ...any) (any, error) {
	var errs []error
	for _, a := range m.pool.Sentinels {
		n := &node{addr: a, user: m.pool.SentinelUsername, password: m.pool.SentinelAuth.Value(), within: m.opt.Timeout}
		v, err := n.do(ctx, "SENTINEL", args...)
		n.close()
		if err == nil {
			return v, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
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

// prefer gives the target the best priority of all replicas.
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
// promote before they demote; so the pause is renewed until the source is demoted.
func (m *Move) elect(ctx context.Context) error {
	_, err := m.askSentinels(ctx, "FAILOVER", m.masterName())
	if err != nil && !strings.Contains(err.Error(), "INPROG") {
		return errors.Join(err, m.again(ctx, "the Sentinels refuse to elect"))
	}
	for end := time.Now().Add(electFor); ; {
		if r, _ := replication(ctx, m.target, m.source); r == primary {
			return nil
		}
		if time.Until(m.cutoff) < holdFor*3/4 {
			if !time.Now().Before(m.cutoff) {
				m.lapsed = true
			}
			if err := m.pause(ctx, holdFor); err != nil {
				return err
			}
			m.cutoff = time.Now().Add(holdFor)
		}
		if time.Now().After(end) {
			return m.again(ctx, fmt.Sprintf("the Sentinels have not promoted the target in %v", electFor))
		}
		if err := sleep(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
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
