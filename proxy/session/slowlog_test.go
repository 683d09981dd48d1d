package session

import "testing"

// Logs whose entries' times differ by a second, or say nothing.
func TestSlowlogOrder(t *testing.T) {
	entry := func(name string, at int64, all bool) logged {
		return logged{at: at, argv: name, all: all, text: []byte(name)}
	}
	for _, c := range []struct {
		name string
		logs [][]logged
		want int
	}{
		{"nothing", [][]logged{nil, nil}, -1},
		{"the newest", [][]logged{{entry("a", 5, false)}, {entry("b", 7, true)}}, 1},
		{"of one second, not what went to all", [][]logged{{entry("a", 5, true)}, nil, {entry("b", 5, false)}}, 2},
		{"of one second, the first", [][]logged{{entry("a", 5, false)}, {entry("b", 5, false)}}, 0},
	} {
		if got := newest(c.logs); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
