package config

import (
	"strconv"
	"time"

	"github.com/shardring/shardring/ring"
)

// poolDraft is a pool while its keys are read.
type poolDraft struct {
	*Pool
	native bool // written with shards:, so our defaults hold
	shards []*shardDraft
	users  []*userDraft
	broken bool     // something its ring needs is missing
	pos    position // of the pool's name
	given  given
}

// defaultPool returns a pool before its keys are read. nutcracker's defaults
// hold for servers:, and for shards: too but where it is native.
func defaultPool(name string, native bool) *poolDraft {
	p := &poolDraft{native: native, Pool: &Pool{
		Name:               name,
		Ring:               ring.Config{Placement: ring.Ketama},
		Backlog:            512,
		ServerConnections:  1,
		ServerRetryTimeout: 30 * time.Second,
		ServerFailureLimit: 2,

		ConnectTimeout:  time.Second,
		HealthInterval:  2 * time.Second,
		ReadFrom:        Primary,
		Balance:         LeastRequests,
		MaxReplicaLag:   10 * time.Second,
		MaxInFlight:     1 << 16,
		MaxOutput:       1 << 30,
		ClientKeepAlive: time.Minute,
	}}
	if native {
		p.Ring.Placement = ring.Murmur3
		p.Timeout = 5 * time.Second
	}
	return p
}

// listKey is the key that holds the pool's shards.
func (p *poolDraft) listKey() string {
	if p.native {
		return "shards"
	}
	return "servers"
}

// file reads the whole tree.
func (d *decoder) file(path, text string) *File {
	out := &File{Path: path}
	root, ok := readTree(text, d.problems)
	if !ok {
		return nil
	}
	if root.kind != mapping && root.kind != empty {
		d.add(root.pos, "the file holds %s: want pools by name", root.kind)
		return nil
	}
	first := map[string]position{}
	var pools []*poolDraft
	for _, f := range root.fields {
		if pos, twice := first[f.key]; twice {
			d.add(f.pos, "%q is given twice, first on line %d", f.key, pos.line)
			continue
		}
		first[f.key] = f.pos
		switch {
		case f.key == proxyKey:
			if f.value.isPool() {
				d.add(f.pos, "%s: holds settings of the process: call the pool something else", proxyKey)
				continue
			}
			readKeys(d, proxyKey, f.value, proxyKeys(), &out.Proxy)
		case misspeltProxy(f):
			d.add(f.pos, "%q has neither servers: nor shards:, so it is no pool", f.key).Suggestion = proxyKey
		default:
			pools = append(pools, d.pool(f))
		}
	}
	if len(pools) == 0 && len(d.found) == 0 {
		d.add(root.pos, "no pools: want at least one, as name: {listen: …, shards: …}")
	}
	d.checkListen(pools)
	for _, p := range pools {
		out.Pools = append(out.Pools, p.Pool)
	}
	return out
}

// misspeltProxy guesses that a top-level key is not meant to be a pool.
func misspeltProxy(f field) bool {
	return nearest(f.key, []string{proxyKey}) != "" && !f.value.isPool()
}

func (n node) isPool() bool { return n.has("servers") || n.has("shards") }

// has says that a mapping has the key.
func (n node) has(key string) bool {
	for _, f := range n.fields {
		if f.key == key {
			return true
		}
	}
	return false
}

// pool reads one pool.
func (d *decoder) pool(f field) *poolDraft {
	p := defaultPool(f.key, f.value.has("shards"))
	p.pos = f.pos
	if err := checkName(f.key); err != nil {
		d.add(f.pos, "pool %q: %s", f.key, err)
	}
	p.given = readKeys(d, "pool "+strconv.Quote(f.key), f.value, poolKeys(), p)
	if f.value.kind == mapping {
		d.checkPool(p)
		d.placeKeys(p)
	}
	return p
}

// checkPool finds keys that do not go together.
func (d *decoder) checkPool(p *poolDraft) {
	given := p.given
	switch {
	case given.has("servers") && given.has("shards"):
		d.add(given["servers"].key, "pool %q has servers: and shards:, want one of them", p.Name)
		p.broken, p.shards = true, nil
	case !given.has("servers") && !given.has("shards"):
		d.add(p.pos, "pool %q has no servers: want shards: or servers:", p.Name)
		p.broken = true
	case !given.has("listen") && !p.native:
		d.add(p.pos, "pool %q has no listen: want host:port or /path", p.Name)
	}
	memcached := !p.Redis && given.possible("redis")
	for _, k := range [...]string{authKey, "users", "sentinels"} {
		if given.has(k) && memcached {
			d.add(given[k].key, "%s is for Redis: it needs redis: true in pool %q", k, p.Name)
		}
	}
	if memcached && given.has(serverAuthKey) && !given.has("server_username") {
		d.add(given[serverAuthKey].key, "server_auth without a user, and memcached has none by default: want server_username in pool %q", p.Name)
	}
	d.checkUsers(p)
	d.checkReads(p)
	d.checkShardError(p)
	// nutcracker takes redis_db in a memcached pool and ignores it, so a file
	// of its form may have it.
	if p.native && p.Database != 0 && memcached {
		d.add(given["redis_db"].key, "redis_db is for Redis: it needs redis: true in pool %q", p.Name)
	}
	if p.CrossShardReads && memcached {
		d.add(given["cross_shard_reads"].key, "cross_shard_reads is for Redis: it needs redis: true in pool %q", p.Name)
	}
	if p.AutoEjectHosts && p.Ring.Placement == ring.Slots {
		d.add(given["auto_eject_hosts"].key, "auto_eject_hosts cannot be with distribution: slots: no other shard owns a slot")
	}
	for _, s := range p.shards {
		if !s.broken && p.native {
			before := len(d.found)
			d.checkNodes(p, s)
			if len(d.found) > before {
				s.broken, p.broken = true, true
			}
		}
		if given.possible("distribution") && s.given.has("slots") && p.Ring.Placement != ring.Slots {
			d.add(s.given["slots"].key, "slots are for distribution: slots, pool %q has %s", p.Name, p.Ring.Placement)
			p.broken = true
		}
	}
}

// checkListen finds two pools on one address.
func (d *decoder) checkListen(pools []*poolDraft) {
	owner := map[string]*poolDraft{}
	for _, p := range pools {
		addr := p.Listen.Address
		if addr == "" || p.Listen.AnyPort() {
			continue
		}
		if other, taken := owner[addr]; taken {
			d.add(p.given["listen"].value, "pool %q listens on %s, as pool %q does on line %d", p.Name, addr, other.Name, other.given["listen"].value.line)
			continue
		}
		owner[addr] = p
	}
}
