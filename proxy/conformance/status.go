package main

import "fmt"

// status is what became of a test.
type status uint8

const (
	missing status = iota // not reached: the unit broke off before it
	passed
	failed
	stalled // nothing happened any more
	skipped // by its tags
)

func (s status) String() string {
	switch s {
	case missing:
		return "missing"
	case passed:
		return "passed"
	case failed:
		return "failed"
	case stalled:
		return "stalled"
	case skipped:
		return "skipped"
	}
	return fmt.Sprintf("status(%d)", uint8(s))
}

// MarshalText is for --out.
func (s status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
