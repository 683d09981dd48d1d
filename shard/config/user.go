package config

import (
	"fmt"
	"strings"
	"unicode"
)

// userDraft is a user as far as its own entry tells.
type userDraft struct {
	User
	pos   position
	given given
}

// users reads the list of users.
func users() binding[poolDraft] {
	return binding[poolDraft]{
		read: func(d *decoder, k string, v node, to *poolDraft) {
			switch {
			case v.kind != sequence:
				d.add(v.pos, "%s holds %s: want a list of users, one \"- \" a line", k, v.kind)
			case len(v.items) == 0:
				d.add(v.pos, "%s is an empty list", k)
			}
			for i, item := range v.items {
				u := &userDraft{pos: item.pos}
				u.given = readKeys(d, fmt.Sprintf("user %d of pool %q", i+1, to.Name), item, userKeys(), u)
				for _, key := range [...]string{"name", "rules"} {
					if item.kind == mapping && !u.given.has(key) {
						d.add(item.pos, "a user without %s: want {name: app, password: …, rules: \"~* +@read\"}", key)
					}
				}
				to.users = append(to.users, u)
				to.Users = append(to.Users, u.User)
			}
		},
		show: func(*poolDraft) string { return "" }, // printed after all keys
	}
}

// checkUsers finds users, and passwords for clients and servers, that do not go
// together.
func (d *decoder) checkUsers(p *poolDraft) {
	first := map[string]*userDraft{}
	for _, u := range p.users {
		at := u.given.value("name", u.pos)
		switch other := first[u.Name]; {
		case u.Name == "": // it has been reported
		case other != nil:
			d.add(at, "user %q is listed twice, first on line %d", u.Name, other.pos.line)
		case u.Name == "default" && p.given.has(authKey):
			d.add(at, "pool %q has a user \"default\" and %s, which would be that user's password: for servers want %s, for clients password: of the user", p.Name, authKey, serverAuthKey)
		}
		first[u.Name] = u
	}
	if p.given.has("server_username") && !p.given.has(serverAuthKey) && !p.given.has(authKey) {
		d.add(p.given["server_username"].key, "server_username without a password: want %s", serverAuthKey)
	}
}

// userName reads the name of a user, which Redis takes without white space.
func (d *decoder) userName(k string, v node) (string, bool) {
	s, ok := d.name(k, v)
	if ok && strings.ContainsFunc(s, unicode.IsSpace) {
		d.add(v.pos, "%s %q: a user's name has no spaces", k, s)
		return "", false
	}
	return s, ok
}

// passwords reads one password or several.
func passwords() binding[userDraft] {
	return binding[userDraft]{
		read: func(d *decoder, k string, v node, to *userDraft) {
			items := []node{v}
			if v.kind == sequence && len(v.items) > 0 {
				items = v.items
			}
			for _, item := range items {
				if s := d.secret(k, item); !s.IsZero() {
					to.Passwords = append(to.Passwords, s)
				}
			}
		},
		show: func(from *userDraft) string {
			all := make([]string, len(from.Passwords))
			for i, s := range from.Passwords {
				all[i] = s.yaml()
			}
			if len(all) < 2 {
				return strings.Join(all, "")
			}
			return "[" + strings.Join(all, ", ") + "]"
		},
	}
}

// rules reads what a user may do. A rule that holds a password is refused,
// because rules are printed.
func rules() binding[userDraft] {
	return binding[userDraft]{
		read: func(d *decoder, k string, v node, to *userDraft) {
			s, ok := d.text(k, v)
			for _, rule := range strings.Fields(s) {
				// No selector takes one, but who reads this writes one there too.
				if rule = strings.TrimLeft(rule, "("); rule != "" && (rule[0] == '>' || rule[0] == '<') {
					d.mask(v.pos)
					d.add(v.pos, "%s hold a password after %q: want it as password:, or its SHA-256 after \"#\"", k, rule[:1])
					return
				}
			}
			if ok {
				to.Rules = strings.TrimSpace(s)
			}
		},
		show: func(from *userDraft) string { return quoteNonEmpty(from.Rules) },
	}
}
