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
	return slices.ContainsFunc(m.pool.Sentinels, func(a config.Address) bool { return m.electingAt(ctx, a) })
}

func (m *Move) electingAt(ctx context.Context, sentinel config.Address) bool {
	f, err := redis.StringMap(m.askSentinel(ctx, sentinel, "MASTER", m.masterName()))
	return err == nil && strings.Contains(f["flags"], "failover_in_progress")
}

// allSentinels are those of the pool and those that they know.
func (m *Move) allSentinels(ctx context.Context) []config.Address {
	all := slices.Clone(m.pool.Sentinels)
	others, _ := redis.Values(m.askSentinels(ctx, "SENTINELS", m.masterName()))
	for _, item := range others {
		f, err := redis.StringMap(item, nil)
		a := config.Address{Network: "tcp", Addr: net.JoinHostPort(f["ip"], f["port"])}
		if err == nil && !slices.ContainsFunc(all, func(have config.Address) bool { return sameAddr(ctx, have.Addr, a.Addr) }) {
			all = append(all, a)
		}
	}
	return all
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

// forget has the Sentinels list no node as a replica that the primary does not have.
// They would make one that they remember a replica again.
func (m *Move) forget(ctx context.Context, s Step, primary *node, gone string) {
	if len(m.pool.Sentinels) == 0 {
		return
	}
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); {
		info, err := primary.info(ctx, "replication")
		if err != nil || !slices.ContainsFunc(slices.Collect(maps.Values(replicasOf(info))), func(f map[string]string) bool { return sameAddr(ctx, net.JoinHostPort(f["ip"], f["port"]), gone) }) || sleep(ctx, 20*time.Millisecond) != nil {
			break
		}
	}
	for _, a := range m.allSentinels(ctx) {
		m.calm(ctx, a)
		if down := m.downAt(ctx, a, gone); down != "" {
			m.warn(s, "the Sentinel at %s may make %s a replica again: it is not told to forget it, as it would forget %s too, which is down; when that is back, SENTINEL RESET %s there", a, gone, down, m.masterName())
			continue
		}
		if _, err := m.askSentinel(ctx, a, "RESET", m.masterName()); err != nil {
			m.warn(s, "%v: it may make %s a replica again; when it answers, SENTINEL RESET %s there", err, gone, m.masterName())
		}
	}
}

// calm waits until a Sentinel has ended a failover. Told to forget in the midst of it, it
// would stay with the primary of before.
func (m *Move) calm(ctx context.Context, sentinel config.Address) {
	for end := time.Now().Add(agreeFor); m.electingAt(ctx, sentinel) && time.Now().Before(end); {
		if sleep(ctx, 50*time.Millisecond) != nil {
			return
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
