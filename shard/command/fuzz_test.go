package command

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// FuzzPlan resolves any request and looks for its keys, and compares with two
// simpler ways to the same answers.
func FuzzPlan(f *testing.F) {
	for _, line := range keyRequests {
		f.Add([]byte(line))
	}
	for _, request := range badRequests {
		f.Add(bytes.Join(request, []byte(" ")))
	}
	table := Builtin()
	f.Fuzz(func(t *testing.T, line []byte) {
		request := Slices(bytes.Split(line, []byte(" ")))
		cmd, err := table.Resolve(request)
		if want := naiveCommand(table, request); (err == nil) != (want != "") || err == nil && cmd.Name != want {
			t.Fatalf("%q: %v, %v; want %q", request, cmd, err, want)
		}
		if err != nil {
			e, ok := err.(Error)
			if !ok || strings.ContainsAny(string(e), "\r\n") {
				t.Fatalf("%q: error %T %q is no line", request, err, err)
			}
			return
		}
		if cmd.KeyPos < 0 || cmd.KeyPos >= len(request) {
			t.Fatalf("%q: key at %d of %d", request, cmd.KeyPos, len(request))
		}
		keys, err := cmd.Keys([]int{-7}, request)
		if keys[0] != -7 || err != nil && len(keys) > 1 {
			t.Fatalf("%q: keys %v, %v: want them after what was there", request, keys, err)
		}
		for i, k := range keys[1:] {
			if k < 1 || k >= len(request) {
				t.Fatalf("%q: key %d at %d of %d", request, i, k, len(request))
			}
		}
		if want, ok := naiveKeys(cmd, len(request)); ok && !slices.Equal(keys[1:], want) {
			t.Fatalf("%q: keys at %v, want %v", request, keys[1:], want)
		}
		if len(cmd.StandIn(nil, request)) == 0 && cmd.stand == nil {
			t.Fatalf("%q: nothing stands in", request)
		}
		if cmd.Route == Local && strings.HasPrefix(cmd.Name, "command") && len(table.AppendCommandReply(nil, request)) == 0 {
			t.Fatalf("%q: no reply", request)
		}
	})
}

// naiveCommand names the command of a request, "" if it has none: all names one by
// one, in lower case.
func naiveCommand(table *Table, request Slices) string {
	name := Lower(request[0])
	for _, cmd := range table.commands {
		if cmd.Name == name && len(cmd.Subcommands) > 0 && len(request) > 1 {
			name += "|" + Lower(request[1])
		}
	}
	for cmd := range table.All() {
		if cmd.Name != name || strings.Contains(Lower(request[0]), "|") {
			continue
		}
		n := len(request)
		if (name == "mset" || name == "msetnx") && n%2 == 0 {
			return ""
		}
		if n == cmd.Arity || cmd.Arity < 0 && n >= -cmd.Arity {
			return name
		}
	}
	return ""
}

// naiveKeys goes by COMMAND's old three numbers, where they tell all.
func naiveKeys(cmd *Command, n int) (keys []int, ok bool) {
	if cmd.Flags&MovableKeys != 0 || cmd.FirstKey == 0 || !cmd.mayHaveKeys() {
		return nil, false
	}
	last := cmd.LastKey
	if last < 0 {
		last += n
	}
	for i := cmd.FirstKey; i <= last; i += cmd.KeyStep {
		keys = append(keys, i)
	}
	return keys, true
}
