package main

import (
	"regexp"
	"slices"
	"strings"
)

// outcome is what runtest says of one test.
type outcome struct {
	test   string
	status status
	detail string // the error, with the suite's stack if it was not an assertion
}

// output is what runtest says of one unit.
type output struct {
	outcomes []outcome // in the order of the tests
	skipped  int       // blocks of tests left out as a whole, which have no names here
	breaks   []breakage
	hung     string // the test in which the unit stopped
	done     bool   // the unit came to its end
}

// breakage is an error outside a test. It ends the block of tests around it,
// or the unit.
type breakage struct {
	after int // so many outcomes
	text  string
}

var (
	// A line that begins a message; what follows it belongs to it.
	statusLine = regexp.MustCompile(`^\[(ok|err|exception|skip|ignore|ready|TIMEOUT|[0-9]+/[0-9]+ done)\]: (.*)$`)

	tookMS      = regexp.MustCompile(` \([0-9]+ ms\)$`)
	testAndFile = regexp.MustCompile(`^(.*) in tests/\S+\.tcl$`)
	whyIgnored  = regexp.MustCompile(`^(?:(.*): )?(?:Tag: .*|Not supported .*|large memory flag not provided)$`)
	inProgress  = regexp.MustCompile(`^\S+ => \(IN PROGRESS\) (.*)$`)
)

// parseOutput reads what runtest printed, to its end or to where it was killed:
// a last line that is not whole says nothing.
func parseOutput(text string) output {
	var out output
	text = text[:strings.LastIndexByte(text, '\n')+1]
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines) && strings.TrimSpace(lines[i]) != "The End"; {
		m := statusLine.FindStringSubmatch(lines[i])
		i++
		if m == nil {
			continue
		}
		begin := i
		for i < len(lines) && !endsMessage(lines[i]) {
			i++
		}
		out.message(m[1], m[2], lines[begin:i])
	}
	return out
}

func endsMessage(line string) bool {
	return statusLine.MatchString(line) || strings.TrimSpace(line) == "The End" || strings.HasPrefix(line, "Testing ")
}

// message takes one message: its kind, its first line and those that follow.
func (o *output) message(kind, first string, rest []string) {
	switch kind {
	default:
		o.done = o.done || strings.HasSuffix(kind, " done")
	case "ok":
		o.add(tookMS.ReplaceAllString(first, ""), passed, "")
	case "skip":
		o.add(first, skipped, "")
	case "ignore":
		if m := whyIgnored.FindStringSubmatch(first); m != nil && m[1] != "" {
			o.add(m[1], skipped, "")
		} else {
			o.skipped++
		}
	case "err":
		if m := testAndFile.FindStringSubmatch(first); m != nil {
			o.add(m[1], failed, errorText(rest))
		} else {
			o.broke(errorText(append([]string{first}, rest...)))
		}
	case "exception":
		o.broke(errorText(append([]string{first}, rest...)))
	case "TIMEOUT":
		for _, line := range rest {
			if m := inProgress.FindStringSubmatch(line); m != nil {
				o.hung = m[1]
			}
		}
		if o.hung == "" {
			o.broke("stalls outside a test")
		}
	}
}

func (o *output) add(test string, s status, detail string) {
	o.outcomes = append(o.outcomes, outcome{test, s, detail})
}

func (o *output) broke(text string) {
	o.breaks = append(o.breaks, breakage{len(o.outcomes), text})
}

// errorText joins the lines of an error. Of one that is no assertion the suite
// prints the text without its first ten characters, then all of it: the first
// goes.
func errorText(lines []string) string {
	if len(lines) > 1 && strings.HasSuffix(lines[1], lines[0]) {
		lines = lines[1:]
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// markHung says of the tests that were left out since they stalled before that
// they stalled, and adds the one in which the unit stopped now, if it did.
func (o *output) markHung(hung []string) {
	for i, t := range o.outcomes {
		if t.status == skipped && slices.Contains(hung, t.test) {
			o.outcomes[i].status = stalled
		}
	}
	if o.hung != "" {
		o.add(o.hung, stalled, "")
	}
}

// take replaces the outcomes of the named tests by those of another run.
func (o *output) take(names []string, from output) {
	others := map[nth]outcome{}
	for i, key := range numbered(from.outcomes) {
		others[key] = from.outcomes[i]
	}
	for i, key := range numbered(o.outcomes) {
		if slices.Contains(names, key.test) {
			o.outcomes[i] = outcome{key.test, missing, ""}
			if other, ok := others[key]; ok {
				o.outcomes[i] = other
			}
		}
	}
}

// ended reports whether the text says how the unit ended.
func (o *output) ended() bool { return o.done || len(o.breaks) > 0 || o.hung != "" }

// ranAny reports whether any test of the unit was run.
func (o *output) ranAny() bool {
	return len(o.breaks) > 0 || slices.ContainsFunc(o.outcomes, func(t outcome) bool { return t.status != skipped })
}
