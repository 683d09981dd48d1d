package migrate

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/config"
)

// takenBy says which other shard of the file, of any pool, has the target as a node, also
// under another address; "" if none has. A node that does not answer is known by its
// address only.
func (m *Move) takenBy(ctx context.Context, target facts) string {
	type other struct {
		what string
		node *node
		is   bool
	}
	var all []*other
	for _, p := range m.file.Pools {
		if !p.Redis {
			continue
		}
		user, password := p.Login()
		for _, s := range p.Shards {
			for _, a := range s.Addresses() {
				if a == (config.Address{}) || p.Name == m.pool.Name && s.String() == m.header.Shard {
					continue
				}
				all = append(all, &other{what: fmt.Sprintf("shard %s of pool %s has it as %s", s, p.Name, a),
					node: &node{addr: a, user: user, password: password, within: m.opt.Timeout}})
			}
		}
	}
	var asked sync.WaitGroup
	free := make(chan struct{}, 32)
	for _, o := range all {
		asked.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			defer o.node.close()
			info, err := o.node.info(ctx, "server")
			o.is = err == nil && info["run_id"] != "" && info["run_id"] == target.info["run_id"] ||
				o.node.addr.Network == "tcp" && sameAddr(ctx, o.node.addr.Addr, m.header.Target)
		})
	}
	asked.Wait()
	if i := slices.IndexFunc(all, func(o *other) bool { return o.is }); i >= 0 {
		return all[i].what
	}
	return m.watchedAs(ctx)
}

// sharedWith says which shard of another pool is the one that moves, "" if none.
func (m *Move) sharedWith(ctx context.Context) string {
	for _, p := range m.file.Pools {
		for _, s := range p.Shards {
			if p.Redis && p.Name != m.pool.Name && s.Primary.Network == "tcp" && sameAddr(ctx, s.Primary.Addr, m.header.Source) {
				return fmt.Sprintf("shard %s of pool %s is at %s", s, p.Name, m.header.Source)
			}
		}
	}
	return ""
}

// watchedAs says which other master of the pool's Sentinels the target is, "" if none:
// where Sentinels know the primaries, the file may not.
func (m *Move) watchedAs(ctx context.Context) string {
	if len(m.pool.Sentinels) == 0 {
		return ""
	}
	list, _ := redis.Values(m.askSentinels(ctx, "MASTERS")) // judge says that none answers
	for _, item := range list {
		f, err := redis.StringMap(item, nil)
		if err == nil && f["name"] != m.masterName() && sameAddr(ctx, net.JoinHostPort(f["ip"], f["port"]), m.header.Target) {
			return fmt.Sprintf("the Sentinels have it as the master %s", f["name"])
		}
	}
	return ""
}
