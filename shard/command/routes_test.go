package command

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// plans is one request of every kind there is.
var plans = []struct {
	line   string
	route  Route
	merge  Merge
	keyPos int
}{
	{"get k", Single, None, 1},
	{"SET k v EX 5 NX", Single, None, 1},
	{"hset k f v", Single, None, 1},
	{"bitfield k get u8 0", Single, None, 1},
	{"object encoding k", Single, None, 2},
	{"object help", Single, None, 0},
	{"memory usage k", Single, None, 2},
	{"xinfo stream k", Single, None, 2},
	{"xgroup create k g $", Single, None, 2},
	{"xadd k * f v", Single, None, 1},
	{"restore k 0 x", Single, None, 1},

	{"mget a b", Split, GatherArray, 0},
	{"mset a 1 b 2", Split, AllOK, 0},
	{"del a b", Split, Sum, 0},
	{"del a", Split, Sum, 0},
	{"unlink a", Split, Sum, 0},
	{"exists a a", Split, Sum, 0},
	{"touch a", Split, Sum, 0},

	{"msetnx a 1 b 2", Single, None, 0},
	{"rename a b", Single, None, 0},
	{"sinterstore d a b", Single, None, 0},
	{"zunionstore d 2 a b", Single, None, 0},
	{"lmove a b left right", Single, None, 0},
	{"copy a b", Single, None, 0},
	{"copy a b replace", Single, None, 0},
	{"copy a b db 1", Single, None, 0},
	{"copy db db", Single, None, 0},
	{"sort k", Single, None, 0},
	{"sort k by nosort get # store d", Single, None, 0},
	{"sort k limit 0 10 by w_*", Refused, None, 0},
	{"sort k get # get o_*->f", Refused, None, 0},
	{"sort k store w_*", Single, None, 0},
	{"sort_ro k by w_*", Refused, None, 0},
	{"eval s 0", Single, None, 0},
	{"evalsha_ro s 1 k", Single, None, 0},
	{"fcall f 1 k", Single, None, 0},
	{"xread streams a 0", Single, None, 0},
	{"xread streams block 0", Single, None, 0},
	{"xread count 1 BLOCK 0 streams a 0", Own, None, 0},
	{"xreadgroup group g c streams a >", Single, None, 0},
	{"xreadgroup group block c streams a >", Single, None, 0},
	{"xreadgroup group g c block 0 streams a >", Own, None, 0},

	{"dbsize", All, Sum, 0},
	{"flushall async", All, AllOK, 0},
	{"keys *", All, Concat, 0},
	{"scan 0", All, Scan, 0},
	{"info", All, InfoText, 0},
	{"script load x", All, First, 0},
	{"script exists x y", All, AndArray, 0},
	{"script flush", All, AllOK, 0},

	{"ping", Local, None, 0},
	{"hello 3", Local, None, 0},
	{"client setinfo lib-name x", Local, None, 0},
	{"command", Local, None, 0},
	{"command count", Local, None, 0},
	{"command help", Single, None, 0},
	{"config get save", All, Settings, 0},
	{"config set save x", All, AllOK, 0},
	{"client reply off", Local, None, 0},
	{"client list", Local, None, 0},
	{"client help", Single, None, 0},

	{"multi", Own, None, 0},
	{"watch k", Own, None, 0},
	{"blpop k 0", Own, None, 0},
	{"blmpop 0 1 k left", Own, None, 0},
	{"subscribe c", Own, None, 0},
	{"wait 1 0", Own, Min, 0},
	{"spublish c m", Single, None, 0},
	{"publish c m", Single, None, 0},
	{"move k 1", Single, None, 1},
	{"swapdb 0 1", All, AllOK, 0},
	{"script kill", All, AnyOK, 0},
	{"randomkey", All, RandomKey, 0},
	{"pubsub numsub a b", All, SumPairs, 0},
	{"slowlog get 10", All, Slowlog, 0},
	{"function load x", All, First, 0},
	{"latency latest", All, Concat, 0},
	{"shutdown", Refused, None, 0},
	{"debug sleep 1", Refused, None, 0},
	{"migrate h 1 k 0 1", Refused, None, 0},
	{"cluster nodes", Refused, None, 0},
	{"acl list", Local, None, 0},
	{"monitor", Refused, None, 0},
}

func TestPlans(t *testing.T) {
	for _, test := range plans {
		cmd, err := Builtin().Resolve(Strings(strings.Fields(test.line)))
		if err != nil {
			t.Errorf("%s: %v", test.line, err)
			continue
		}
		if cmd.Route != test.route || cmd.Merge != test.merge || cmd.KeyPos != test.keyPos {
			t.Errorf("%s: %v, %v, key at %d; want %v, %v, %d",
				test.line, cmd.Route, cmd.Merge, cmd.KeyPos, test.route, test.merge, test.keyPos)
		}
		if reason := cmd.Reason(); (reason != "") != (cmd.Route == Refused || cmd.Route == Own) {
			t.Errorf("%s: %v with the reason %q", test.line, cmd.Route, reason)
		}
	}
}

// TestNoCommandWithOneKeyIsForgotten goes by COMMAND's old fields, which the
// routes do not use.
func TestNoCommandWithOneKeyIsForgotten(t *testing.T) {
	elsewhere := map[string]bool{"spublish": true} // its key is a channel
	refused := map[string]bool{"restore-asking": true, "pfdebug": true}
	for cmd := range Builtin().All() {
		oneKey := cmd.FirstKey > 0 && cmd.LastKey == cmd.FirstKey && cmd.Flags&MovableKeys == 0 && len(cmd.Specs) == 1
		switch {
		case oneKey && refused[cmd.Name]:
			if cmd.Route != Refused {
				t.Errorf("%s: %v, want refused", cmd.Name, cmd.Route)
			}
		case oneKey && !elsewhere[cmd.Name] && (cmd.Route != Single || cmd.KeyPos != cmd.FirstKey):
			t.Errorf("%s: %v, key at %d; want single, %d", cmd.Name, cmd.Route, cmd.KeyPos, cmd.FirstKey)
		case !oneKey && cmd.KeyPos != 0:
			t.Errorf("%s: key at %d, and it is not always there", cmd.Name, cmd.KeyPos)
		}
	}
}

func TestRowsAreOfCommands(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range overrides {
		if Builtin().Named(row.name) == nil {
			t.Errorf("row %q: no such command", row.name)
		}
		if seen[row.name] {
			t.Errorf("row %q: twice", row.name)
		}
		seen[row.name] = true
		if row.why == "" || row.then != nil && row.then.why == "" {
			t.Errorf("row %q: no reason", row.name)
		}
		if (row.when == nil) != (row.then == nil) {
			t.Errorf("row %q: when and then belong together", row.name)
		}
	}
}

func TestMergesFitRoutes(t *testing.T) {
	for cmd := range Builtin().All() {
		if merges := cmd.Route == Split || cmd.Route == All || cmd.Name == "wait"; merges != (cmd.Merge != None) {
			t.Errorf("%s: %v with merge %v", cmd.Name, cmd.Route, cmd.Merge)
		}
		wantStep := 1
		if cmd.Name == "mset" {
			wantStep = 2
		}
		if cmd.Route == Split && cmd.Step() != wantStep {
			t.Errorf("%s: step %d, want %d", cmd.Name, cmd.Step(), wantStep)
		}
	}
}

func TestReadmeHasTheRoutes(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `([a-z -]+)` \\| (split|all|own|local) \\| ([a-z ]*) ?\\|$")
	got := map[string]string{}
	for _, m := range row.FindAllStringSubmatch(string(readme), -1) {
		got[m[1]] = strings.TrimSpace(m[2] + " " + m[3])
	}
	want := map[string]string{}
	for _, row := range overrides {
		if row.route == Single || row.route == Refused {
			continue
		}
		merge := ""
		if row.merge != None {
			merge = " " + row.merge.String()
		}
		want[strings.ReplaceAll(row.name, "|", " ")] = row.route.String() + merge
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] != want[name] {
			t.Errorf("README.md says of %s %q, the table %q", name, got[name], want[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if want[name] == "" {
			t.Errorf("README.md says of %s %q, the table nothing", name, got[name])
		}
	}
}

func TestStandIns(t *testing.T) {
	const sha = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db" // of "return 1"
	for _, test := range []struct {
		request Strings
		want    string
	}{
		{Strings{"EVAL", "return 1", "0"}, sha},
		{Strings{"eval_ro", "return 1", "0"}, sha},
		{Strings{"EVALSHA", sha, "0"}, sha},
		{Strings{"EVALSHA", strings.ToUpper(sha), "0"}, sha},
		{Strings{"FCALL", "MyFunc", "0"}, "myfunc"},
		{Strings{"XREAD", "COUNT", "x", "y"}, "xread"},
		{Strings{"OBJECT", "HELP"}, "object|help"},
	} {
		cmd, err := Builtin().Resolve(test.request)
		if err != nil {
			t.Fatal(err)
		}
		if keys, err := cmd.Keys(nil, test.request); len(keys) > 0 || err != nil {
			t.Errorf("%v: keys %v, %v; want none", test.request, keys, err)
		}
		if got := string(cmd.StandIn(nil, test.request)); got != test.want {
			t.Errorf("%v: %q stands in, want %q", test.request, got, test.want)
		}
	}
}

func TestHotPathAllocatesNothing(t *testing.T) {
	table := Builtin()
	keys := make([]int, 0, 16)
	for _, line := range []string{"GET k", "MGET a b c", "OBJECT ENCODING k", "EVAL s 1 k", "XREAD STREAMS a 0", "SORT k STORE d", "XREAD BLOCK 0 STREAMS a 0"} {
		request := words(strings.Fields(line)...)
		if n := testing.AllocsPerRun(100, func() {
			cmd, err := table.Resolve(&request)
			if err != nil {
				t.Fatal(err)
			}
			if keys, err = cmd.Keys(keys[:0], &request); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations, want 0", line, n)
		}
	}
}
