package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shardring/shardring/ring"
)

// shardDraft is a shard as far as its own entry tells.
type shardDraft struct {
	Shard
	unnamed string // the name nutcracker gives the server, without one of its own
	slots   []ring.SlotRange
	pos     position
	given   given
	broken  bool // its entry has been reported
}

// servers reads nutcracker's list. It has no show: a dump prints shards.
func servers() binding[poolDraft] {
	return binding[poolDraft]{
		read: func(d *decoder, k string, v node, to *poolDraft) {
			for _, item := range d.list(k, v, to) {
				s, ok := d.text("server", item)
				if !ok {
					to.broken = true
					continue
				}
				line, err := parseServer(s)
				if err == nil {
					err = checkName(line.name)
				}
				if err != nil {
					d.add(item.pos, "server %q: %s", s, err)
					to.broken = true
					continue
				}
				to.shards = append(to.shards, &shardDraft{
					Shard:   Shard{Name: line.name, Weight: line.weight, Primary: line.addr},
					unnamed: line.unnamed,
					pos:     item.pos,
				})
			}
		},
		show: func(*poolDraft) string { return "" },
	}
}

// shards reads our own list.
func shards() binding[poolDraft] {
	return binding[poolDraft]{
		read: func(d *decoder, k string, v node, to *poolDraft) {
			for i, item := range d.list(k, v, to) {
				before := len(d.found)
				s := defaultShard()
				s.pos = item.pos
				s.given = readKeys(d, fmt.Sprintf("shard %d of pool %q", i+1, to.Name), item, shardKeys(), s)
				if len(d.found) == before {
					d.checkShard(s)
				}
				if len(d.found) > before {
					s.broken, to.broken = true, true
				}
				to.shards = append(to.shards, s)
			}
		},
		show: func(*poolDraft) string { return "" }, // printed after all keys
	}
}

func defaultShard() *shardDraft { return &shardDraft{Shard: Shard{Weight: 1}} }

// list returns the elements of a list and marks the pool broken when it is none.
func (d *decoder) list(k string, v node, p *poolDraft) []node {
	if v.kind != sequence {
		d.add(v.pos, "%s holds %s: want a list, one \"- \" a line", k, v.kind)
		p.broken = true
	} else if len(v.items) == 0 {
		d.add(v.pos, "%s is an empty list", k)
		p.broken = true
	}
	return v.items
}

// checkShard finds what is wrong with a shard whose values are each possible.
func (d *decoder) checkShard(s *shardDraft) {
	for i, r := range s.Replicas {
		if r.Address == s.Primary {
			d.add(s.given.value("replicas", s.pos), "replica %s is the primary of the same shard", r)
		}
		if slices.ContainsFunc(s.Replicas[:i], func(o Replica) bool { return o.Address == r.Address }) {
			d.add(s.given.value("replicas", s.pos), "replica %s is listed twice", r)
		}
	}
}

const lastSlot = 16383

func slots() binding[shardDraft] {
	return binding[shardDraft]{
		read: func(d *decoder, k string, v node, to *shardDraft) {
			ranges := v.items
			if v.kind != sequence {
				ranges = []node{v}
			}
			to.slots = []ring.SlotRange{} // an empty list is a shard without slots
			for _, item := range ranges {
				s, ok := d.text(k, item)
				if !ok {
					continue
				}
				r, err := parseSlots(s)
				if err != nil {
					d.add(item.pos, "%s %s", k, err)
					continue
				}
				to.slots = append(to.slots, r)
			}
		},
		show: func(from *shardDraft) string {
			if from.slots == nil {
				return ""
			}
			all := make([]string, len(from.slots))
			for i, r := range from.slots {
				all[i] = r.String()
			}
			return "[" + strings.Join(all, ", ") + "]"
		},
	}
}

// parseSlots reads "first-last" or "slot".
func parseSlots(s string) (ring.SlotRange, error) {
	first, last, isRange := strings.Cut(s, "-")
	if !isRange {
		last = first
	}
	from, err1 := parseCount(first, 0, lastSlot)
	to, err2 := parseCount(last, 0, lastSlot)
	if err1 != nil || err2 != nil || from > to {
		return ring.SlotRange{}, fmt.Errorf("%q is not a range: want first-last, as 0-5460, or one slot, from 0 to %d", s, lastSlot)
	}
	return ring.SlotRange{First: from, Last: to}, nil
}
