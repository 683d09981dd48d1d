package migrate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/config"
)

// Retire detaches the node that the last finished move of the shard left, so that it
// can be shut down. It is refused while clients use the node: a straggler would write
// to a primary that nobody reads.
func (m *Move) Retire(ctx context.Context) (*Result, error) {
	last, err := lastMove(m.path, m.pool.Name, m.opt.Shard)
	if err != nil {
		return nil, err
	}
	last.file.Close()
	m.setNodes(last.header)
	if !writtenIn(m.file, m.header) {
		return nil, fmt.Errorf("%s does not have %s as the primary of shard %s: it was moved again by other means; detach %s by hand", m.path, m.header.Target, m.header.Shard, m.header.Source)
	}
	if s, err := m.shard(m.header.Shard); err == nil && slices.ContainsFunc(s.Replicas, func(r config.Replica) bool { return sameAddr(ctx, r.Address.Addr, m.header.Source) }) {
		return nil, fmt.Errorf("%s has %s as a replica of shard %s: remove it there, have the proxies read the file, then --retire lets it go", m.path, m.header.Source, m.header.Shard)
	}
	switch r, _ := replication(ctx, m.source, m.target); r {
	case ofOther:
	case primary:
		m.say(Done, "%s was detached before", m.header.Source)
		m.keep(ctx, Done, m.source)
		m.forget(ctx, Done, m.target, m.header.Source)
		return &m.result, nil
	case unknown:
		return nil, fmt.Errorf("%s does not answer: start it and ask again, or leave it off: clients of shard %s do not need it", m.header.Source, m.header.Shard)
	default:
		return nil, fmt.Errorf("%s is a %s, want one of %s: see who made it that, and detach it by hand (REPLICAOF NO ONE)", m.header.Source, r, m.header.Target)
	}
	list, err := redis.String(m.source.do(ctx, "CLIENT", "LIST"))
	if err != nil {
		return nil, err
	}
	if users := inUse(list); len(users) > 0 {
		return nil, fmt.Errorf("%s is in use by %s, the first at %s: have them read the new configuration, or end them", m.header.Source, counted(int64(len(users)), "client", "clients"), users[0])
	}
	if err := m.source.follow(ctx, nil); err != nil {
		return nil, err
	}
	m.keep(ctx, Done, m.source) // the move wrote there that it is a replica
	m.forget(ctx, Done, m.target, m.header.Source)
	return &m.result, nil
}

// inUse returns the addresses of clients in a CLIENT LIST that do more than look how the
// node is, as proxies, Sentinels and this package do. Replication is not among them.
func inUse(list string) []string {
	var all []string
	for line := range strings.Lines(list) {
		f := map[string]string{}
		for _, kv := range strings.Fields(line) {
			k, v, _ := strings.Cut(kv, "=")
			f[k] = v
		}
		cmd, _, _ := strings.Cut(f["cmd"], "|")
		switch {
		case strings.ContainsAny(f["flags"], "MS"), strings.HasPrefix(f["name"], "sentinel-"):
		case cmd == "ping", cmd == "role", cmd == "info", cmd == "auth", cmd == "hello", cmd == "client", cmd == "NULL":
		default:
			all = append(all, f["addr"])
		}
	}
	return all
}
