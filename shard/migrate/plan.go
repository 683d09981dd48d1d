package migrate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/shardring/shardring/shard/config"
)

// parse reads host:port.
func parse(addr string) (config.Address, error) {
	if addr == "" {
		return config.Address{}, errors.New("no address: want host:port")
	}
	f, err := config.Parse("--to", []byte(fmt.Sprintf("x: {redis: true, shards: [{name: x, primary: %q}]}", addr)))
	if err != nil {
		return config.Address{}, fmt.Errorf("%q: want host:port", addr)
	}
	if a := f.Pools[0].Shards[0].Primary; a.Network == "tcp" {
		return a, nil
	}
	return config.Address{}, fmt.Errorf("%q: a replica reaches its primary at host:port only", addr)
}

// shard returns the shard of that name.
func (m *Move) shard(name string) (config.Shard, error) {
	i := slices.IndexFunc(m.pool.Shards, func(s config.Shard) bool { return s.String() == name })
	if i >= 0 {
		return m.pool.Shards[i], nil
	}
	var names []string
	for _, s := range m.pool.Shards {
		names = append(names, s.String())
	}
	return config.Shard{}, fmt.Errorf("pool %s has no shard %q: name one of %s", m.pool.Name, name, strings.Join(names, ", "))
}

// plan makes the header of a new move, and its nodes.
func (m *Move) plan(ctx context.Context) error {
	s, err := m.shard(m.opt.Shard)
	if err != nil {
		return err
	}
	to := m.opt.To
	if m.opt.Back {
		last, err := lastMove(m.path, m.pool.Name, s.String())
		if err != nil {
			return fmt.Errorf("--back: %w", err)
		}
		last.file.Close()
		to = last.header.Source
	}
	target, err := parse(to)
	if err != nil {
		return fmt.Errorf("--to %w", err)
	}
	source := s.Primary
	if len(m.pool.Sentinels) > 0 {
		if source, err = m.masterOf(ctx, s.MasterName()); err != nil {
			return err
		}
	}
	for _, o := range m.pool.Shards {
		if o.String() != s.String() && slices.Contains(o.Addresses(), target) {
			return fmt.Errorf("--to %s: a node of shard %s already: name one that no shard has", target, o)
		}
	}
	if source == target {
		return fmt.Errorf("--to %s: the shard's primary already: name another node", target)
	}
	if source.Network != "tcp" {
		return fmt.Errorf("shard %s is at %s: a replica reaches its primary at host:port only; give the shard such a primary", s, source)
	}
	m.setNodes(Header{Pool: m.pool.Name, Shard: s.String(), Source: source.Addr, Target: target.Addr, Way: m.opt.Way, Flush: m.opt.FlushTarget, Copy: m.opt.CopyConfig})
	return nil
}

func (m *Move) setNodes(h Header) {
	m.header, m.result.Header = h, h
	user, password := m.pool.Login()
	at := func(addr string) *node {
		return &node{addr: config.Address{Network: "tcp", Addr: addr}, user: user, password: password, within: m.opt.Timeout}
	}
	m.source, m.target = at(h.Source), at(h.Target)
}

// Preflight asks both nodes and checks everything that can be checked before anything
// is touched. The error is that something cannot be known at all; what is wrong with
// the nodes is in the Report.
func (m *Move) Preflight(ctx context.Context) (*Report, error) {
	if path := journalPath(m.path, m.pool.Name); exists(path) {
		return nil, fmt.Errorf("%s: %w", path, ErrUnfinished)
	}
	if err := m.plan(ctx); err != nil {
		return nil, err
	}
	j := judged{
		source: m.source.ask(ctx), target: m.target.ask(ctx), sentinels: len(m.pool.Sentinels) > 0, user: m.source.user,
		apart: apart(ctx, m.header.Source, m.header.Target), shared: m.sharedWith(ctx),
	}
	before := number(j.source.info, "master_repl_offset")
	if j.source.err == nil && j.target.err == nil {
		began := time.Now()
		if err := sleep(ctx, m.opt.Watch); err != nil {
			return nil, err
		}
		if info, err := m.source.info(ctx, "replication"); err == nil {
			j.rate = float64(number(info, "master_repl_offset")-before) / time.Since(began).Seconds()
		}
		r, _ := replication(ctx, m.target, m.source)
		if j.isReplica = r == ofOther; !j.isReplica {
			j.taken = m.takenBy(ctx, j.target)
		}
	}
	m.header.Kept = j.isReplica
	m.header.Way = wayFor(m.opt.Way, j)
	m.result.Header, j.Header = m.header, m.header
	report := &Report{Header: m.header}
	if err := writable(m.path); err != nil {
		report.add("configuration", Refuse, "%v: it is rewritten after the switch; run this as who may write it", err)
	}
	judge(report, j)
	if err := wayFits(m.opt.Way, j); err != nil {
		report.add("switch", Refuse, "%v", err)
	}
	m.report = report
	return report, nil
}

// wayFor is the shortest way that the source knows.
func wayFor(asked Way, j judged) Way {
	switch {
	case j.sentinels:
		return BySentinels
	case asked != Auto:
		return asked
	case older(j.source.info["redis_version"], "6.2"):
		return ByFence
	}
	return ByPause
}

// wayFits says why the way that was asked for cannot be taken.
func wayFits(w Way, j judged) error {
	if w != Auto && j.sentinels {
		return fmt.Errorf("the pool has sentinels, which make the switch: leave --switch %s out", w)
	}
	v := j.source.info["redis_version"]
	if (w == ByPause || w == ByFailover) && v != "" && older(v, "6.2") {
		return fmt.Errorf("--switch %s needs Redis 6.2, the source has %s: say --switch fence", w, v)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// writable says whether the configuration can be replaced.
func writable(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
