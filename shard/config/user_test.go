package config

import (
	"reflect"
	"testing"
)

func TestUsers(t *testing.T) {
	read := func(string) ([]byte, error) { return []byte("from a file\n"), nil }
	f, err := Parse("test.yml", []byte(`a:
  redis: true
  server_username: proxy
  server_auth: {file: servers}
  users:
    - {name: app, password: ${REDIS_PASSWORD}, rules: "~app:* +@read"}
    - {name: two, password: [first, {file: second}, ${PORT}${EMPTY}th], rules: "+get"}
    - name: Straße
      rules: >
        ~a
        +get
    - {name: default, rules: "off"}
  shards: [{name: one, primary: h:1}]
`), WithEnv(someEnv), WithSecrets(read))
	if err != nil {
		t.Fatal(err)
	}
	type user struct {
		name, rules string
		passwords   []string
	}
	want := []user{
		{"app", "~app:* +@read", []string{"from the environment"}},
		{"two", "+get", []string{"first", "from a file", "7777th"}},
		{"Straße", "~a +get", nil},
		{"default", "off", nil},
	}
	var have []user
	for _, u := range f.Pools[0].Users {
		var passwords []string
		for _, s := range u.Passwords {
			passwords = append(passwords, s.Value())
		}
		have = append(have, user{u.Name, u.Rules, passwords})
	}
	if !reflect.DeepEqual(have, want) {
		t.Errorf("have %q\nwant %q", have, want)
	}
}

func TestLogin(t *testing.T) {
	for text, want := range map[string][2]string{
		"":                                {"", ""},
		"redis_auth: a":                   {"", "a"},
		"server_auth: b":                  {"", "b"},
		"redis_auth: a\n  server_auth: b": {"", "b"},
		"redis_auth: a\n  server_username: proxy":                {"proxy", "a"},
		"server_auth: b\n  server_username: proxy":               {"proxy", "b"},
		"server_auth: b\n  users: [{name: default, rules: off}]": {"", "b"},
	} {
		p := parse(t, "a:\n  redis: true\n  "+text+"\n  shards: [{name: x, primary: h:1}]\n").Pools[0]
		if name, password := p.Login(); [2]string{name, password} != want {
			t.Errorf("%q: logs in as %q with %q, want %q", text, name, password, want)
		}
	}
}
