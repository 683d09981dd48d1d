// Package table prints rows in aligned columns, as they come.
//
//	t := table.New(os.Stdout, "SHARD", ">SHARE")
//	t.Row("cache-1", "24.6%")
//	err := t.Flush()
//
// Columns are as wide as the widest of the first rows, which are held back
// until Flush or until there are 1,000 of them; so a table of a million rows
// starts at once and takes no memory. A Table belongs to one goroutine.
package table

import (
	"bufio"
	"io"
	"strings"
	"unicode/utf8"
)

const (
	held = 1000 // rows that are measured before the first is printed
	gap  = "  "
)

// Table is a table under way.
type Table struct {
	w      *bufio.Writer
	right  []bool
	widths []int
	rows   [][]string // nil once the widths are fixed
	fixed  bool
}

// New returns a table with these headings. A heading that begins with ">" has
// its column aligned to the right.
func New(w io.Writer, headings ...string) *Table {
	t := &Table{w: bufio.NewWriterSize(w, 64<<10), widths: make([]int, len(headings))}
	for i, h := range headings {
		name, right := strings.CutPrefix(h, ">")
		headings[i] = name
		t.right = append(t.right, right)
	}
	t.Row(headings...)
	return t
}

// Row adds a row. Missing cells are empty; there are no more than headings.
func (t *Table) Row(cells ...string) {
	if t.fixed {
		t.print(cells)
		return
	}
	for i, c := range cells {
		t.widths[i] = max(t.widths[i], utf8.RuneCountInString(c))
	}
	t.rows = append(t.rows, append([]string(nil), cells...))
	if len(t.rows) > held {
		t.fix()
	}
}

// Flush prints what was held back and returns the first error of writing.
func (t *Table) Flush() error {
	t.fix()
	return t.w.Flush()
}

func (t *Table) fix() {
	for _, r := range t.rows {
		t.print(r)
	}
	t.rows, t.fixed = nil, true
}

func (t *Table) print(cells []string) {
	var b strings.Builder
	for i, c := range cells {
		if i > 0 {
			b.WriteString(gap)
		}
		pad := strings.Repeat(" ", max(0, t.widths[i]-utf8.RuneCountInString(c)))
		if t.right[i] {
			b.WriteString(pad + c)
		} else {
			b.WriteString(c + pad)
		}
	}
	t.w.WriteString(strings.TrimRight(b.String(), " "))
	t.w.WriteByte('\n')
}
