package main

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseList(t *testing.T) {
	const head = "# Title\n\n| a | table |\n|---|---|\n| before | it |\n\n| mode | unit | test | reason |\n|---|:--|--|---|\n"
	tests := []struct {
		name, text string
		want       []entry
		problem    string
	}{
		{"empty", head, nil, ""},
		{
			"rows", head + "| sharded | unit/keyspace | RANDOMKEY | why |\n|both|unit/sort|`SORT a\\|b`|why|\n\nText | with a bar.\n",
			[]entry{{"sharded", "unit/keyspace", "RANDOMKEY", 9}, {"both", "unit/sort", "SORT a|b", 10}}, "",
		},
		{"no table", "nothing", nil, "no table"},
		{"no reason", head + "| single | unit/sort | SORT | |\n", nil, "line 9: want"},
		{"a cell too many", head + "| single | unit/sort | SORT a|b | why |\n", nil, "line 9: want"},
		{"another mode", head + "| cluster | unit/sort | SORT | why |\n", nil, `line 9: mode "cluster"`},
	}
	for _, test := range tests {
		have, err := parseList(test.text)
		switch {
		case test.problem == "" && err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.problem != "" && (err == nil || !strings.Contains(err.Error(), test.problem)):
			t.Errorf("%s: %v, want %q", test.name, err, test.problem)
		case !reflect.DeepEqual(have, test.want):
			t.Errorf("%s: have %+v, want %+v", test.name, have, test.want)
		}
	}
}

// TestListOfTheRepository: the file that make conformance reads.
func TestListOfTheRepository(t *testing.T) {
	if _, err := readList("../CONFORMANCE.md"); err != nil {
		t.Error(err)
	}
}
