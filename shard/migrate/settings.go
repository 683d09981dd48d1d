package migrate

import (
	"context"
	"errors"
	"strings"

	"github.com/shardring/shardring/shard/config"
)

// change sets a value, when the old one is in the journal.
func (m *Move) change(ctx context.Context, n *node, name, value string) error {
	if err := m.saveOld(ctx, n, name); err != nil || !m.journal.has(n.addr.Addr, name) {
		return err // this version has no such setting
	}
	return n.set(ctx, name, value)
}

// saveOld writes a value into the journal, if the node has it.
func (m *Move) saveOld(ctx context.Context, n *node, name string) error {
	have, err := n.settings(ctx, name)
	if err != nil {
		return err
	}
	if old, ok := have[name]; ok {
		return m.journal.save(setting{Node: n.addr.Addr, Name: name, Value: old})
	}
	return nil
}

// copyConfig sets at the target what replication does not carry.
func (m *Move) copyConfig(ctx context.Context) error {
	s, t := m.source.ask(ctx), m.target.ask(ctx)
	if err := errors.Join(s.err, t.err); err != nil {
		return err
	}
	for _, name := range differing(s.config, t.config) {
		if err := m.journal.save(setting{Node: m.header.Target, Name: name, Value: t.config[name], Stays: true}); err != nil {
			return err
		}
		if err := m.target.set(ctx, name, s.config[name]); err != nil {
			m.warn(Prepare, "%v", err)
		}
	}
	for _, name := range unlikeUsers(s.users, t.users) {
		args := []any{"SETUSER", name, "reset"}
		for _, rule := range aclRules(s.users[name]) {
			args = append(args, rule)
		}
		if _, err := m.target.do(ctx, "ACL", args...); err != nil {
			m.warn(Prepare, "user %s: %v", name, err)
		}
	}
	return nil
}

// keepUsers has the target write the users that it got into its ACL file, if it has one:
// CONFIG REWRITE does not, and without them no client could log in after a restart.
func (m *Move) keepUsers(ctx context.Context) {
	have, err := m.target.settings(ctx, "aclfile")
	if err == nil && have["aclfile"] != "" {
		_, err = m.target.do(ctx, "ACL", "SAVE")
	}
	if err != nil {
		m.warn(Release, "%v: after a restart %s may lack users that were copied", err, m.header.Target)
	}
}

// aclRules are the rules of a line of ACL LIST; selectors, in parentheses, stay whole.
func aclRules(line string) (all []string) {
	depth := 0
	for _, word := range strings.Fields(line) {
		if depth > 0 {
			all[len(all)-1] += " " + word
		} else {
			all = append(all, word)
		}
		depth += strings.Count(word, "(") - strings.Count(word, ")")
	}
	return all
}

// restore sets all values back that the journal has, but for those that stay.
func (m *Move) restore(ctx context.Context) error {
	var errs []error
	for _, s := range m.journal.saved {
		if !s.Stays {
			errs = append(errs, m.at(s.Node).set(ctx, s.Name, s.Value))
		}
	}
	return errors.Join(errs...)
}

func (m *Move) restoreOnly(ctx context.Context, addr string) error {
	var errs []error
	for _, s := range m.journal.saved {
		if s.Node == addr && !s.Stays {
			errs = append(errs, m.at(s.Node).set(ctx, s.Name, s.Value))
		}
	}
	return errors.Join(errs...)
}

// at returns the node of that address; one that is neither source nor target has a
// connection of its own.
func (m *Move) at(addr string) *node {
	switch addr {
	case m.header.Source:
		return m.source
	case m.header.Target:
		return m.target
	}
	if m.others == nil {
		m.others = map[string]*node{}
	}
	if m.others[addr] == nil {
		n := *m.source
		n.conn, n.addr = nil, config.Address{Network: "tcp", Addr: addr}
		m.others[addr] = &n
	}
	return m.others[addr]
}
