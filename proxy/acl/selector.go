package acl

import (
	"slices"
	"strings"

	"github.com/shardring/shardring/shard/command"
)

// selector is one set of permissions: which commands, on which keys and channels.
// A user's first one holds the rules outside of parentheses, and each pair of
// parentheses adds one. A request is allowed if one selector allows all of it.
type selector struct {
	table *command.Table

	commands commandSet
	all      bool // allcommands, and nothing has been taken away since
	future   bool // +@all came after the last -@all: what is described begins with it
	// firstArgs are by command ID: a command that is not in the set is allowed with
	// one of these as its first argument.
	firstArgs map[int][]string

	allKeys bool
	keys    []keyPattern // none if allKeys

	allChannels bool
	channels    []string // patterns, none if allChannels

	text string // of its commands, see describeCommands
}

// access is what may be done with a key.
type access uint8

const (
	reads access = 1 << iota
	writes
)

// keyPattern is a pattern of keys and what may be done with those that match it.
type keyPattern struct {
	access  access
	pattern string
}

func newSelector(table *command.Table) selector {
	return selector{table: table, commands: newCommandSet(table)}
}

// apply changes the selector by one rule. It is ACLSetSelector of Redis's acl.c.
func (s *selector) apply(rule string) error {
	switch word := command.Lower(rule); word {
	case "allkeys", "~*":
		s.setKeys(true)
		return nil
	case "resetkeys":
		s.setKeys(false)
		return nil
	case "allchannels", "&*":
		s.setChannels(true)
		return nil
	case "resetchannels":
		s.setChannels(false)
		return nil
	case "allcommands", "+@all":
		s.setCommands(true)
		return nil
	case "nocommands", "-@all":
		s.setCommands(false)
		return nil
	}
	switch {
	case rule[0] == '~' || rule[0] == '%':
		return s.addKeys(rule)
	case rule[0] == '&':
		return s.addChannels(rule[1:])
	case strings.HasPrefix(rule, "+@"), strings.HasPrefix(rule, "-@"):
		return s.changeCategory(rule[2:], rule[0] == '+')
	case rule[0] == '+':
		return s.allow(rule[1:])
	case rule[0] == '-':
		cmd := s.table.Named(rule[1:])
		if cmd == nil {
			return errUnknown
		}
		s.change(cmd, false)
		return nil
	}
	return errSyntax
}

func (s *selector) setKeys(all bool)     { s.allKeys, s.keys = all, nil }
func (s *selector) setChannels(all bool) { s.allChannels, s.channels = all, nil }

func (s *selector) setCommands(all bool) {
	s.commands.fill(all)
	s.all, s.future, s.firstArgs = all, all, nil
}

// addKeys takes ~pattern and %R~pattern, %W~pattern, %RW~pattern. A pattern given
// twice has what both give.
func (s *selector) addKeys(rule string) error {
	if s.allKeys {
		return errAfterAllKeys
	}
	k := keyPattern{reads | writes, rule[1:]}
	if rule[0] == '%' {
		// Redis 7.0 also takes % without a letter or without a ~, and dies when it has
		// to describe it.
		letters, pattern, ok := strings.Cut(rule[1:], "~")
		switch k.pattern = pattern; {
		case !ok:
			return errSyntax
		case strings.EqualFold(letters, "r"):
			k.access = reads
		case strings.EqualFold(letters, "w"):
			k.access = writes
		case !strings.EqualFold(letters, "rw") && !strings.EqualFold(letters, "wr"):
			return errSyntax
		}
	}
	i := slices.IndexFunc(s.keys, func(old keyPattern) bool { return old.pattern == k.pattern })
	if i < 0 {
		i = len(s.keys)
		s.keys = append(s.keys, k)
	}
	s.keys[i].access |= k.access
	if k.pattern == "*" && s.keys[i].access == reads|writes {
		// Redis keeps the pattern as one among others, but describes it as ~*, which
		// could not be read again with others after it.
		s.setKeys(true)
	}
	return nil
}

func (s *selector) addChannels(pattern string) error {
	if s.allChannels {
		return errAfterAllChannels
	}
	if !slices.Contains(s.channels, pattern) {
		s.channels = append(s.channels, pattern)
	}
	return nil
}

// allow takes command, container|subcommand, and command|first-argument where the
// command is no container.
func (s *selector) allow(name string) error {
	bar := strings.LastIndexByte(name, '|')
	if bar < 0 {
		bar = len(name)
	}
	cmd := s.table.Named(name[:bar])
	switch {
	case cmd == nil:
		return errUnknown
	case bar == len(name):
		s.change(cmd, true)
		return nil
	case strings.Contains(cmd.Name, "|"):
		return errFirstArgOfSubcommand
	case bar == len(name)-1:
		return errSyntax
	case len(cmd.Subcommands) > 0:
		if cmd = s.table.Named(name); cmd == nil {
			return errUnknown
		}
		s.change(cmd, true)
		return nil
	}
	arg := name[bar+1:]
	if !slices.ContainsFunc(s.firstArgs[cmd.ID()], func(old string) bool { return command.Lower(old) == command.Lower(arg) }) {
		if s.firstArgs == nil {
			s.firstArgs = map[int][]string{}
		}
		s.firstArgs[cmd.ID()] = append(s.firstArgs[cmd.ID()], arg)
	}
	return nil
}

// change allows or denies a command and its subcommands, whose IDs follow its own.
func (s *selector) change(cmd *command.Command, allow bool) {
	for id := cmd.ID(); id <= cmd.ID()+len(cmd.Subcommands); id++ {
		s.commands.put(id, allow)
	}
	s.all = s.all && allow
	delete(s.firstArgs, cmd.ID())
}

// changeCategory allows or denies the commands of a category. Commands of modules
// are in none.
func (s *selector) changeCategory(name string, allow bool) error {
	bit := command.Category(name)
	if bit == 0 {
		return errUnknown
	}
	for cmd := range s.table.All() {
		if cmd.Categories&bit != 0 && cmd.Flags&command.Module == 0 {
			s.change(cmd, allow)
		}
	}
	return nil
}
