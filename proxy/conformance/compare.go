package main

import (
	"fmt"
	"strings"
	"time"
)

// result is one test as both targets did it.
type result struct {
	Mode   string `json:"mode"`
	Unit   string `json:"unit"`
	Test   string `json:"test"`
	Nth    int    `json:"nth"` // a unit may have several tests of one name
	Direct status `json:"direct"`
	Proxy  status `json:"proxy"`
	Listed bool   `json:"listed"` // in CONFORMANCE.md
	Error  string `json:"error,omitempty"`
}

// lost reports whether a client of the proxy misses what this test holds.
func (r result) lost() bool { return r.Direct == passed && r.Proxy != passed }

// tally counts what became of the tests at one target.
type tally struct {
	passed, failed, skipped int
	took                    time.Duration
}

func (t *tally) count(s status) {
	switch s {
	case passed:
		t.passed++
	case skipped:
		t.skipped++
	default:
		t.failed++
	}
}

func (t *tally) add(o tally) {
	t.passed += o.passed
	t.failed += o.failed
	t.skipped += o.skipped
}

// unitResult is one unit as both targets did it.
type unitResult struct {
	mode, unit    string
	results       []result
	direct, proxy tally
	notes         []string // where it broke off
	stale         []string // what is wrong with the list
}

// nth names a test among those of the same name in its unit.
type nth struct {
	test string
	n    int
}

func numbered(outcomes []outcome) []nth {
	seen := map[string]int{}
	keys := make([]nth, len(outcomes))
	for i, o := range outcomes {
		seen[o.test]++
		keys[i] = nth{o.test, seen[o.test]}
	}
	return keys
}

// compare puts the two runs of a unit beside each other. A test that one of
// them did not reach is missing there.
func compare(unit string, direct, proxy output) unitResult {
	u := unitResult{unit: unit}
	u.direct.skipped, u.proxy.skipped = direct.skipped, proxy.skipped
	through := map[nth]int{}
	for i, key := range numbered(proxy.outcomes) {
		through[key] = i
	}
	reached := 0 // so many of the proxy's outcomes
	for i, key := range numbered(direct.outcomes) {
		p := outcome{detail: proxy.whyMissing(reached)}
		if j, ok := through[key]; ok {
			p, reached = proxy.outcomes[j], j+1
		}
		delete(through, key)
		u.add(key, direct.outcomes[i].status, p)
	}
	for i, key := range numbered(proxy.outcomes) {
		if _, ok := through[key]; ok { // the direct run did not reach it
			u.add(key, missing, proxy.outcomes[i])
		}
	}
	u.note(directTarget, direct)
	u.note(proxyTarget, proxy)
	return u
}

func (u *unitResult) note(t target, o output) {
	for _, b := range o.breaks {
		u.notes = append(u.notes, fmt.Sprintf("%v: an error outside a test: %s", t, b.text))
	}
}

func (u *unitResult) add(key nth, direct status, proxy outcome) {
	if direct == skipped && proxy.status == missing {
		proxy.status = skipped // as it would have been
	}
	u.direct.count(direct)
	u.proxy.count(proxy.status)
	u.results = append(u.results, result{
		Unit: u.unit, Test: key.test, Nth: key.n, Direct: direct, Proxy: proxy.status, Error: proxy.detail,
	})
}

// whyMissing says why a test is missing that would come after so many outcomes.
func (o *output) whyMissing(after int) string {
	for _, b := range o.breaks {
		if b.after >= after {
			return "not reached: " + firstLine(b.text)
		}
	}
	if o.hung != "" {
		return "not reached: the unit stalled in " + o.hung
	}
	return "not reached"
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	const most = 600 // a line of CLIENT LIST beside the pattern it should match
	if len(line) > most {
		line = strings.ToValidUTF8(line[:most], "") + " …"
	}
	return line
}
