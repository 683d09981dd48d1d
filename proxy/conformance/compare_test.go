package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestCompare puts outputs beside each other that reached different tests.
func TestCompare(t *testing.T) {
	tests := []struct {
		name          string
		direct, proxy output
		want          string // test#n direct/proxy, and why it is missing
	}{
		{
			"both", output{outcomes: []outcome{{"a", passed, ""}, {"b", failed, "x"}}},
			output{outcomes: []outcome{{"a", failed, "no"}, {"b", passed, ""}}},
			"a#1 passed/failed no; b#1 failed/passed",
		},
		{
			"tests of one name", output{outcomes: []outcome{{"a", passed, ""}, {"a", passed, ""}}},
			output{outcomes: []outcome{{"a", passed, ""}, {"a", failed, "no"}}},
			"a#1 passed/passed; a#2 passed/failed no",
		},
		{
			"two blocks broken off", output{outcomes: []outcome{{"a", passed, ""}, {"b", passed, ""}, {"c", passed, ""}, {"d", passed, ""}}},
			output{outcomes: []outcome{{"b", passed, ""}}, breaks: []breakage{{0, "first\nstack"}, {1, "second"}}},
			"a#1 passed/missing not reached: first; b#1 passed/passed; c#1 passed/missing not reached: second; d#1 passed/missing not reached: second",
		},
		{
			"given up", output{outcomes: []outcome{{"a", passed, ""}, {"b", passed, ""}, {"c", skipped, ""}}},
			output{outcomes: []outcome{{"a", stalled, ""}}, hung: "a"},
			"a#1 passed/stalled; b#1 passed/missing not reached: the unit stalled in a; c#1 skipped/skipped",
		},
		{
			"the direct run broke off", output{outcomes: []outcome{{"a", passed, ""}}},
			output{outcomes: []outcome{{"a", passed, ""}, {"b", passed, ""}}},
			"a#1 passed/passed; b#1 missing/passed",
		},
	}
	for _, test := range tests {
		var have []string
		for _, r := range compare("unit/x", test.direct, test.proxy).results {
			why := strings.TrimPrefix(r.Error, "not reached\n")
			if r.Direct == skipped {
				why = ""
			}
			have = append(have, strings.TrimSpace(fmt.Sprintf("%s#%d %v/%v %s", r.Test, r.Nth, r.Direct, r.Proxy, why)))
		}
		if have := strings.Join(have, "; "); have != test.want {
			t.Errorf("%s:\nhave %s\nwant %s", test.name, have, test.want)
		}
	}
}

// TestJudge: which lists a report accepts.
func TestJudge(t *testing.T) {
	unit := compare("unit/x",
		output{outcomes: []outcome{{"holds", passed, ""}, {"lost", passed, ""}, {"twice", passed, ""}, {"twice", passed, ""}, {"broken", failed, ""}}},
		output{outcomes: []outcome{{"holds", passed, ""}, {"lost", failed, "no"}, {"twice", passed, ""}, {"twice", failed, "no"}, {"broken", failed, ""}}})
	list := func(mode string, tests ...string) []entry {
		var l []entry
		for i, test := range tests {
			l = append(l, entry{mode, "unit/x", test, i + 1})
		}
		return l
	}
	tests := []struct {
		name string
		list []entry
		want string // in the verdict; empty: accepted
	}{
		{"no list", nil, "2 tests are lost"},
		{"half a list", list("both", "lost"), "1 tests are lost"},
		{"the whole list", list("sharded", "lost", "twice"), ""},
		{"a list for the other mode", list("single", "lost", "twice"), "2 tests are lost"},
		{"one that holds", list("sharded", "lost", "twice", "holds"), "1 wrong entries"},
		{"one that is not there", list("sharded", "lost", "twice", "unheard of"), "1 wrong entries"},
		{"one that fails directly", list("sharded", "lost", "twice", "broken"), "1 wrong entries"},
		{"a unit that was not run", append(list("sharded", "lost", "twice"), entry{"both", "unit/y", "holds", 9}), ""},
	}
	for _, test := range tests {
		u := unit
		u.results = slices.Clone(unit.results)
		u.judge(modes[0], test.list)
		r := report{mode: modes[0]}
		r.add(u)
		err := verdict([]report{r})
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}
