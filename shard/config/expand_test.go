package config

import "testing"

func TestExpand(t *testing.T) {
	for _, row := range []struct{ in, want string }{
		// Without "${" a value is what it is.
		{"", ""}, {"plain", "plain"}, {"$", "$"}, {"$$", "$$"}, {"a$b", "a$b"}, {"a$$b", "a$$b"}, {"$PORT", "$PORT"}, {"{PORT}", "{PORT}"},
		// With it, names are replaced and $$ is a dollar.
		{"${PORT}", "7777"}, {"h:${PORT}:1 n", "h:7777:1 n"}, {"${PORT}${PORT}", "77777777"},
		{"${NONE:-x}", "x"}, {"${NONE:-}", ""}, {"${EMPTY}", ""}, {"${EMPTY:-x}", "x"}, {"${PORT:-x}", "7777"}, {"${NONE:-a:-b}", "a:-b"},
		{"$${PORT}", "${PORT}"}, {"$$${PORT}", "$7777"}, {"$$$${PORT}", "$${PORT}"}, {"${PORT}$", "7777$"}, {"${PORT}$x", "7777$x"}, {"a$$b${PORT}", "a$b7777"},
		// Once.
		{"${DOLLAR}", "${PORT}"}, {"${NONE:-$PORT}", "$PORT"},
	} {
		have, err := expand(row.in, someEnv)
		if err != nil || have != row.want {
			t.Errorf("%q: have %q, %v, want %q", row.in, have, err, row.want)
		}
		again, err := expand(unexpanded(row.want), noEnv)
		if err != nil || again != row.want {
			t.Errorf("%q written as %q reads as %q, %v", row.want, unexpanded(row.want), again, err)
		}
	}
	for _, in := range []string{"${", "${PORT", "a${}", "${NONE}", "${1A}", "${A-B}", "${A B}", "${:-x}", "${PORT}${NONE}"} {
		if have, err := expand(in, someEnv); err == nil {
			t.Errorf("%q: have %q, want an error", in, have)
		}
	}
}

func TestNearest(t *testing.T) {
	words := []string{"listen", "hash", "hash_tag", "timeout", "servers", "shards", "redis", "redis_db"}
	for _, row := range []struct{ in, want string }{
		{"listn", "listen"}, {"lsiten", "listen"}, {"listenn", "listen"}, {"LISTEN", "listen"}, {"hash-tag", "hash_tag"},
		{"hashtag", "hash_tag"}, {"hsah", "hash"}, {"server", "servers"}, {"shard", "shards"}, {"time_out", "timeout"}, {"redis_bd", "redis_db"},
		{"x", ""}, {"", ""}, {"maxmemory", ""}, {"foo", ""},
	} {
		if have := nearest(row.in, words); have != row.want {
			t.Errorf("%q: have %q, want %q", row.in, have, row.want)
		}
	}
}

func TestEdits(t *testing.T) {
	for _, row := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"ab", "ba", 1}, {"abc", "acb", 1}, {"kitten", "sitting", 3}, {"a-b", "A_B", 0}, {"é", "e", 1}, {"ca", "abc", 3},
	} {
		if have := edits(row.a, row.b); have != row.want {
			t.Errorf("%q to %q: have %d, want %d", row.a, row.b, have, row.want)
		}
		if have := edits(row.b, row.a); have != row.want {
			t.Errorf("%q to %q: have %d, want %d", row.b, row.a, have, row.want)
		}
	}
}

// TestVariablesInBrackets: a variable needs no quotes, wherever it stands.
func TestVariablesInBrackets(t *testing.T) {
	for text, want := range map[string]string{
		"{primary: ${HOST}:1}":          "host:1",
		"{primary: ${HOST:-h}:${PORT}}": "host:7777",
		"{primary: ${NONE:-h}:1}":       "h:1",
		"{primary: a${HOST}b:1}":        "ahostb:1",
		"{primary: ${HOST}${HOST}-c:1}": "hosthost-c:1",
		"{primary: a.${PORT}.b:1, }":    "a.7777.b:1",
		`{primary: "${HOST}:1"}`:        "host:1",
		"{primary: ${HOST} :1}":         "",
		"{primary: $ {HOST}:1}":         "",
		"{primary: ${HOST, weight: 1}":  "",
		"{primary: ${{HOST}}:1}":        "",
	} {
		env := func(name string) (string, bool) {
			if name == "HOST" {
				return "host", true
			}
			return someEnv(name)
		}
		f, err := Parse("test.yml", []byte("a: {shards: [{name: x, "+text[1:]+"]}\n"), WithEnv(env))
		switch {
		case want == "" && err == nil:
			t.Errorf("%s: read as %q", text, f.Pools[0].Shards[0].Primary.Addr)
		case want != "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case want != "" && f.Pools[0].Shards[0].Primary.Addr != want:
			t.Errorf("%s: read as %q, want %q", text, f.Pools[0].Shards[0].Primary.Addr, want)
		}
	}
}
