package command

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
)

// Table is a set of commands, found by name. It is immutable.
type Table struct {
	commands []*Command // top level, by name
	index    index
}

var builtin = sync.OnceValue(func() *Table {
	t, err := NewTable(withNewer(generated))
	if err != nil {
		// Not reachable: a test builds this table, and it is the same for everybody.
		panic("command: the generated table: " + err.Error())
	}
	return t
})

// Builtin returns the table of Redis 7.0's commands. It is built at the first
// call, in well under a millisecond, and is the same at every one.
func Builtin() *Table { return builtin() }

// NewTable routes the commands: by their rows in routes.go, or by their flags and
// key specifications where they have none. So the commands of a newer server or of
// a module, read with ParseInfo, are routed too. Two commands of one name, a name
// that is not lower case and a subcommand that is not named after its container
// are errors.
func NewTable(infos []Info) (*Table, error) {
	rows := make(map[string]*override, len(overrides))
	for i := range overrides {
		rows[overrides[i].name] = &overrides[i]
	}
	t := &Table{commands: make([]*Command, len(infos))}
	for i, info := range infos {
		cmd := newCommand(info, rows[info.Name])
		for _, sub := range info.Subcommands {
			row := rows[sub.Name]
			if row == nil {
				row = rows[info.Name]
			}
			if !strings.HasPrefix(sub.Name, info.Name+"|") {
				return nil, fmt.Errorf("subcommand %q of %q: want a name that begins with %q", sub.Name, info.Name, info.Name+"|")
			}
			cmd.subcommands = append(cmd.subcommands, newCommand(sub, row))
		}
		t.commands[i] = cmd
	}
	slices.SortFunc(t.commands, func(a, b *Command) int { return cmp.Compare(a.Name, b.Name) })
	for i, cmd := range t.commands {
		if cmd.Name == "" || cmd.Name != strings.ToLower(cmd.Name) {
			return nil, fmt.Errorf("command %q: want a name in lower case", cmd.Name)
		}
		if i > 0 && t.commands[i-1].Name == cmd.Name {
			return nil, fmt.Errorf("command %q: twice in the table", cmd.Name)
		}
	}
	t.number()
	t.index = newIndex(t.commands)
	return t, nil
}

// With returns the table with those of the commands that it lacks, routed by what is
// said of them. Their IDs are beyond those of the table, and not always the same.
func (t *Table) With(infos []Info) (*Table, error) {
	more := &Table{commands: slices.Clone(t.commands)}
	id := learnedID
	for _, info := range infos {
		if t.Lookup([]byte(info.Name)) != nil {
			continue
		}
		one, err := NewTable([]Info{info})
		if err != nil {
			return nil, err
		}
		for cmd := range one.All() {
			for variant := cmd; variant != nil; variant = variant.then {
				variant.id = id
			}
			id++
		}
		more.commands = append(more.commands, one.commands...)
	}
	slices.SortFunc(more.commands, func(a, b *Command) int { return cmp.Compare(a.Name, b.Name) })
	more.index = newIndex(more.commands)
	return more, nil
}

// learnedID is greater than any ID of the built-in table.
const learnedID = 1 << 20

// newCommand joins what the server says with our row, which may be nil.
func newCommand(info Info, row *override) *Command {
	cmd := &Command{Info: info, search: searches[info.Name], variable: variables[info.Name], numkeys: numkeysOf(info)}
	if row == nil {
		cmd.classify()
	} else {
		cmd.apply(row)
	}
	if cmd.Route == Single {
		cmd.KeyPos = fixedKey(info)
	}
	cmd.Whole = cmd.whole()
	if cmd.then != nil {
		cmd.then.Whole = cmd.then.whole()
	}
	return cmd
}

// whole reports what Whole says.
func (c *Command) whole() bool {
	switch c.Route {
	case All, Split:
		return c.Merge != InfoText // whose clients are not the shard's
	case Refused:
		return c.refusal != whyStream
	}
	return false
}

// number gives each command its ID, and the same to its variants.
func (t *Table) number() {
	id := 0
	for cmd := range t.All() {
		for variant := cmd; variant != nil; variant = variant.then {
			variant.id = id
		}
		id++
	}
}

// fixedKey returns the position of the one key that every request of the command
// has there and nowhere else, or 0.
func fixedKey(info Info) int {
	if len(info.Specs) != 1 {
		return 0
	}
	spec := info.Specs[0]
	oneKey := FindKeys{Kind: FindRange, KeyStep: spec.Find.KeyStep}
	if spec.Begin.Kind != BeginIndex || spec.Find != oneKey || spec.Flags&(KeyNotKey|KeyIncomplete) != 0 {
		return 0
	}
	least := max(info.Arity, -info.Arity)
	if spec.Begin.Index >= least {
		return 0
	}
	return spec.Begin.Index
}

// Lookup returns the command of that name in any case, or nil. It allocates
// nothing. A container is returned as itself; Resolve finds its subcommand.
func (t *Table) Lookup(name []byte) *Command { return t.index.find(name) }

// Named returns the command of that full name in any case, or nil: "config|get"
// is a subcommand.
func (t *Table) Named(name string) *Command {
	container, sub, ok := strings.Cut(name, "|")
	cmd := t.Lookup([]byte(container))
	if cmd == nil || !ok {
		return cmd
	}
	return cmd.Subcommand([]byte(sub))
}

// Len returns the number of commands, subcommands not counted, as COMMAND COUNT does.
func (t *Table) Len() int { return len(t.commands) }

// All yields the commands by name, each container before its subcommands.
func (t *Table) All() iter.Seq[*Command] {
	return func(yield func(*Command) bool) {
		for _, cmd := range t.commands {
			if !yield(cmd) {
				return
			}
			for _, sub := range cmd.subcommands {
				if !yield(sub) {
					return
				}
			}
		}
	}
}
