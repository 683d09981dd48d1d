package migrate

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestJournal: what was written is read again, but for a line that was cut off and for
// what the last step had not done yet.
func TestJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pools.yml.cache.move")
	h := Header{Pool: "cache", Shard: "b", Source: "10.0.0.1:1", Target: "10.0.0.2:1", Way: ByFence}
	j, err := create(path, h)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := create(path, h); !errors.Is(err, ErrUnfinished) {
		t.Errorf("a second one: %v, want ErrUnfinished", err)
	}
	for _, s := range []Step{Prepare, Attach, Sync, Compare, Freeze, Demote, Promote, Release} {
		if err := j.begin(s); err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range []string{"0", "100000"} { // the second is not the old one
		if err := j.save(setting{Node: h.Source, Name: "min-replicas-to-write", Value: v}); err != nil {
			t.Fatal(err)
		}
	}
	if !j.past.released || !j.past.frozen {
		t.Errorf("before: %+v", j.past)
	}
	if _, err := j.file.WriteString(`{"time":"2026-11-21T12:`); err != nil {
		t.Fatal(err)
	}
	j.file.Close()
	for range 2 { // the second time it is cut off already
		again, err := load(path)
		if err != nil {
			t.Fatal(err)
		}
		want := past{way: ByFence, reached: Release, redo: true, prepared: true, attaches: 1, demoted: true, switched: true, promoted: true}
		if again.past != want || again.header != h || len(again.saved) != 1 || again.saved[0].Value != "0" {
			t.Errorf("%+v %+v %+v, want %+v", again.past, again.header, again.saved, want)
		}
		again.file.Close()
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.HasSuffix(string(text), "}\n") {
		t.Errorf("%v, the end is not cut: %q", err, text)
	}
	if _, err := load(path + ".none"); !errors.Is(err, ErrNoJournal) {
		t.Errorf("none: %v", err)
	}
	if err := os.WriteFile(path, []byte("what\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := load(path); err == nil || !strings.Contains(err.Error(), ":1: not a line of a journal") {
		t.Errorf("nonsense: %v", err)
	}
}

// TestInterrupted: a step that was begun and may not have been done is done again.
func TestInterrupted(t *testing.T) {
	for s, undone := range map[Step]func(past) bool{
		Attach:  func(p past) bool { return p.attaches == 0 },
		Prepare: func(p past) bool { return !p.prepared },
		Compare: func(p past) bool { return !p.compared },
		Release: func(p past) bool { return !p.released },
		Freeze:  func(p past) bool { return !p.frozen },
	} {
		var p past
		if p.take(s); undone(p) {
			t.Errorf("%s: not noted", s)
		}
		if p.interrupt(); !undone(p) || !p.redo {
			t.Errorf("%s is taken for done", s)
		}
		if p.take(s); undone(p) || p.redo {
			t.Errorf("%s: not noted the second time", s)
		}
	}
}

// TestCrashWhileHeld: while writes wait the disk is not waited for, so after a crash of
// the machine a journal that ends there may be that of a switch which was made: two
// primaries are then not taken for a move that has yet to begin, which would empty the
// new one. A process that was killed left all it wrote.
func TestCrashWhileHeld(t *testing.T) {
	for _, c := range []struct {
		way     Way
		to      Step
		crashed bool
		want    bool // demoted and promoted, perhaps
	}{
		{ByPause, Freeze, true, true},
		{ByPause, Demote, true, true},
		{ByFence, Freeze, true, true},
		{BySentinels, Freeze, true, false},
		{ByPause, Freeze, false, false},
		{ByPause, Compare, true, false},
	} {
		path := filepath.Join(t.TempDir(), "pools.yml.cache.move")
		j, err := create(path, Header{Pool: "cache", Shard: "b", Source: "10.0.0.1:1", Target: "10.0.0.2:1", Way: c.way})
		if err != nil {
			t.Fatal(err)
		}
		for s := Prepare; s <= c.to; s++ {
			e := entry{Step: &s}
			if e.Boot = bootID(); c.crashed {
				e.Boot = "of before"
			}
			if err := j.add(e); err != nil {
				t.Fatal(err)
			}
		}
		j.file.Close()
		again, err := load(path)
		if err != nil {
			t.Fatal(err)
		}
		again.file.Close()
		if p := again.past; (p.demoted && p.promoted) != c.want {
			t.Errorf("%+v: %+v", c, p)
		}
		if step, err := decide(again.past, seen{source: primary, target: primary}); c.want && err == nil {
			t.Errorf("%+v: two primaries: %s", c, step)
		}
	}
}

// TestHeldEntry: what is noted without waiting for the disk is read like all else.
func TestHeldEntry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pools.yml.cache.move")
	j, err := create(path, Header{Pool: "cache", Shard: "b", Source: "10.0.0.1:1", Target: "10.0.0.2:1", Way: ByPause})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.begin(Freeze); err != nil {
		t.Fatal(err)
	}
	for _, s := range []Step{Demote, Promote} {
		if err := j.beginHeld(s); err != nil {
			t.Fatal(err)
		}
	}
	want := j.past
	want.frozen = false
	j.file.Close()
	again, err := load(path)
	if err != nil {
		t.Fatal(err)
	}
	again.file.Close()
	if want.redo = true; again.past != want || want.reached != Promote || !want.demoted {
		t.Errorf("%+v, want %+v", again.past, want)
	}
}
