package progress

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestLines: without a terminal there is a line every ten seconds and nothing else.
func TestLines(t *testing.T) {
	var out bytes.Buffer
	p := New(&out, false)
	at := time.Now()
	p.now = func() time.Time { return at }
	for i := range int64(25) {
		p.Show("finding keys", i*100, 2400)
		at = at.Add(time.Second)
	}
	p.Show("deleting keys", 0, 0)
	p.End()
	if want := "finding keys: 1000 of 2400 (42%)\nfinding keys: 2000 of 2400 (83%)\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

// TestBar: on a terminal there is a bar, which End takes away; more than the
// total is no error.
func TestBar(t *testing.T) {
	var out bytes.Buffer
	p := New(&out, true)
	p.Show("finding keys", 0, 100)
	time.Sleep(100 * time.Millisecond)
	p.Show("finding keys", 50, 100)
	if !strings.Contains(out.String(), "finding keys") || !strings.Contains(out.String(), "50%") {
		t.Errorf("no bar: %q", out.String())
	}
	time.Sleep(100 * time.Millisecond)
	p.Show("finding keys", 150, 100)
	if !strings.Contains(out.String(), "/150") {
		t.Errorf("the total has not changed: %q", out.String())
	}
	p.End()
	if last := out.String()[strings.LastIndex(strings.TrimRight(out.String(), "\r"), "\r")+1:]; strings.TrimSpace(last) != "" {
		t.Errorf("the bar stays: %q", last)
	}
}

// TestSay: what has no total is a line that is drawn again, and a bar as soon as it has
// one; without a terminal both are lines every ten seconds.
func TestSay(t *testing.T) {
	var out bytes.Buffer
	p := New(&out, true)
	p.Say("sync", "waits")
	p.Say("sync", "still waits")
	if want := "\r\033[Ksync: waits\r\033[Ksync: still waits"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
	p.Bytes("sync", 0, 1<<30, "")
	time.Sleep(100 * time.Millisecond)
	p.Bytes("sync", 1<<29, 1<<30, "")
	if !strings.Contains(out.String(), "50%") || !strings.Contains(out.String(), "512 MiB/1.0 GiB") {
		t.Errorf("no bar of bytes: %q", out.String())
	}
	p.Say("sync", "lacks 1 B")
	p.End()
	if !strings.HasSuffix(out.String(), "sync: lacks 1 B\r\033[K") {
		t.Errorf("the line stays: %q", out.String())
	}

	out.Reset()
	p = New(&out, false)
	at := time.Now()
	p.now = func() time.Time { return at }
	for i := range int64(25) {
		if i < 15 {
			p.Say("sync", "waits")
		} else {
			p.Bytes("sync", i, 100, fmt.Sprint(i, " B of 100 B"))
		}
		at = at.Add(time.Second)
	}
	if want := "sync: waits\nsync: 20 B of 100 B\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
