package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// entry is a row of CONFORMANCE.md: all tests of this name in the unit.
type entry struct {
	mode, unit, test string
	line             int
}

// in reports whether the entry is about a unit in a mode.
func (e entry) in(m mode, unit string) bool {
	return e.unit == unit && (e.mode == m.name || e.mode == "both")
}

// namesOf returns the tests that are listed for a unit.
func namesOf(list []entry, m mode, unit string) []string {
	var names []string
	for _, e := range list {
		if e.in(m, unit) {
			names = append(names, e.test)
		}
	}
	return names
}

// readList reads the tests that cannot hold from the table of a markdown file.
func readList(path string) ([]entry, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	list, err := parseList(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

var listHeader = []string{"mode", "unit", "test", "reason"}

// parseList reads the rows below the header | mode | unit | test | reason |.
// A | in a cell is written \|, and a test may stand in backticks.
func parseList(text string) ([]entry, error) {
	var list []entry
	found := false
	for i, line := range strings.Split(text, "\n") {
		cells := tableCells(line)
		switch {
		case cells == nil:
			continue
		case slices.Equal(cells, listHeader):
			found = true
			continue
		case strings.Trim(strings.Join(cells, ""), "-:") == "": // the rule below the header
			continue
		case !found:
			continue // another table
		}
		if len(cells) != len(listHeader) || slices.Contains(cells, "") {
			return nil, fmt.Errorf("line %d: want | mode | unit | test | reason |, all filled in", i+1)
		}
		e := entry{mode: cells[0], unit: cells[1], test: strings.Trim(cells[2], "`"), line: i + 1}
		if e.mode != "both" && !slices.ContainsFunc(modes, func(m mode) bool { return m.name == e.mode }) {
			return nil, fmt.Errorf("line %d: mode %q: want sharded, single or both", i+1, e.mode)
		}
		list = append(list, e)
	}
	if !found {
		return nil, errors.New("no table | mode | unit | test | reason |")
	}
	return list, nil
}

// tableCells splits a row of a table; nil if the line is none.
func tableCells(line string) []string {
	line, row := strings.CutPrefix(strings.TrimSpace(line), "|")
	line, closed := strings.CutSuffix(line, "|")
	if !row || !closed {
		return nil
	}
	const bar = "\x00"
	cells := strings.Split(strings.ReplaceAll(line, `\|`, bar), "|")
	for i, c := range cells {
		cells[i] = strings.TrimSpace(strings.ReplaceAll(c, bar, "|"))
	}
	return cells
}
