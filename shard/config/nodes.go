package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Replica is a server that copies a shard's primary.
type Replica struct {
	Address
	Zone   string // where it stands; "" nowhere in particular
	Weight int    // its share of the shard's reads under balance: weighted, at least 1
}

// replicaDraft is a replica while its keys are read.
type replicaDraft struct{ Replica }

func defaultReplica() *replicaDraft { return &replicaDraft{Replica{Weight: 1}} }

// replicas reads a list of addresses, or of mappings where more is to be said.
func replicas() binding[shardDraft] {
	return binding[shardDraft]{
		read: func(d *decoder, k string, v node, to *shardDraft) {
			if v.kind != sequence {
				d.add(v.pos, "%s holds %s: want a list of addresses", k, v.kind)
				return
			}
			for i, item := range v.items {
				r := defaultReplica()
				before := len(d.found)
				if item.kind == mapping {
					at := readKeys(d, fmt.Sprintf("replica %d", i+1), item, replicaKeys(), r)
					if !at.has("address") {
						d.add(item.pos, "a replica without an address: want {address: host:port, zone: …}")
					}
				} else {
					r.Address, _, _ = d.address("replica", item)
				}
				if len(d.found) == before {
					to.Replicas = append(to.Replicas, r.Replica)
				}
			}
		},
		show: func(from *shardDraft) string {
			if len(from.Replicas) == 0 {
				return ""
			}
			all := make([]string, len(from.Replicas))
			for i, r := range from.Replicas {
				all[i] = r.yaml()
			}
			return "[" + strings.Join(all, ", ") + "]"
		},
	}
}

// yaml is the address alone where nothing more is to be said.
func (r Replica) yaml() string {
	if r.Zone == "" && r.Weight == 1 {
		return quote(r.Addr)
	}
	s := "{address: " + quote(r.Addr)
	if r.Zone != "" {
		s += ", zone: " + quote(r.Zone)
	}
	if r.Weight != 1 {
		s += ", weight: " + strconv.Itoa(r.Weight)
	}
	return s + "}"
}

// sentinels reads the addresses of a pool's Sentinels.
func sentinels() binding[poolDraft] {
	return binding[poolDraft]{
		read: func(d *decoder, k string, v node, to *poolDraft) {
			for _, item := range d.list(k, v, to) {
				a, _, ok := d.address("sentinel", item)
				switch {
				case !ok:
				case slices.Contains(to.Sentinels, a):
					d.add(item.pos, "sentinel %s is listed twice", a)
				default:
					to.Sentinels = append(to.Sentinels, a)
				}
			}
		},
		show: func(from *poolDraft) string {
			if len(from.Sentinels) == 0 {
				return ""
			}
			all := make([]string, len(from.Sentinels))
			for i, a := range from.Sentinels {
				all[i] = quote(a.Addr)
			}
			return "[" + strings.Join(all, ", ") + "]"
		},
	}
}

// checkNodes finds what is wrong with where a shard's servers are said to be.
func (d *decoder) checkNodes(p *poolDraft, s *shardDraft) {
	first := map[string]*shardDraft{}
	if !p.given.has("sentinels") {
		if s.given.has("master") {
			d.add(s.given["master"].key, "master is what Sentinels call the shard: it needs sentinels: in pool %q", p.Name)
		}
		if s.Primary == (Address{}) {
			d.add(s.pos, "a shard without a primary: want primary: host:port, or sentinels: in the pool")
		}
		return
	}
	if s.MasterName() == "" {
		d.add(s.pos, "a shard without a name: want name:, or master: as the Sentinels call it")
	}
	for _, o := range p.shards {
		if m := o.MasterName(); m != "" && !o.broken {
			if other := first[m]; other != nil && s == o {
				d.add(s.pos, "two shards are the Sentinels' master %q, first on line %d", m, other.pos.line)
			} else if other == nil {
				first[m] = o
			}
		}
	}
}

// MasterName returns what the pool's Sentinels call the shard.
func (s Shard) MasterName() string {
	if s.Master == "" {
		return s.Name
	}
	return s.Master
}
