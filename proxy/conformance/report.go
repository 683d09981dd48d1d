package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// printer writes what is found, each unit as soon as it has run.
type printer struct {
	text     io.Writer // what is lost
	progress io.Writer // a line a unit
	results  io.Writer // every test as JSON; nil: nowhere
	verbose  bool
}

func (p printer) unit(u unitResult) error {
	fmt.Fprintf(p.progress, "%s, %s: direct %d passed, %d failed; proxy %d passed, %d failed\n",
		u.mode, u.unit, u.direct.passed, u.direct.failed, u.proxy.passed, u.proxy.failed)
	p.lost(u)
	if p.results == nil {
		return nil
	}
	enc := json.NewEncoder(p.results)
	enc.SetEscapeHTML(false)
	for _, res := range u.results {
		if err := enc.Encode(res); err != nil {
			return err
		}
	}
	return nil
}

// lost prints every test of a unit that passes directly and not through the
// proxy.
func (p printer) lost(u unitResult) {
	lost := slices.DeleteFunc(slices.Clone(u.results), func(res result) bool { return !res.lost() })
	if len(lost)+len(u.notes)+len(u.stale) == 0 {
		return
	}
	fmt.Fprintf(p.text, "%s, %s: %d of %d are lost\n", u.mode, u.unit, len(lost), u.direct.passed)
	for _, note := range u.notes {
		fmt.Fprintf(p.text, "  (%s)\n", p.brief(note))
	}
	last := ""
	for _, res := range lost {
		fmt.Fprintf(p.text, "  %s\n", res.heading())
		if res.Error != last && res.Error != "" { // one crash loses many
			fmt.Fprintf(p.text, "      %s\n", p.brief(res.Error))
		}
		last = res.Error
	}
	for _, text := range u.stale {
		fmt.Fprintf(p.text, "  %s\n", text)
	}
	fmt.Fprintln(p.text)
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
func (p printer) brief(text string) string {
	if !p.verbose {
		return firstLine(text)
	}
	return strings.ReplaceAll(text, "\n", "\n      ")
}

// table puts the figures beside each other.
func (p printer) table(reports []report) {
	t := tabwriter.NewWriter(p.text, 0, 0, 2, ' ', tabwriter.AlignRight)
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
