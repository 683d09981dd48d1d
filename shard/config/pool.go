package config

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/shardring/shardring/ring"
)

// poolDraft is a pool while its keys are read.
type poolDraft struct {
	*Pool
	native bool // written with shards:, so our defaults hold
	shards []*shardDraft
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
	memcached := !p.Redis && (!given.has("redis") || given["redis"].ok)
	if given.has(authKey) && memcached {
		d.add(given[authKey].key, "%s is for Redis: it needs redis: true in pool %q", authKey, p.Name)
	}
	// nutcracker takes redis_db in a memcached pool and ignores it, so a file
	// of its form may have it.
	if p.native && p.Database != 0 && memcached {
		d.add(given["redis_db"].key, "redis_db is for Redis: it needs redis: true in pool %q", p.Name)
	}
	for _, s := range p.shards {
		if s.given.has("slots") && p.Ring.Placement != ring.Slots {
			d.add(s.given["slots"].key, "slots are for distribution: slots, pool %q has %s", p.Name, p.Ring.Placement)
			p.broken = true
		}
	}
}

// placeKeys gives every shard its identity and has package ring judge the
// whole, so that a file which is accepted is a ring that can be built.
func (d *decoder) placeKeys(p *poolDraft) {
	lines := map[string]position{}
	for _, s := range p.shards {
		name, ok := s.identity(p.Ring.Placement)
		if first, taken := lines[name]; s.broken {
			continue
		} else if !ok {
			d.nameMissing(p, s)
		} else if taken && name != "" {
			d.add(s.given.value("name", s.pos), "%s %q is there twice, first on line %d: a name is one shard", p.entry(), name, first.line)
			p.broken = true
		} else {
			lines[name] = s.pos
		}
		s.Name = name
		p.Shards = append(p.Shards, s.Shard)
		p.Ring.Shards = append(p.Ring.Shards, ring.Shard{Name: name, Weight: s.Weight, Slots: s.slots})
	}
	if p.broken {
		return
	}
	r, err := ring.New(p.Ring)
	if err != nil {
		d.ringProblem(p, err)
		return
	}
	p.Ring.Placement, p.Ring.Hash, p.Ring.Tag = r.Placement(), r.Hash(), r.Tag()
	if p.tag.key == "" {
		p.tag = defaultTag(r.Placement())
	}
}

// entry is what the file calls a shard.
func (p *poolDraft) entry() string { return strings.TrimSuffix(p.listKey(), "s") }

func (d *decoder) nameMissing(p *poolDraft, s *shardDraft) {
	how := "name: …"
	if !p.native {
		how = "host:port:weight name"
	}
	d.add(s.pos, "a %s needs a name under distribution %s, by which its keys stay with it: want %s", p.entry(), p.Ring.Placement, how)
	p.broken = true
}

// ringProblem reports what package ring says, at the key that holds the value.
func (d *decoder) ringProblem(p *poolDraft, err error) {
	var at *ring.ConfigError
	if !errors.As(err, &at) {
		d.add(p.pos, "pool %q: %s", p.Name, err)
		return
	}
	field := at.Field[strings.LastIndexByte(at.Field, '.')+1:]
	key := p.listKey()
	pos := p.given.value(key, p.pos)
	switch {
	case at.Shard >= 0 && at.Shard < len(p.shards):
		key = strings.ToLower(field)
		pos = p.shards[at.Shard].given.value(key, p.shards[at.Shard].pos)
	case field == "Placement":
		key, pos = "distribution", p.given.value("distribution", p.pos)
	case field == "Hash":
		key, pos = "hash", p.given.value("hash", p.pos)
	}
	if at.Value != "" {
		key += " " + at.Value
	}
	d.add(pos, "%s: %s", key, ringReason(err))
}

// checkListen finds two pools on one address.
func (d *decoder) checkListen(pools []*poolDraft) {
	owner := map[string]*poolDraft{}
	for _, p := range pools {
		addr := p.Listen.Address
		if addr == "" || p.Listen.Network == "tcp" && strings.HasSuffix(addr, ":0") {
			continue
		}
		if other, taken := owner[addr]; taken {
			d.add(p.given["listen"].value, "pool %q listens on %s, as pool %q does on line %d", p.Name, addr, other.Name, other.given["listen"].value.line)
			continue
		}
		owner[addr] = p
	}
}
