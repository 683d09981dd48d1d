package audit

import (
	"fmt"
	"strings"
	"testing"
)

// TestSeen: the last keys are known, of each database its own; those long ago are not.
func TestSeen(t *testing.T) {
	s := newSeen(10)
	name := func(i int) []byte { return fmt.Appendf(nil, "key:%d", i) }
	for i := range 1000 {
		if s.again(0, name(i)) {
			t.Fatalf("%s is new", name(i))
		}
		for back := range min(i+1, 10) {
			if !s.again(0, name(i-back)) {
				t.Fatalf("%s was %d ago", name(i-back), back)
			}
		}
		if n := len(s.now) + len(s.before); n > 20 {
			t.Fatalf("%d remembered", n)
		}
	}
	if s.again(1, name(999)) {
		t.Error("the key of another database is another key")
	}
	if s.again(0, name(3)) {
		t.Error("a key of long ago is still known")
	}
}

// TestAll: RepairAll and DeleteAll do to what they find what Repair and Delete do, with what
// came and went since Find, in databases that had no misplaced key then too.
func TestAll(t *testing.T) {
	f := newFleet(t, 3)
	want := f.fill(3000, 1000)
	before := map[string]state{}
	for _, key := range want {
		before[key] = f.state(f.away(key), key)
	}
	var last Progress
	a := f.open(Options{Progress: func(p Progress) { last = p }})
	r, _ := f.find(a)
	f.do(f.away(want[0]), "DEL", want[0])
	f.do(f.away(want[1]), "DEL", want[1])
	late := "late"
	f.do(f.away(late), "SELECT", 5)
	f.do(f.away(late), "SET", late, "value")
	f.do(f.away(late), "SELECT", 0)
	totals, err := a.RepairAll(t.Context(), r, func(o Outcome) {
		if o.Result != Moved {
			t.Errorf("%v", o)
		}
	})
	n := int64(len(want))
	if err != nil || totals.Of(Moved) != n-1 || totals.Of(Gone) != 1 || last != (Progress{Phase: Repairing, Done: n, Total: n}) {
		t.Errorf("%+v, %v, %+v", totals, err, last)
	}
	for _, key := range want[2:] {
		if f.has(f.away(key), key) || f.state(f.ring.OwnerString(key), key) != before[key] {
			t.Fatalf("%s is not as it was, or not at home", key)
		}
	}
	for i := range f.servers {
		for _, db := range []int{5, 0} {
			f.do(i, "SELECT", db)
			if f.has(i, ClaimKey) {
				t.Errorf("%s is left in database %d of cache-%d", ClaimKey, db, i+1)
			}
		}
	}
	for i := range 500 {
		key := fmt.Sprint("wrong:", i)
		f.do(f.away(key), "SET", key, i)
	}
	if r, _ = f.find(a); r.Misplaced != 500 {
		t.Errorf("%d misplaced", r.Misplaced)
	}
	if totals, err = a.DeleteAll(t.Context(), r, nil); err != nil || totals.Of(Deleted) != 500 {
		t.Errorf("%+v, %v", totals, err)
	}
	f.do(f.away("wrong:1"), "SET", "wrong:1", 1)
	f.servers[2].Restart()
	if _, err = a.RepairAll(t.Context(), r, nil); err == nil || !strings.Contains(err.Error(), "restarted or replaced") {
		t.Errorf("restarted: %v", err)
	}
}
