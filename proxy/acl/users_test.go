package acl

import (
	"slices"
	"strings"
	"testing"

	"github.com/shardring/shardring/shard/config"
)

func pool(t *testing.T, settings string) *config.Pool {
	t.Helper()
	file, err := config.Parse("test.yml", []byte("cache:\n  redis: true\n"+settings+"\n  shards: [{name: one, primary: h:1}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	return file.Pools[0]
}

func forPool(t *testing.T, settings string) *Users {
	t.Helper()
	users, err := ForPool(pool(t, settings))
	if err != nil {
		t.Fatal(err)
	}
	return users
}

func TestAuthenticate(t *testing.T) {
	const listed = `  users:
    - {name: app, password: [sesame, old], rules: "~* +@read"}
    - {name: any, rules: "nopass"}
    - {name: away, password: sesame, rules: "off"}
    - {name: locked, rules: "~*"}`
	for _, row := range []struct {
		settings, name, password, want string
	}{
		{listed, "app", "sesame", "app"},
		{listed, "app", "old", "app"},
		{listed, "app", "Sesame", ""},
		{listed, "app", "", ""},
		{listed, "APP", "sesame", ""},
		{listed, "nobody", "sesame", ""},
		{listed, "", "", ""},
		{listed, "any", "whatever", "any"},
		{listed, "any", "", "any"},
		{listed, "away", "sesame", ""},
		{listed, "locked", "", ""},
		{listed, "default", "whatever", "default"},
		{"  redis_auth: open", "default", "open", "default"},
		{"  redis_auth: open", "default", "closed", ""},
		{"  redis_auth: open\n" + listed, "default", "open", "default"},
		{"  redis_auth: open\n" + listed, "default", "sesame", ""},
		{"  users: [{name: default, rules: \"off nopass\"}]", "default", "x", ""},
	} {
		u, ok := forPool(t, row.settings).Authenticate([]byte(row.name), []byte(row.password))
		have := ""
		if u != nil {
			have = u.Name()
		}
		if have != row.want || ok != (have != "") {
			t.Errorf("%s\n%q with %q: %q, %v; want %q", row.settings, row.name, row.password, have, ok, row.want)
		}
	}
}

func TestInitial(t *testing.T) {
	for settings, want := range map[string]string{
		"":                   "user default on nopass ~* &* +@all",
		"  redis_auth: open": "",
		"  users: [{name: app, password: x, rules: \"+get\"}]":                "user default on nopass ~* &* +@all",
		"  users: [{name: default, rules: \"nopass ~* +@read -@dangerous\"}]": "user default on nopass ~* resetchannels -@all +@read -keys -sort_ro",
		"  users: [{name: default, rules: \"off nopass\"}]":                   "",
		"  users: [{name: default, password: x, rules: \"~* +@all\"}]":        "",
	} {
		have := ""
		if u := forPool(t, settings).Initial(); u != nil {
			have = u.String()
		}
		if have != want {
			t.Errorf("%q: %q, want %q", settings, have, want)
		}
	}
}

// TestUnreachable: who cannot log in, whatever the password.
func TestUnreachable(t *testing.T) {
	for rules, want := range map[string]bool{"": true, "off >x": true, "off nopass": true, "nopass": false, ">x": false, ">x reset on": true} {
		if u := user(t, rules); u.Unreachable() != want {
			t.Errorf("%q: unreachable is %v, want %v", rules, u.Unreachable(), want)
		}
	}
}

func TestScripts(t *testing.T) {
	for rules, want := range map[string]bool{
		"+@all": true, "+@all -@scripting": false, "+@read +@write": false, "+@scripting": true, "+get (+fcall_ro)": true, "+@all -@scripting +evalsha": true,
		"+get +fcall|f": true, "+get (+eval|x)": true, "+fcall|f -@scripting": false,
	} {
		if u := user(t, rules); u.Scripts() != want {
			t.Errorf("%q: scripts is %v, want %v", rules, u.Scripts(), want)
		}
	}
}

// TestForPoolNamesAllThatIsWrong: one error a user, with the pool's name.
func TestForPoolNamesAllThatIsWrong(t *testing.T) {
	_, err := ForPool(pool(t, `  users:
    - {name: one, password: sesame, rules: "~* +gett"}
    - {name: two, rules: "~* +@all"}
    - {name: three, rules: "+@raed"}`))
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], `pool cache: user one: rule "+gett": Unknown command`) || !strings.HasPrefix(lines[1], `pool cache: user three: rule "+@raed": Unknown`) {
		t.Errorf("%q", lines)
	}
}

func TestNewUsers(t *testing.T) {
	if _, err := NewUsers(user(t, ""), user(t, "+get")); err == nil || err.Error() != "user app: defined twice" {
		t.Errorf("two of one name: %v", err)
	}
	users, err := NewUsers(user(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, u := range users.All() {
		names = append(names, u.Name())
	}
	if !slices.Equal(names, []string{"app", "default"}) {
		t.Errorf("%q, want them by name", names)
	}
}

// TestAuthenticateComparesAlike: an unknown user costs as many comparisons as one
// with the most passwords.
func TestAuthenticateComparesAlike(t *testing.T) {
	users := forPool(t, `  users:
    - {name: app, password: [a, b, c], rules: "+get"}
    - {name: one, password: a, rules: "+get"}`)
	if users.compare != 3 {
		t.Errorf("%d passwords are compared, want 3", users.compare)
	}
	name, password := []byte("nobody"), []byte("sesame")
	if n := testing.AllocsPerRun(100, func() { users.Authenticate(name, password) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
