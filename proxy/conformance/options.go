package main

import (
	"flag"
	"fmt"
	"io"
	"regexp"
	"slices"
)

// options are the command line.
type options struct {
	unit    *regexp.Regexp
	modes   []mode
	verbose bool
	out     string
}

func parseOptions(args []string, usage io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("conformance", flag.ContinueOnError)
	flags.SetOutput(usage)
	var unit, which string
	flags.StringVar(&unit, "unit", "", "only the units of the suite whose name matches this regular `expression`, as 'type/(list|set)$'")
	flags.StringVar(&which, "mode", "both", "sharded: four servers; single: a pool of one server, with SELECT; or both")
	flags.BoolVar(&o.verbose, "verbose", false, "print whole errors, with the suite's stack")
	flags.StringVar(&o.out, "out", "", "also write every test with its results to this `file`, one JSON object a line")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	var err error
	if o.unit, err = regexp.Compile(unit); err != nil {
		return o, fmt.Errorf("--unit: %w", err)
	}
	for _, m := range modes {
		if which == m.name || which == "both" {
			o.modes = append(o.modes, m)
		}
	}
	if o.modes == nil {
		return o, fmt.Errorf("--mode %q: want sharded, single or both", which)
	}
	return o, nil
}

// choose returns the units that --unit asks for.
func (o options) choose(units []string) []string {
	return slices.DeleteFunc(slices.Clone(units), func(u string) bool { return !o.unit.MatchString(u) })
}
