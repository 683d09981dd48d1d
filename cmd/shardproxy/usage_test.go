package main

import (
	"strings"
	"testing"
)

// TestUsage: what is called wrongly ends with 2, what was meant is named.
func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args string
		want string
	}{
		{"rnu", `unknown command "rnu", did you mean run?`},
		{"locat", "did you mean locate?"},
		{"nutcraker", "did you mean nutcracker?"},
		{"run --confg x", "unknown flag: --confg, did you mean --config?"},
		{"run --log-levl info", "did you mean --log-level?"},
		{"run extra", `run takes no arguments, have "extra"`},
		{"run --driver kqueue", `--driver "kqueue": want epoll or goroutine`},
		{"run --loops 0", "--loops 0: want 1 to 1024"},
		{"run --loops many", "invalid argument"},
		{"run -c testdata/pools.yml --log-format xml", `--log-format "xml": want text or json`},
		{"run -c testdata/pools.yml --log-level loud", `--log-level "loud": want debug, info, warn or error`},
		{"demo --shards 0", "--shards 0: want 1 to 64"},
		{"demo --port 70000", "--port 70000: want 0 to 65535"},
		{"check x", "check takes no arguments"},
		{"version x", "version takes no arguments"},
		{"", "Usage:"},
	} {
		r := call(t, "", program, strings.Fields(c.args)...)
		wantCode(t, r, exitUsage)
		wantIn(t, r.stderr, c.want)
		if r.stdout != "" {
			t.Errorf("%s prints to standard output: %s", c.args, r.stdout)
		}
	}
	far := call(t, "", program, "frobnicate")
	if strings.Contains(far.stderr, "did you mean") {
		t.Errorf("frobnicate is near nothing: %s", far.stderr)
	}
}

// TestHelp: every command has a help with an example, and completions exist.
func TestHelp(t *testing.T) {
	for _, c := range newRoot().Commands() {
		r := call(t, "", program, "help", c.Name())
		wantCode(t, r, exitDone)
		if c.Name() != "completion" && c.Name() != "help" {
			wantIn(t, r.stdout, "Examples:", "shardproxy "+c.Name())
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		wantIn(t, call(t, "", program, "completion", shell).stdout, "shardproxy")
	}
	pools := call(t, "", program, "__complete", "locate", "-c", "testdata/pools.yml", "--pool", "")
	wantIn(t, pools.stdout, "cache\nsessions\nslots\nmemcached\n")
	wantIn(t, call(t, "", program, "version").stdout, "shardproxy ", "go1.")
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "run", 3}, {"run", "run", 0}, {"rnu", "run", 1}, {"rum", "run", 1}, {"ru", "run", 1}, {"kitten", "sitting", 3},
	} {
		if have := distance(c.a, c.b); have != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, have, c.want)
		}
	}
}
