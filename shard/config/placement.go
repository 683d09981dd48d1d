package config

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/shardring/shardring/ring"
)

// identity returns the name by which the placement knows the shard. A shard
// without a name has nutcracker's under nutcracker's placements, and is known
// by its place in the list under ShardedJedis's; false: it needs a name.
func (s *shardDraft) identity(p ring.Placement) (string, bool) {
	if s.Name != "" {
		return s.Name, true
	}
	switch p {
	case ring.Ketama, ring.Modula, ring.Random:
		return s.unnamed, true
	case ring.Jedis, ring.Jedis29:
		return "", true
	}
	return "", false
}

// placeKeys gives every shard its identity and has package ring judge the
// whole, so that a file which is accepted is a ring that can be built.
func (d *decoder) placeKeys(p *poolDraft) {
	if !p.given.possible("distribution") {
		return // whether a shard needs a name is unknown
	}
	first := map[string]position{}
	for _, s := range p.shards {
		if s.broken {
			continue
		}
		name, ok := s.identity(p.Ring.Placement)
		other, taken := first[name]
		switch {
		case !ok:
			d.nameMissing(p, s)
		case taken && name != "":
			d.add(s.given.value("name", s.pos), "%s %q is there twice, first on line %d: a name is one shard", p.entry(), name, other.line)
			p.broken = true
		}
		if !taken {
			first[name] = s.pos
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

// shardIndex is how package ring calls a shard.
var shardIndex = regexp.MustCompile(`Shards\[\d{1,9}\]`)

// ringProblem reports what package ring says, at the key that holds the value.
func (d *decoder) ringProblem(p *poolDraft, err error) {
	var at *ring.ConfigError
	if !errors.As(err, &at) {
		d.add(p.pos, "pool %q: %s", p.Name, err)
		return
	}
	field := at.Field[strings.LastIndexByte(at.Field, '.')+1:] // of Shards[2].Slots[0]
	field, _, _ = strings.Cut(field, "[")
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
	reason := shardIndex.ReplaceAllStringFunc(ringReason(err), func(s string) string {
		i, _ := strconv.Atoi(s[len("Shards[") : len(s)-1])
		return fmt.Sprintf("%s %d (%s)", p.entry(), i+1, p.Shards[min(i, len(p.Shards)-1)])
	})
	d.add(pos, "%s: %s", key, reason)
}

// ringReason is what package ring says of a value, without its name for it.
func ringReason(err error) string {
	var at *ring.ConfigError
	if !errors.As(err, &at) {
		return err.Error()
	}
	if at.Allowed == "" {
		return at.Reason
	}
	return fmt.Sprintf("%s, allowed: %s", at.Reason, at.Allowed)
}
