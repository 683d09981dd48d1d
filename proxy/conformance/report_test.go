package main

import (
	"io"
	"strings"
	"testing"
)

// TestPrinter holds what a reader sees.
func TestPrinter(t *testing.T) {
	u := compare("unit/type/list",
		output{outcomes: []outcome{{"LPOS basic usage", passed, ""}, {"BLPOP", passed, ""}, {"SORT", passed, ""}, {"LLEN", passed, ""}, {"LREM", passed, ""}}, skipped: 1},
		output{outcomes: []outcome{{"LPOS basic usage", passed, ""}, {"BLPOP", failed, "ERR no\n    while executing"}},
			breaks: []breakage{{2, "NOPROTO\n    stack"}}})
	u.judge(modes[0], []entry{{"sharded", "unit/type/list", "BLPOP", 7}, {"sharded", "unit/type/list", "LPOS basic usage", 8}})
	r := report{mode: modes[0]}
	r.add(u)
	var b, results strings.Builder
	p := printer{text: &b, progress: io.Discard, results: &results}
	if err := p.unit(u); err != nil {
		t.Fatal(err)
	}
	p.table([]report{r})
	want := `sharded, unit/type/list: 4 of 5 are lost
  (proxy: an error outside a test: NOPROTO)
  BLPOP [listed]
      ERR no
  SORT: missing
      not reached: NOPROTO
  LLEN: missing
  LREM: missing
  proxy/CONFORMANCE.md:8: "LPOS basic usage" passes, take it off the list

     mode  target  passed  failed  skipped  took
  sharded  direct       5       0        1    0s
  sharded   proxy       1       4        0    0s
`
	if have := b.String(); have != want {
		t.Errorf("have\n%s\nwant\n%s", have, want)
	}
	line, _, _ := strings.Cut(results.String(), "\n")
	const first = `{"mode":"sharded","unit":"unit/type/list","test":"LPOS basic usage","nth":1,"direct":"passed","proxy":"passed","listed":true}`
	if line != first {
		t.Errorf("have %s\nwant %s", line, first)
	}
}
