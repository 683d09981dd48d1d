package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// report is one mode as a whole.
type report struct {
	mode          mode
	units         []unitResult
	direct, proxy tally
	stale         []string // what is wrong with the list
}

func (r *report) add(u unitResult) {
	for i := range u.results {
		u.results[i].Mode = r.mode.name
	}
	r.units = append(r.units, u)
	r.direct.add(u.direct)
	r.proxy.add(u.proxy)
}

// judge holds the results against the list: it marks what is listed, and finds
// the entries that hold no longer or name no test of a unit that was run.
func (r *report) judge(list []entry) {
	for _, e := range list {
		if e.mode != r.mode.name && e.mode != "both" {
			continue
		}
		i := slices.IndexFunc(r.units, func(u unitResult) bool { return u.unit == e.unit })
		if i < 0 {
			continue // not asked for
		}
		found, lost := false, false
		for j, res := range r.units[i].results {
			if e.matches(res) {
				r.units[i].results[j].Listed = true
				found, lost = true, lost || res.lost()
			}
		}
		switch {
		case !found:
			r.stale = append(r.stale, fmt.Sprintf("%s:%d: %s has no test %q", listPath, e.line, e.unit, e.test))
		case !lost:
			r.stale = append(r.stale, fmt.Sprintf("%s:%d: %s, %q passes, take it off the list", listPath, e.line, e.unit, e.test))
		}
	}
}

// lost counts the tests that pass directly and not through the proxy.
func (r *report) lost() (listed, unlisted int) {
	for _, u := range r.units {
		for _, res := range u.results {
			switch {
			case res.lost() && res.Listed:
				listed++
			case res.lost():
				unlisted++
			}
		}
	}
	return listed, unlisted
}

// write prints every test that is lost, by unit.
func (r *report) write(w io.Writer, verbose bool) {
	for _, u := range r.units {
		lost := slices.DeleteFunc(slices.Clone(u.results), func(res result) bool { return !res.lost() })
		if len(lost) == 0 && len(u.notes) == 0 {
			continue
		}
		fmt.Fprintf(w, "%s, %s: %d of %d are lost\n", r.mode.name, u.unit, len(lost), u.direct.passed)
		for _, note := range u.notes {
			fmt.Fprintf(w, "  (%s)\n", brief(note, verbose))
		}
		last := ""
		for _, res := range lost {
			fmt.Fprintf(w, "  %s\n", res.heading())
			if res.Error != last && res.Error != "" { // one crash loses many
				fmt.Fprintf(w, "      %s\n", brief(res.Error, verbose))
			}
			last = res.Error
		}
		fmt.Fprintln(w)
	}
	for _, text := range r.stale {
		fmt.Fprintln(w, text)
	}
}

func (r result) heading() string {
	text := r.Test
	if r.Nth > 1 {
		text += fmt.Sprintf(" (#%d)", r.Nth)
	}
	if r.Proxy != failed {
		text += ": " + r.Proxy.String()
	}
	if r.Listed {
		text += " [listed]"
	}
	return text
}

// brief is an error's first line, or all of them, indented.
func brief(text string, verbose bool) string {
	if !verbose {
		return firstLine(text)
	}
	return strings.ReplaceAll(text, "\n", "\n      ")
}

// writeTable puts the figures beside each other.
func writeTable(w io.Writer, reports []report) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "mode\ttarget\tpassed\tfailed\tskipped\ttook\t")
	for _, r := range reports {
		for _, row := range []struct {
			target target
			tally  tally
		}{{directTarget, r.direct}, {proxyTarget, r.proxy}} {
			fmt.Fprintf(t, "%s\t%v\t%d\t%d\t%d\t%v\t\n", r.mode.name, row.target,
				row.tally.passed, row.tally.failed, row.tally.skipped, row.tally.took.Round(time.Second))
		}
	}
	_ = t.Flush()
}

// writeResults writes every test to the file, if one is named.
func writeResults(file string, reports []report) error {
	if file == "" {
		return nil
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, r := range reports {
		for _, u := range r.units {
			for _, res := range u.results {
				if err := enc.Encode(res); err != nil {
					return err
				}
			}
		}
	}
	return os.WriteFile(file, []byte(b.String()), 0o644)
}

// verdict is an error unless the tests that are lost are those of the list.
func verdict(reports []report) error {
	var wrong []string
	for _, r := range reports {
		listed, unlisted := r.lost()
		if unlisted > 0 {
			wrong = append(wrong, fmt.Sprintf("%s: %d tests are lost that %s does not list (and %d that it does)",
				r.mode.name, unlisted, listPath, listed))
		}
		if len(r.stale) > 0 {
			wrong = append(wrong, fmt.Sprintf("%s: %d wrong entries in %s", r.mode.name, len(r.stale), listPath))
		}
	}
	if wrong == nil {
		return nil
	}
	return fmt.Errorf("%s", strings.Join(wrong, "; "))
}
