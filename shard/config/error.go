package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// An Error is one problem of a configuration file, at its place in the file.
type Error struct {
	File       string
	Line       int    // from 1
	Column     int    // from 1, in characters; a tab is one
	Msg        string // what is wrong and what is allowed; never holds a secret
	Suggestion string // the known word nearest to the one in the file, "" when none is near

	source string // the line itself, secrets masked
}

// Error returns "file:line:column: message", the form editors jump to.
func (e *Error) Error() string {
	s := fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Msg)
	if e.Suggestion != "" {
		s += fmt.Sprintf(", did you mean %q?", e.Suggestion)
	}
	return s
}

// Pretty returns Error's line, then the line of the file and a caret below the
// column, for a terminal:
//
//	proxy.yml:4:3: unknown key "distribtion" in pool "cache", did you mean "distribution"?
//	    4 |   distribtion: murmur3
//	      |   ^
//
// What follows redis_auth:, server_auth: or password: in that line is masked.
func (e *Error) Pretty() string {
	const gutter = 5
	// One column for a tab and for everything unprintable, so that the caret
	// stands below its character and the file cannot steer the terminal.
	source := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, e.source)
	return fmt.Sprintf("%s\n%*d | %s\n%*s | %s^\n",
		e.Error(), gutter, e.Line, source, gutter, "", strings.Repeat(" ", e.Column-1))
}

// Errors are all problems of one file in the order of their places. It is what
// [Parse] and [Load] return for a file they can read but do not accept.
type Errors []*Error

// Error returns one line for each problem.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Pretty returns each problem as [Error.Pretty] does.
func (e Errors) Pretty() string {
	var b strings.Builder
	for _, one := range e {
		b.WriteString(one.Pretty())
	}
	return b.String()
}

// Unwrap lets errors.As find the first [*Error].
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i, one := range e {
		all[i] = one
	}
	return all
}

// position is a place in the file, both numbers from 1.
type position struct{ line, column int }

// problems collects what is wrong with one file, so that a reader goes on
// after the first mistake.
type problems struct {
	file   string
	source []string    // the lines of the file
	masks  map[int]int // line to the column from which it holds a secret
	found  []*Error    // in the order of discovery
}

func newProblems(file, text string) *problems {
	p := &problems{
		file:   file,
		source: strings.Split(text, "\n"),
		masks:  map[int]int{},
	}
	// A file that is not even YAML has no nodes to ask for their secrets, so
	// the lines themselves say where one begins.
	for i, line := range p.source {
		for _, key := range [...]string{authKey, serverAuthKey, passwordKey} {
			if _, rest, ok := strings.Cut(line, key); ok {
				rest = strings.TrimLeft(rest, `"': `)
				p.mask(position{i + 1, len([]rune(line)) - len([]rune(rest)) + 1})
			}
		}
	}
	return p
}

// add records a problem at pos. A position outside the file is moved to its
// nearest line and column.
func (p *problems) add(pos position, format string, args ...any) *Error {
	pos.line = min(max(pos.line, 1), len(p.source))
	line := []rune(p.source[pos.line-1])
	pos.column = min(max(pos.column, 1), len(line)+1)
	e := &Error{File: p.file, Line: pos.line, Column: pos.column, Msg: fmt.Sprintf(format, args...)}
	p.found = append(p.found, e)
	return e
}

// mask hides the rest of a line, from pos on, in what Pretty prints.
func (p *problems) mask(pos position) {
	if from, ok := p.masks[pos.line]; !ok || pos.column < from {
		p.masks[pos.line] = pos.column
	}
}

// err returns everything found, sorted, or nil.
func (p *problems) err() error {
	if len(p.found) == 0 {
		return nil
	}
	for _, e := range p.found {
		line := []rune(p.source[e.Line-1])
		if from, ok := p.masks[e.Line]; ok {
			for i := from - 1; i < len(line); i++ {
				line[i] = '*'
			}
		}
		e.source = string(line)
	}
	slices.SortStableFunc(p.found, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return Errors(p.found)
}
