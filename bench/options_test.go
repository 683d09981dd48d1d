package main

import (
	"io"
	"slices"
	"strings"
	"testing"
)

func TestOptions(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--set some", `no set "some"`},
		{"--only (", "--only"},
		{"--only PFADD", "nothing to measure"},
		{"--set none", "nothing to measure"},
		{"--seconds -1", "--seconds -1"},
		{"--rounds -1", "--rounds -1"},
		{"--idle -1", "--idle -1"},
		{"--idle 1000,many", "--idle 1000,many"},
		{"--set none --idle 0", "nothing to measure"},
		{"--churn -1", "--churn -1"},
		{"short", `unexpected argument "short"`},
	} {
		o, err := parseOptions(strings.Fields(c.args), io.Discard)
		if err == nil {
			_, err = o.plan(io.Discard)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.args, err, c.want)
		}
	}
	o, err := parseOptions(strings.Fields("--set none --idle 1000,10000"), io.Discard)
	if err != nil || !slices.Equal(o.idle, []int{1000, 10_000}) {
		t.Errorf("--idle 1000,10000 is %v; %v", o.idle, err)
	}
	o, err = parseOptions(strings.Fields("--set matrix --only GET.*P8 --rounds 7"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	p, err := o.plan(io.Discard)
	if err != nil || len(p.loads) != 8 || p.rounds != 7 || p.seconds != 0.8 {
		t.Errorf("plan is %d loads, %d rounds, %v s; %v", len(p.loads), p.rounds, p.seconds, err)
	}
}
