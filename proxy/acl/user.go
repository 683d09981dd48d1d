package acl

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/shardring/shardring/shard/command"
)

// User is a name, its passwords and what it may do. It is immutable.
type User struct {
	name      string
	table     *command.Table
	on        bool
	nopass    bool // any password will do; then there are no passwords
	sanitize  sanitizing
	passwords []digest
	selectors []selector // at least one: that of the rules outside of parentheses

	unlimited bool
	text      string
}

// sanitizing is what Redis's rules say of the payload of RESTORE. The servers do
// that for the proxy's own user; it is here to be described.
type sanitizing uint8

const (
	sanitizeUnset sanitizing = iota
	skipSanitize
	sanitize
)

// String returns the rule, "" if there is none.
func (s sanitizing) String() string {
	return [...]string{sanitizeUnset: "", skipSanitize: "skip-sanitize-payload", sanitize: "sanitize-payload"}[s]
}

// DefaultName is the name of the user that a client is before it logs in, and
// that AUTH with a password alone means.
const DefaultName = "default"

// Parse returns the user that rules make: all that Redis 7.0's ACL SETUSER takes,
// with white space between them, applied from left to right; so no password in
// them may hold white space. The passwords are added after them, as by >password.
//
// In one thing a new user is not Redis's: it is on, because it would not be in
// the configuration otherwise. It has no password, commands, keys or channels
// until the rules give them. An error about a rule is a *RuleError.
func Parse(name, rules string, passwords ...string) (*User, error) {
	return parse(command.Builtin(), name, rules, passwords...)
}

func parse(table *command.Table, name, rules string, passwords ...string) (*User, error) {
	switch {
	case name == "":
		return nil, errors.New("a user without a name")
	case strings.ContainsFunc(name, isSpace) || strings.Contains(name, "\x00"):
		return nil, fmt.Errorf("user %q: Usernames can't contain spaces or null characters", name)
	case strings.Contains(rules, "\x00"):
		return nil, fmt.Errorf("user %s: rules can't contain null characters", name)
	}
	u := &User{name: name, table: table, on: true, selectors: []selector{newSelector(table)}}
	if rule, err := u.applyAll(rules); err != nil {
		return nil, &RuleError{User: name, Rule: rule, Err: err}
	}
	for _, p := range passwords {
		_ = u.apply(">" + p) // adding one does not fail
	}
	for i := range u.selectors {
		s := &u.selectors[i]
		s.text = s.describeCommands()
		u.unlimited = u.unlimited || s.all && s.allKeys && s.allChannels
	}
	u.text = u.describe()
	return u, nil
}

// Name returns the user's name.
func (u *User) Name() string { return u.name }

// SameRights reports whether two users may do the same, whatever their names and
// passwords.
func (u *User) SameRights(o *User) bool {
	return slices.EqualFunc(u.selectors, o.selectors, func(a, b selector) bool { return a.describe() == b.describe() })
}

// On reports whether clients may log in as the user.
func (u *User) On() bool { return u.on }

// NoPass reports whether any password will do.
func (u *User) NoPass() bool { return u.nopass }

// Unreachable reports that no client can become the user: it is off, or no
// password is its own.
func (u *User) Unreachable() bool { return !u.on || !u.nopass && len(u.passwords) == 0 }

// Scripts reports whether the user may run scripts or functions, if only one by
// name, in which it may use any command and any key.
func (u *User) Scripts() bool {
	for _, name := range [...]string{"eval", "eval_ro", "evalsha", "evalsha_ro", "fcall", "fcall_ro"} {
		cmd := u.table.Named(name)
		for i := range u.selectors {
			s := &u.selectors[i]
			if cmd != nil && (s.commands.has(cmd.ID()) || len(s.firstArgs[cmd.ID()]) > 0) {
				return true
			}
		}
	}
	return false
}

// Unlimited reports whether the user may do everything: Check need not be called.
func (u *User) Unlimited() bool { return u.unlimited }

// Rules returns the rules that make the same user, as ACL LIST prints them:
// passwords by their SHA-256, commands by categories where that is shorter.
// Commands are in the order of their names, where Redis has none.
func (u *User) Rules() string { return u.text }

// String returns the user as ACL LIST prints it: "user name rules".
func (u *User) String() string { return "user " + u.name + " " + u.text }

// flags are the words before the passwords.
func (u *User) flags() []string {
	flags := []string{"off"}
	if u.on {
		flags[0] = "on"
	}
	if u.nopass {
		flags = append(flags, "nopass")
	}
	if u.sanitize != sanitizeUnset {
		flags = append(flags, u.sanitize.String())
	}
	return flags
}

// describe is ACLDescribeUser of Redis's acl.c.
func (u *User) describe() string {
	words := u.flags()
	for _, d := range u.passwords {
		words = append(words, "#"+hex.EncodeToString(d[:]))
	}
	for i := range u.selectors {
		s := u.selectors[i].describe()
		if i > 0 {
			s = "(" + s + ")"
		}
		words = append(words, s)
	}
	return strings.Join(words, " ")
}
