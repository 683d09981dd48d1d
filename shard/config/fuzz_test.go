package config

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzParse: whatever the bytes, Parse returns; a refusal has its problems in
// order and inside the file; what is accepted reads back from its own dump.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"testdata/nutcracker.yml", "testdata/shards.yml", "testdata/problems.yml", "testdata/shards.golden"} {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, s := range []string{
		"", "a", "a:", "[", "{", "a: {shards: [{name: x, primary: h:1}]}", "? a\n: b\n", "a: &x\nb: *x", "a: !!str b", "a: |\n  b\n",
		"a:\n  redis_auth: {file: x}\n  redis: true\n  shards: [{name: x, primary: ${HOST:-h}:${PORT}}]",
		"a: {listen: 'h:1', servers: [\"/\\x01:1\"]}",
		"a: {hash_tag: none, distribution: jedis, shards: [{primary: h:1}, {primary: '[::1]:1'}]}",
	} {
		f.Add([]byte(s))
	}
	read := func(path string) ([]byte, error) {
		if strings.HasSuffix(path, "redis.secret") {
			return []byte("sesame\n"), nil
		}
		return nil, os.ErrNotExist
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("fuzz.yml", data, WithEnv(someEnv), WithSecrets(read))
		if err != nil {
			checkProblems(t, err, string(data))
			return
		}
		text := dump(t, file)
		again, err := Parse("fuzz.yml", []byte(text), WithEnv(someEnv), WithSecrets(read))
		if err != nil {
			t.Fatalf("the dump is refused: %v\n%s", err, text)
		}
		if !reflect.DeepEqual(masked(file), masked(again)) {
			t.Fatalf("the dump\n%s\nreads back as\n%s", text, dump(t, again))
		}
	})
}

// checkProblems holds every refusal to what Errors promise.
func checkProblems(t *testing.T, err error, text string) {
	t.Helper()
	var problems Errors
	if !errors.As(err, &problems) || len(problems) == 0 {
		t.Fatalf("not Errors but %T: %v", err, err)
	}
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.TrimPrefix(text, "\uFEFF"))
	lines := strings.Split(text, "\n")
	last := &Error{Line: 1, Column: 1}
	for _, e := range problems {
		if e.Line < 1 || e.Line > len(lines) || e.Column < 1 || e.Column > utf8.RuneCountInString(lines[e.Line-1])+1 {
			t.Errorf("%v is outside the file of %d lines", e, len(lines))
		}
		if e.Line < last.Line || e.Line == last.Line && e.Column < last.Column {
			t.Errorf("%v comes after %v", e, last)
		}
		if e.File == "" || e.Msg == "" || strings.ContainsAny(e.Pretty(), "\x00\x1b") {
			t.Errorf("%+q", e.Pretty())
		}
		last = e
	}
}
