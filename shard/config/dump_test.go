package config

import (
	"bytes"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

func noEnv(string) (string, bool) { return "", false }

func someEnv(name string) (string, bool) {
	value, ok := map[string]string{
		"REDIS_PASSWORD": "from the environment",
		"PORT":           "7777",
		"EMPTY":          "",
		"DOLLAR":         "${PORT}",
		"BINARY":         "\xff",
	}[name]
	return value, ok
}

func parseFile(t *testing.T, path string) *File {
	t.Helper()
	f, err := Load(path, WithEnv(someEnv))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func parse(t *testing.T, text string) *File {
	t.Helper()
	f, err := Parse("test.yml", []byte(text), WithEnv(someEnv))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return f
}

func dump(t testing.TB, f *File) string {
	t.Helper()
	var b bytes.Buffer
	n, err := f.WriteTo(&b)
	if err != nil || n != int64(b.Len()) {
		t.Fatalf("WriteTo: %d, %v, have %d bytes", n, err, b.Len())
	}
	return b.String()
}

// TestDumpReadsBack: a dump is a file of the same meaning, with and without
// its lines marked as default.
func TestDumpReadsBack(t *testing.T) {
	marked := regexp.MustCompile(`(?m)^.*# default\n`)
	for _, path := range []string{"testdata/shards.yml", "testdata/nutcracker.yml"} {
		f := parseFile(t, path)
		text := dump(t, f)
		if !marked.MatchString(text) {
			t.Errorf("%s: no line of its dump is marked as default", path)
		}
		for _, text := range []string{text, withoutEmptyMappings(marked.ReplaceAllString(text, ""))} {
			again, err := Parse(path, []byte(text), WithEnv(someEnv))
			if err != nil {
				t.Errorf("%s: %v in its dump\n%s", path, err, text)
				continue
			}
			if !reflect.DeepEqual(masked(f), masked(again)) {
				t.Errorf("%s: dumped\n%s\nreads back as\n%s", path, text, dump(t, again))
			}
		}
	}
}

// withoutEmptyMappings drops "shardproxy:" when all below it was default.
func withoutEmptyMappings(text string) string {
	return strings.Replace(text, proxyKey+":\n\n", "", 1)
}

// masked replaces the passwords that a dump does not tell.
func masked(f *File) *File {
	out := *f
	out.Pools = nil
	for _, p := range f.Pools {
		q := *p
		if !q.Auth.IsZero() && q.Auth.file == "" && q.Auth.env == "" {
			q.Auth = NewSecret(redacted)
		}
		out.Pools = append(out.Pools, &q)
	}
	return &out
}

func TestQuote(t *testing.T) {
	for _, s := range []string{
		"a", "cache-1", "127.0.0.1:7001", "/run/a.sock", "true", "null", "~", "0400", "1e3", "-", "- a", "a:", "a: b", "a #b", "#",
		"::1", "[::1]:1", "{}", "$$", "${", "$${", "a$b${c}", `"`, `\`, "'", "é", "名", "a b", " a", "a ", "*a", "&a", "!a", "%a", "@a", "`a", "?", "? a", "|", ">", "<<", ",", "a,b",
		"\u00a0", "\u2028", "\U0001F600", "---", "...", "=", "yes", ".5", ".inf", "0x1F", "2001-01-01",
	} {
		for _, text := range []string{
			quoteKey(s) + ": {redis: true, shards: [{name: " + quote(s) + ", primary: h:1}]}",
			quoteKey(s) + ":\n  shards:\n    - name: " + quote(s) + "\n      primary: h:1\n",
		} {
			f, err := Parse("quote.yml", []byte(text))
			if err != nil {
				t.Errorf("%q: %v in %s", s, err, text)
				continue
			}
			if p := f.Pools[0]; p.Name != s || p.Shards[0].Name != s {
				t.Errorf("%q is read back as %q and %q from %s", s, p.Name, p.Shards[0].Name, text)
			}
		}
	}
}
