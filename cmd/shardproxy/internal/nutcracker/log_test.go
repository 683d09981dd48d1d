package nutcracker

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestLogLine(t *testing.T) {
	var b bytes.Buffer
	l, err := OpenLog("", 5, &b)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(l)
	log.With("pool", "a b").WithGroup("g").Info("listening", "addr", "x:1", slog.Group("in", "n", 1), "empty", "")
	const want = `^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\] listening pool="a b" g\.addr=x:1 g\.in\.n=1 g\.empty=""\n$`
	if !regexp.MustCompile(want).MatchString(b.String()) {
		t.Errorf("%q is not %s", b.String(), want)
	}
}

// TestLevels: nutcracker's levels let through what they say, up and down to
// their ends.
func TestLevels(t *testing.T) {
	var b bytes.Buffer
	l, err := OpenLog("", 0, &b)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(l)
	for level := 0; level <= maxVerbose; level++ {
		b.Reset()
		log.Error("E")
		log.Warn("W")
		log.Info("I")
		log.Debug("D")
		have := regexp.MustCompile(`\[.*?\] |\n`).ReplaceAllString(b.String(), "")
		want := map[bool]string{true: "E"}[level >= 3] + map[bool]string{true: "W"}[level >= 4] +
			map[bool]string{true: "I"}[level >= 5] + map[bool]string{true: "D"}[level >= 7]
		if have != want {
			t.Errorf("level %d logs %q, want %q", level, have, want)
		}
		l.Shift(1)
	}
	b.Reset()
	l.Shift(1) // is at its end
	if b.Len() > 0 {
		t.Errorf("logged %q", b.String())
	}
	for range 2 * maxVerbose {
		l.Shift(-1)
	}
	if l.level != 0 {
		t.Errorf("level %d, want 0", l.level)
	}
}

// TestReopen: what is logged after goes to the new file; where there can be
// none the old one stays.
func TestReopen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "nutcracker.log")
	l, err := OpenLog(path, 5, nil)
	if err != nil {
		t.Fatal(err)
	}
	l.Always("first")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	l.Reopen()
	l.Always("second")
	moved := dir + "-moved"
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	l.Reopen()
	l.Always("third")
	text, err := os.ReadFile(filepath.Join(moved, "nutcracker.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"second", "failed, ignored: no such file or directory", "third"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	if strings.Contains(string(text), "first") {
		t.Error("the old line is in the new file")
	}
}
