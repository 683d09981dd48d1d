package main

import (
	"fmt"
	"strings"
)

// judge holds the results of a unit against the list: it marks what is listed,
// and finds the entries that hold no longer or name no test.
func (u *unitResult) judge(m mode, list []entry) {
	u.mode = m.name
	for i := range u.results {
		u.results[i].Mode = m.name
	}
	for _, e := range list {
		if !e.in(m, u.unit) {
			continue
		}
		found, lost := false, false
		for i, res := range u.results {
			if res.Test == e.test {
				u.results[i].Listed = true
				found, lost = true, lost || res.lost()
			}
		}
		switch {
		case !found:
			u.stale = append(u.stale, fmt.Sprintf("%s:%d: there is no test %q", listPath, e.line, e.test))
		case !lost:
			u.stale = append(u.stale, fmt.Sprintf("%s:%d: %q passes, take it off the list", listPath, e.line, e.test))
		}
	}
}

// report is one mode as a whole.
type report struct {
	mode             mode
	direct, proxy    tally
	listed, unlisted int // tests that pass directly and not through the proxy
	stale            int // wrong entries of the list
}

func (r *report) add(u unitResult) {
	r.direct.add(u.direct)
	r.proxy.add(u.proxy)
	r.stale += len(u.stale)
	for _, res := range u.results {
		switch {
		case res.lost() && res.Listed:
			r.listed++
		case res.lost():
			r.unlisted++
		}
	}
}

// verdict is an error unless the tests that are lost are those of the list.
func verdict(reports []report) error {
	var wrong []string
	for _, r := range reports {
		if r.unlisted > 0 {
			wrong = append(wrong, fmt.Sprintf("%s: %d tests are lost that %s does not list (and %d that it does)",
				r.mode.name, r.unlisted, listPath, r.listed))
		}
		if r.stale > 0 {
			wrong = append(wrong, fmt.Sprintf("%s: %d wrong entries in %s", r.mode.name, r.stale, listPath))
		}
	}
	if wrong == nil {
		return nil
	}
	return fmt.Errorf("%s", strings.Join(wrong, "; "))
}
