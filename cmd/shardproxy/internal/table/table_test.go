package table

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	var b strings.Builder
	tab := New(&b, "NAME", ">N", "")
	tab.Row("a", "1")
	tab.Row("naïve", "1000", "note")
	if err := tab.Flush(); err != nil {
		t.Fatal(err)
	}
	const want = "NAME      N\na         1\nnaïve  1000  note\n"
	if b.String() != want {
		t.Errorf("have\n%s\nwant\n%s", b.String(), want)
	}
}

// TestLong: rows after the first 1,000 go out as they come, none twice or
// lost, wider ones whole.
func TestLong(t *testing.T) {
	var b strings.Builder
	tab := New(&b, "NAME", "X")
	for i := range 3 * held {
		tab.Row(strings.Repeat("x", i/held*20)+fmt.Sprint(i), "end")
	}
	if err := tab.Flush(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if len(lines) != 3*held+1 {
		t.Fatalf("%d lines", len(lines))
	}
	for i, line := range lines[1:] {
		f := strings.Fields(line)
		if len(f) != 2 || strings.TrimLeft(f[0], "x") != fmt.Sprint(i) || f[1] != "end" {
			t.Fatalf("line %d is %q", i, line)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriteError(t *testing.T) {
	tab := New(full{}, "A")
	tab.Row("1")
	if err := tab.Flush(); err == nil || err.Error() != "disk full" {
		t.Errorf("have %v", err)
	}
}
