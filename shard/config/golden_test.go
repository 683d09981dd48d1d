package config

import (
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "rewrite golden files and the README's tables")

// TestProblems is the transcript of one file with everything wrong: read it to
// see what users see. go test -update rewrites it.
func TestProblems(t *testing.T) {
	_, err := Parse("problems.yml", []byte(readFile(t, "testdata/problems.yml")), WithEnv(noEnv))
	problems, ok := err.(Errors)
	if !ok {
		t.Fatalf("want Errors, have %v", err)
	}
	golden(t, "testdata/problems.golden", problems.Pretty())
}

// TestDump is what `shardproxy check` prints for our own form.
func TestDump(t *testing.T) {
	golden(t, "testdata/shards.golden", dump(t, parseFile(t, "testdata/shards.yml")))
}

func golden(t *testing.T, name, have string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(have), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := readFile(t, name); have != want {
		t.Errorf("%s differs (go test -update rewrites it):\n%s", name, have)
	}
}
