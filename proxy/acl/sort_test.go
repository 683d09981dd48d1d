package acl

import (
	"testing"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/shardtest"
)

// TestSort: patterns are for who may read all keys, as a server has it.
func TestSort(t *testing.T) {
	server := shardtest.Redis(t)
	conn, err := redis.Dial("tcp", server.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, c := range []struct {
		rules, line, want string
	}{
		{"+sort ~l", "sort l", ""},
		{"+sort ~l", "sort l by w_* get #", string(errSortBy)},
		{"+sort ~l", "sort l by nosort limit 0 1", ""},
		{"+sort ~l", "sort l LIMIT 0 1 GET #", string(errSortGet)},
		{"+sort_ro ~l", "sort_ro l get secret_*", string(errSortGet)},
		{"+sort ~l %W~*", "sort l get secret_* store l", string(errSortGet)},
		{"+sort %RW~l %R~*", "sort l by w_* get # store l", ""},
		{"+sort ~*", "sort l by w_* get secret_*", ""},
		{"+sort ~l (+get ~*)", "sort l get secret_*", string(errSortGet)},
		{"+get ~l (+sort %R~*)", "sort l get secret_*", ""},
		{"+sort ~k", "sort l by w_*", string(errKeys)},
		// Words end at a zero byte where the server compares them.
		{"+sort ~l", "sort l get\x00 secret_*", string(errSortGet)},
		{"+sort ~l", "sort l BY\x00x w_*", string(errSortBy)},
		{"+sort ~l", "sort l limit\x00 0 1", ""},
		{"+sort|l ~*", "sort L\x00x", ""},
	} {
		cmd, args := request(t, c.line)
		got := ""
		if err := user(t, c.rules).Check(cmd, args, &Scratch{}); err != nil {
			got = err.Error()
		}
		if theirs := errorAs(t, conn, c.rules, c.line); got != c.want || theirs != c.want {
			t.Errorf("%s: %s: %q, a server says %q, want %q", c.rules, c.line, got, theirs, c.want)
		}
	}
}

// errorAs returns the error that a server gives a user of these rules.
func errorAs(t *testing.T, conn redis.Conn, rules, line string) string {
	t.Helper()
	do := func(words ...string) error {
		_, err := conn.Do(words[0], redis.Args{}.AddFlat(words[1:])...)
		return err
	}
	if err := do(append([]string{"ACL", "SETUSER", "u", "reset", "on", "nopass", "+auth"}, fields(rules)...)...); err != nil {
		t.Fatal(err)
	}
	if err := do("AUTH", "u", "x"); err != nil {
		t.Fatal(err)
	}
	err := do(fields(line)...)
	conn.Do("AUTH", "default", "x")
	if err != nil {
		return err.Error()
	}
	return ""
}

// fields splits at spaces outside of parentheses.
func fields(s string) []string {
	var all []string
	depth, begin := 0, 0
	for i, r := range s + " " {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ' ' && depth == 0:
			all = append(all, s[begin:i])
			begin = i + 1
		}
	}
	return all
}
