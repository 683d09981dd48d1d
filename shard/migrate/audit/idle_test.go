package audit

import (
	"fmt"
	"testing"
)

// TestServersThatCloseIdle: a slow repair outlives connections that servers close as
// nothing came over them for their "timeout".
func TestServersThatCloseIdle(t *testing.T) {
	f := newFleet(t, 2)
	const n = 24
	for i := range n {
		key := fmt.Sprint("key:", i)
		f.do(f.away(key), "SET", key, i)
	}
	a := f.open(Options{Movers: 1, KeysPerSecond: 6})
	_, keys := f.find(f.open(Options{}))
	for i := range f.servers {
		f.do(i, "CONFIG", "SET", "timeout", 1)
	}
	totals, err := a.Repair(t.Context(), keys, nil)
	if err != nil || totals.Of(Moved) != n {
		t.Errorf("%+v, %v", totals, err)
	}
}
