package main

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shardring/shardring/ring"
	"github.com/shardring/shardring/shard/config"
)

// TestLocate holds the table, and its JSON, to a transcript and to the ring.
func TestLocate(t *testing.T) {
	var b strings.Builder
	for _, args := range [][]string{
		{"locate", "-p", "cache", "user:1", "{user:1}:cart", "two words", "naïve", "", "\xff\x01"},
		{"locate", "-p", "sessions", "user:1", "user:2"},
		{"locate", "-p", "slots", "user:1", "{user:1}:cart"},
		{"locate", "-p", "cache", "--hex", "757365723a31", "ff00"},
		{"locate", "-p", "cache", "--json", "user:1", "{user:1}:cart", "<&>", "\xff\x01"},
		{"locate", "-p", "cache", "--json", "--hex", "757365723a31"},
	} {
		r := call(t, "", program, append(args, "-c", "testdata/pools.yml")...)
		wantCode(t, r, exitDone)
		fmt.Fprintf(&b, "$ shardproxy %q\n%s\n", args, r.stdout)
	}
	golden(t, "locate.golden", b.String())
}

// TestLocateLines: keys from standard input are those of arguments, and every
// one of many lines agrees with the ring.
func TestLocateLines(t *testing.T) {
	file, err := config.Load("testdata/pools.yml")
	if err != nil {
		t.Fatal(err)
	}
	pool, err := file.Pool("cache")
	if err != nil {
		t.Fatal(err)
	}
	r, err := ring.New(pool.Ring)
	if err != nil {
		t.Fatal(err)
	}
	const n = 5000
	var in strings.Builder
	for i := range n {
		fmt.Fprintf(&in, "key:%d\n", i)
	}
	for _, args := range [][]string{{"locate", "--json"}, {"locate", "--json", "-"}} {
		have := call(t, in.String(), program, append(args, "-p", "cache", "-c", "testdata/pools.yml")...)
		wantCode(t, have, exitDone)
		dec := json.NewDecoder(strings.NewReader(have.stdout))
		for i := range n {
			var k locatedKey
			if err := dec.Decode(&k); err != nil {
				t.Fatalf("line %d: %v", i+1, err)
			}
			key := fmt.Sprintf("key:%d", i)
			owner := r.OwnerString(key)
			if k.Key != key || k.Tag != key || k.Shard != pool.Shards[owner].Name || k.Node != pool.Shards[owner].Primary.Addr {
				t.Fatalf("%+v, the ring says shard %d", k, owner)
			}
		}
	}
	table := call(t, in.String(), program, "locate", "-p", "cache", "-c", "testdata/pools.yml")
	if lines := strings.Count(table.stdout, "\n"); lines != n+1 {
		t.Errorf("%d lines, want a heading and %d", lines, n)
	}
	crlf := call(t, "a\r\n", program, "locate", "-p", "cache", "-c", "testdata/pools.yml")
	wantIn(t, crlf.stdout, `"a\r"`)
}

func TestLocateRefusals(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"locate", "k", "-c", "testdata/pools.yml"}, exitUsage, "--pool: testdata/pools.yml has 4 pools, name one: cache, sessions, slots, memcached"},
		{[]string{"locate", "k", "-p", "cash", "-c", "testdata/pools.yml"}, exitUsage, `no pool "cash"`},
		{[]string{"locate", "k", "-p", "memcached", "-c", "testdata/pools.yml"}, exitFailed, "under distribution random no shard owns a key"},
		{[]string{"locate", "xy", "--hex", "-p", "cache", "-c", "testdata/pools.yml"}, exitFailed, `key "xy": want pairs of hexadecimal digits`},
		{[]string{"locate", "k", "-c", "no-such.yml"}, exitFailed, "open no-such.yml: no such file or directory"},
		{[]string{"locate", "k"}, exitFailed, "name a file with -c, or try shardproxy demo"},
	} {
		r := call(t, "", program, c.args...)
		wantCode(t, r, c.code)
		wantIn(t, r.stderr, c.want)
	}
}

// TestRing is the transcript of the tables and their JSON.
func TestRing(t *testing.T) {
	var b strings.Builder
	for _, args := range [][]string{
		{"ring", "-p", "cache"},
		{"ring", "-p", "sessions"},
		{"ring", "-p", "slots"},
		{"ring", "-p", "cache", "--diff", "testdata/bigger.yml"},
		{"ring", "-p", "cache", "--diff", "testdata/pools.yml"},
		{"ring", "-p", "slots", "--json"},
		{"ring", "-p", "cache", "--json", "--diff", "testdata/bigger.yml"},
	} {
		r := call(t, "", program, append(args, "-c", "testdata/pools.yml")...)
		wantCode(t, r, exitDone)
		fmt.Fprintf(&b, "$ shardproxy %s\n%s\n", strings.Join(args, " "), r.stdout)
	}
	golden(t, "ring.golden", b.String())

	r := call(t, "", program, "ring", "-c", "testdata/pools.yml", "-p", "sessions", "--diff", "testdata/bigger.yml")
	wantCode(t, r, exitUsage) // there is no such pool
}

// TestRingSVG: the drawings are XML, whole, and name every shard.
func TestRingSVG(t *testing.T) {
	dir := t.TempDir()
	for _, args := range [][]string{
		{"-p", "cache"}, {"-p", "slots"}, {"-p", "memcached"}, {"-p", "cache", "--diff", "testdata/bigger.yml"},
	} {
		path := filepath.Join(dir, "ring.svg")
		r := call(t, "", program, append([]string{"ring", "-c", "testdata/pools.yml", "--svg", path}, args...)...)
		wantCode(t, r, exitDone)
		svg, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		dec := xml.NewDecoder(strings.NewReader(string(svg)))
		for {
			if _, err := dec.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%v: %v", args, err)
			}
		}
		if strings.Contains(string(svg), "NaN") {
			t.Errorf("%v: a number is none", args)
		}
		toOut := call(t, "", program, append([]string{"ring", "-c", "testdata/pools.yml", "--svg", "-"}, args...)...)
		if toOut.stdout != string(svg) {
			t.Errorf("%v: standard output differs from the file", args)
		}
		if args[1] == "cache" {
			wantIn(t, string(svg), "cache-1", "cache-2", "cache-3")
		}
	}
	r := call(t, "", program, "ring", "-c", "testdata/bigger.yml", "--svg", filepath.Join(dir, "no", "such"))
	wantCode(t, r, exitFailed)
}
