package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const sesame = "open-sesame"

// TestSecretDoesNotPrint prints a Secret in every way we know, bare and inside
// exported, unexported and nested fields.
func TestSecretDoesNotPrint(t *testing.T) {
	s := NewSecret(sesame)
	type inner struct{ s Secret }
	values := []any{
		s, &s, []Secret{s}, map[string]Secret{"s": s}, struct{ S Secret }{s}, struct{ s Secret }{s}, &inner{s}, []inner{{s}},
		Pool{Auth: s}, &Pool{Auth: s}, &File{Pools: []*Pool{{Auth: s}}}, *parse(t, "a: {redis: true, redis_auth: "+sesame+", shards: [{name: x, primary: h:1}]}"),
	}
	var b bytes.Buffer
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%t", "%T"} {
			fmt.Fprintf(&b, verb+"\n", v)
		}
		fmt.Fprintln(&b, v)
		text, err := json.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		b.Write(text)
		slog.New(slog.NewTextHandler(&b, nil)).Info("printed", "v", v)
		slog.New(slog.NewJSONHandler(&b, nil)).Info("printed", "v", v)
		fmt.Fprint(&b, fmt.Errorf("wrapped %v", v))
	}
	for _, form := range []string{sesame, fmt.Sprintf("%x", sesame), fmt.Sprintf("%X", sesame), strings.Trim(fmt.Sprint([]byte(sesame)), "[]")} {
		if strings.Contains(b.String(), form) {
			t.Errorf("%q is in\n%s", form, b.String())
		}
	}
	if !strings.Contains(b.String(), redacted) {
		t.Error("nothing says that a secret is there")
	}
	if s.Value() != sesame || s.IsZero() {
		t.Error("the value is lost")
	}
	if zero := NewSecret(""); zero.String() != "" || zero.Value() != "" || !zero.IsZero() || fmt.Sprint(zero) != "" {
		t.Error("the zero Secret is not empty")
	}
}

// TestSecretIsNotReported: no problem of a file repeats a password, neither in
// its message nor in the line that Pretty shows.
func TestSecretIsNotReported(t *testing.T) {
	const shards = "\n  shards: [{name: x, primary: h:1}]\n"
	for _, file := range []string{
		"a:\n  redis_auth: " + sesame + shards,
		"a:\n  redis_auth:\n    " + sesame + shards,
		"a:\n  'redis_auth' : '" + sesame + "'" + shards,
		"a: {redis_auth: " + sesame + ", bogus: 1}",
		"a: {bogus: 1, redis_auth: " + sesame + "}",
		"a:\n  redis: true\n  redis_auth: " + sesame + "${NONE}" + shards,
		"a:\n  redis: true\n  redis_auth:\n    " + sesame + "${NONE}" + shards,
		"a:\n  redis: true\n  redis_auth: " + sesame + "${" + shards,
		"a:\n  redis: true\n  redis_auth: ${" + sesame + "}" + shards,
		"a:\n  redis: true\n  redis_auth: @" + sesame + shards,
		"a:\n  redis: true\n  redis_auth: '" + sesame + shards,
		"a:\n  redis: true\n  redis_auth: [" + sesame + "]" + shards,
		"a:\n  redis: true\n  redis_auth: {file: x, " + sesame + "}" + shards,
		"a:\n  redis: true\n  redis_auth: x\n  redis_auth: " + sesame + shards,
		"a:\n  redis: true\n  redis_auth: " + sesame + ": b" + shards,
		"a:\n  redis: true\n  redis_auth: !" + sesame + " b" + shards,
		"a:\n  redis: true\n  redis_auth: *" + sesame + shards,
		"a:\n  redis: true\n  redis_auth: \"\\" + sesame + "\"" + shards,
		"a:\n  redis: true\n  redis_auht: " + sesame + shards,
		"a:\n  redis: true\n  server_auth: @" + sesame + shards,
		"a:\n  redis: true\n  server_uath: " + sesame + shards,
		"a:\n  server_auth: " + sesame + shards,
		"a:\n  redis: true\n  users: [{name: a, password: " + sesame + ", bogus: 1}]" + shards,
		"a:\n  redis: true\n  users: [{name: a, password: [x, @" + sesame + "], rules: x}]" + shards,
		"a:\n  redis: true\n  users: [{bogus: 1, name: a, password: [x, " + sesame + "], rules: x}]" + shards,
		"a:\n  redis: true\n  users: [{name: a, passwrod: " + sesame + ", rules: x}]" + shards,
		"a:\n  redis: true\n  users:\n    - name: a\n      password: {file: x, y: " + sesame + "}" + shards,
		"a:\n  redis: true\n  users:\n    - {name: a, rules: \"~* >" + sesame + "\"}" + shards,
		"a:\n  redis: true\n  users:\n    - {name: a, bogus: 1, rules: \"<" + sesame + "\"}" + shards,
		"a:\n  redis: true\n  password: " + sesame + shards,
	} {
		_, err := Parse("secret.yml", []byte(file), WithEnv(noEnv))
		var problems Errors
		if !errors.As(err, &problems) {
			t.Errorf("%q: %v, want a problem to print", file, err)
			continue
		}
		if strings.Contains(problems.Error()+problems.Pretty(), sesame) {
			t.Errorf("%q tells the secret:\n%s", file, problems.Pretty())
		}
		checkProblems(t, err, file)
	}
}

func TestSecretFile(t *testing.T) {
	for content, want := range map[string]string{
		"sesame":         "sesame",
		"sesame\n":       "sesame",
		"sesame\r\n":     "sesame",
		"sesame\n\n":     "sesame\n",
		" sesame ":       " sesame ",
		"${PORT}":        "${PORT}",
		"\xff\x00\n":     "\xff\x00",
		"two\nlines\n":   "two\nlines",
		"\n":             "",
		"":               "",
		"\r\n":           "",
		"sesame\rsesame": "sesame\rsesame",
	} {
		var path string
		read := func(p string) ([]byte, error) { path = p; return []byte(content), nil }
		f, err := Parse("/etc/shardring/proxy.yml", []byte("a:\n  redis: true\n  redis_auth: {file: redis.secret}\n  shards: [{name: x, primary: h:1}]\n"), WithSecrets(read))
		if path != "/etc/shardring/redis.secret" {
			t.Errorf("a relative path is read from %q", path)
		}
		if want == "" {
			if err == nil {
				t.Errorf("%q: accepted as a password", content)
			}
			continue
		}
		if err != nil || f.Pools[0].Auth.Value() != want {
			t.Errorf("%q: %v, %v, want %q", content, f, err, want)
		}
	}
}
