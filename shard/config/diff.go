package config

import (
	"fmt"
	"slices"
	"strings"
)

// Diff says what is different in another file, a line for each pool and one for the
// process:
//
//	pool cache: timeout 400ms -> 1s, shard cache-2 primary 10.0.0.2:6379 -> 10.0.0.9:6379
//
// Passwords are not in it. Two files without a difference may be written in
// different ways.
func Diff(before, after *File) []string {
	var lines []string
	add := func(what string, changes []string) {
		if len(changes) > 0 {
			lines = append(lines, what+": "+strings.Join(changes, ", "))
		}
	}
	add(proxyKey, diffKeys("", proxyKeys(), &before.Proxy, &after.Proxy))
	for _, b := range before.Pools {
		if after.named(b.Name) == nil {
			add("pool "+b.Name, []string{"removed"})
		}
	}
	for _, a := range after.Pools {
		if b := before.named(a.Name); b != nil {
			add("pool "+a.Name, diffPool(b, a))
		} else {
			add("pool "+a.Name, []string{fmt.Sprintf("added, %d shards", len(a.Shards))})
		}
	}
	return lines
}

// named returns the pool of that name, or nil.
func (f *File) named(name string) *Pool {
	for _, p := range f.Pools {
		if p.Name == name {
			return p
		}
	}
	return nil
}

func diffPool(before, after *Pool) []string {
	changes := diffKeys("", poolKeys(), &poolDraft{Pool: before}, &poolDraft{Pool: after})
	for _, s := range [...]struct {
		key           string
		before, after Secret
	}{
		{authKey, before.Auth, after.Auth},
		{serverAuthKey, before.ServerAuth, after.ServerAuth},
		{sentinelAuth, before.SentinelAuth, after.SentinelAuth},
	} {
		// A secret that comes from elsewhere than before has been told already.
		if s.before.Value() != s.after.Value() && s.before.yaml() == s.after.yaml() && s.before.IsZero() == s.after.IsZero() {
			changes = append(changes, s.key+" changed")
		}
	}
	changes = append(changes, diffUsers(before.Users, after.Users)...)
	return append(changes, diffShards(before, after)...)
}

// diffKeys returns the keys with another value; what is the name of which they are.
func diffKeys[T any](what string, table []key[T], before, after *T) []string {
	var changes []string
	for _, k := range table {
		if b, a := k.show(before), k.show(after); b != a {
			changes = append(changes, fmt.Sprintf("%s%s %s -> %s", what, k.name, orNone(b), orNone(a)))
		}
	}
	return changes
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func diffUsers(before, after []User) []string {
	var changes []string
	find := func(users []User, name string) int {
		return slices.IndexFunc(users, func(u User) bool { return u.Name == name })
	}
	for _, b := range before {
		if find(after, b.Name) < 0 {
			changes = append(changes, "user "+b.Name+" removed")
		}
	}
	for _, a := range after {
		i := find(before, a.Name)
		if i < 0 {
			changes = append(changes, "user "+a.Name+" added")
			continue
		}
		if b := before[i]; b.Rules != a.Rules {
			changes = append(changes, fmt.Sprintf("user %s rules %q -> %q", a.Name, b.Rules, a.Rules))
		}
		if !slices.EqualFunc(before[i].Passwords, a.Passwords, func(b, a Secret) bool { return b.Value() == a.Value() }) {
			changes = append(changes, "user "+a.Name+" password changed")
		}
	}
	return changes
}

func diffShards(before, after *Pool) []string {
	name := func(p *Pool, i int) string {
		if s := p.Shards[i].Name; s != "" {
			return s
		}
		return fmt.Sprintf("SHARD-%d", i) // as the ring calls it
	}
	at := func(p *Pool, s string) int {
		for i := range p.Shards {
			if name(p, i) == s {
				return i
			}
		}
		return -1
	}
	draft := func(p *Pool, i int) *shardDraft {
		return &shardDraft{Shard: p.Shards[i], slots: p.Ring.Shards[i].Slots}
	}
	var changes []string
	for i := range before.Shards {
		if n := name(before, i); at(after, n) < 0 {
			changes = append(changes, "shard "+n+" removed")
		}
	}
	last, reordered := -1, false
	for i := range after.Shards {
		n := name(after, i)
		j := at(before, n)
		if j < 0 {
			changes = append(changes, fmt.Sprintf("shard %s added at %s", n, after.Shards[i].Primary))
			continue
		}
		changes = append(changes, diffKeys("shard "+n+" ", shardKeys(), draft(before, j), draft(after, i))...)
		reordered = reordered || j < last
		last = j
	}
	if reordered {
		changes = append(changes, "shards in another order")
	}
	return changes
}
