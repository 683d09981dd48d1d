package migrate

import (
	"fmt"
)

// Verdict is what became of a check.
type Verdict uint8

const (
	OK     Verdict = iota
	Warn           // worth knowing, and no reason not to move
	Refuse         // there is no move before this has changed
)

func (v Verdict) String() string {
	switch v {
	case OK:
		return "ok"
	case Warn:
		return "warning"
	case Refuse:
		return "refused"
	}
	return fmt.Sprintf("Verdict(%d)", uint8(v))
}

// Check is one line of what preflight found.
type Check struct {
	Name    string
	Verdict Verdict
	Found   string // and what to do, unless Verdict is OK
}

// Report is what preflight found. Nothing was changed for it.
type Report struct {
	Header
	Checks []Check
}

// Refused returns the first reason not to move, nil if there is none.
func (r *Report) Refused() error {
	for _, c := range r.Checks {
		if c.Verdict == Refuse {
			return fmt.Errorf("preflight: %s: %s", c.Name, c.Found)
		}
	}
	return nil
}

func (r *Report) add(name string, v Verdict, format string, args ...any) {
	r.Checks = append(r.Checks, Check{name, v, fmt.Sprintf(format, args...)})
}
