package command

import (
	"slices"
	"strings"
	"testing"
)

func TestLookupInAnyCase(t *testing.T) {
	table := Builtin()
	for _, cmd := range table.commands {
		mixed := []byte(strings.ToUpper(cmd.Name))
		mixed[len(mixed)/2] = lowerByte(mixed[len(mixed)/2])
		for _, name := range []string{cmd.Name, strings.ToUpper(cmd.Name), string(mixed)} {
			if got := table.Lookup([]byte(name)); got != cmd {
				t.Errorf("Lookup(%q) = %v, want %s", name, got, cmd.Name)
			}
		}
		for _, name := range []string{cmd.Name + "x", cmd.Name[1:], cmd.Name + "\x00", " " + cmd.Name} {
			if got := table.Lookup([]byte(name)); got != nil && got.Name != name {
				t.Errorf("Lookup(%q) = %s, want nil", name, got.Name)
			}
		}
	}
	for _, name := range []string{"", "nosuch", "config|get", "[et", "GE\x14"} {
		if got := table.Lookup([]byte(name)); got != nil {
			t.Errorf("Lookup(%q) = %s, want nil", name, got.Name)
		}
	}
}

func TestSubcommandInAnyCase(t *testing.T) {
	object := Builtin().Lookup([]byte("OBJECT"))
	for _, name := range []string{"encoding", "ENCODING", "eNcOdInG"} {
		if sub := object.Subcommand([]byte(name)); sub == nil || sub.Name != "object|encoding" {
			t.Errorf("Subcommand(%q) = %v, want object|encoding", name, sub)
		}
	}
	for _, name := range []string{"", "object|encoding", "encodin", "encodings"} {
		if sub := object.Subcommand([]byte(name)); sub != nil {
			t.Errorf("Subcommand(%q) = %s, want nil", name, sub.Name)
		}
	}
	if sub := Builtin().Lookup([]byte("get")).Subcommand([]byte("x")); sub != nil {
		t.Errorf("GET has a subcommand %s", sub.Name)
	}
}

// TestIndexIsSparse holds the lookup's cost: few names share a slot.
func TestIndexIsSparse(t *testing.T) {
	table := Builtin()
	for _, cmd := range table.commands {
		steps := 0
		for i := table.index.first([]byte(cmd.Name)); table.index.slots[i] != cmd; i = table.index.next(i) {
			steps++
		}
		if steps > 2 {
			t.Errorf("%s is found after %d other slots, want at most 2", cmd.Name, steps)
		}
	}
}

func TestNewTableRefuses(t *testing.T) {
	for _, test := range []struct {
		infos []Info
		want  string
	}{
		{[]Info{{Name: "get"}, {Name: "set"}, {Name: "get"}}, `"get": twice`},
		{[]Info{{Name: "Get"}}, `"Get": want a name in lower case`},
		{[]Info{{Name: ""}}, `"": want a name`},
		{[]Info{{Name: "a", Subcommands: []Info{{Name: "b|c"}}}}, `"b|c" of "a": want a name that begins with "a|"`},
	} {
		if _, err := NewTable(test.infos); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: %v, want an error with %s", test.infos, err, test.want)
		}
	}
	empty, err := NewTable(nil)
	if err != nil {
		t.Fatal(err)
	}
	if empty.Lookup([]byte("get")) != nil || empty.Len() != 0 {
		t.Error("an empty table is not empty")
	}
}

// TestLearnedCommandsAreRouted is what a table read from a newer server relies on:
// no row, only the command's own description.
func TestLearnedCommandsAreRouted(t *testing.T) {
	one := []KeySpec{{Flags: KeyRW, Begin: BeginSearch{Kind: BeginIndex, Index: 1}, Find: FindKeys{Kind: FindRange, KeyStep: 1}}}
	many := []KeySpec{{Begin: BeginSearch{Kind: BeginIndex, Index: 1}, Find: FindKeys{Kind: FindRange, LastKey: -1, KeyStep: 1}}}
	counted := []KeySpec{{Begin: BeginSearch{Kind: BeginIndex, Index: 1}, Find: FindKeys{Kind: FindKeyNum, FirstKey: 1, KeyStep: 1}}}
	channel := []KeySpec{{Flags: KeyNotKey, Begin: one[0].Begin, Find: one[0].Find}}
	partial := []KeySpec{{Flags: KeyRW | KeyIncomplete, Begin: one[0].Begin, Find: one[0].Find}}
	unknown := []KeySpec{one[0], {}}
	table, err := NewTable([]Info{
		{Name: "x.unknown", Arity: -2, Specs: unknown},
		{Name: "x.channel", Arity: 2, Specs: channel},
		{Name: "x.partial", Arity: -2, Specs: partial},
		{Name: "json.set", Arity: -4, Flags: Write | Module, Specs: one},
		{Name: "json.mget", Arity: -3, Flags: ReadOnly, Specs: many},
		{Name: "x.counted", Arity: -3, Specs: counted},
		{Name: "x.loose", Arity: -1, Specs: one},
		{Name: "x.wait", Arity: -3, Flags: Blocking, Specs: one},
		{Name: "x.admin", Arity: 1, Flags: Admin},
		{Name: "x.keyless", Arity: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		line   string
		route  Route
		keyPos int
		keys   []int
	}{
		{"JSON.SET doc $ 1", Single, 1, []int{1}},
		{"json.mget a b c", Single, 0, []int{1, 2, 3}},
		{"x.counted 2 a b", Single, 0, []int{2, 3}},
		{"x.loose", Single, 0, nil}, // arity -1: the key may be missing
		{"x.loose k", Single, 0, []int{1}},
		{"x.wait k 0", Own, 0, []int{1}},
		{"x.admin", Refused, 0, nil},
		{"x.channel c", Refused, 0, nil},
		{"x.partial k l", Refused, 0, nil},
		{"x.unknown k", Refused, 0, nil},
		{"x.keyless", Refused, 0, nil},
	} {
		request := Strings(strings.Fields(test.line))
		cmd, err := table.Resolve(request)
		if err != nil {
			t.Fatal(err)
		}
		keys, err := cmd.Keys(nil, request)
		if err != nil || cmd.Route != test.route || cmd.KeyPos != test.keyPos || !slices.Equal(keys, test.keys) {
			t.Errorf("%s: %v, key at %d, keys %v, %v; want %v, %d, %v",
				test.line, cmd.Route, cmd.KeyPos, keys, err, test.route, test.keyPos, test.keys)
		}
	}
}

func TestParseInfoRefusesOtherShapes(t *testing.T) {
	good := []any{[]byte("x"), int64(1), []any{"fast", "a_flag_of_tomorrow"}, int64(0), int64(0), int64(0), []any{}, []any{}, []any{}, []any{}}
	info, err := ParseInfo(good)
	if err != nil || info.Flags != Fast {
		t.Errorf("flags %v, %v; want fast alone and no error", info.Flags, err)
	}
	for i := range good {
		bad := slices.Clone(good)
		bad[i] = 1.5
		if _, err := ParseInfo(bad); err == nil {
			t.Errorf("field %d is a number with a fraction, and no error", i)
		}
	}
	for _, bad := range []any{nil, int64(1), []any{}, good[:9]} {
		if _, err := ParseInfo(bad); err == nil {
			t.Errorf("%v: no error", bad)
		}
	}
}
