package acl

import (
	"errors"
	"strings"
	"testing"
)

const (
	shaOne = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed" // of "one"
	shaTwo = "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3" // of "two"
)

func TestRules(t *testing.T) {
	for _, row := range []struct{ rules, want string }{
		{"", "on resetchannels -@all"},
		{"off", "off resetchannels -@all"},
		{" \tOFF\n on\r\n", "on resetchannels -@all"},
		{"nopass", "on nopass resetchannels -@all"},
		{">one >two >one", "on #" + shaOne + " #" + shaTwo + " resetchannels -@all"},
		{">one nopass >two", "on #" + shaTwo + " resetchannels -@all"},
		{">one <one >two", "on #" + shaTwo + " resetchannels -@all"},
		{">one !" + shaOne + " #" + shaTwo, "on #" + shaTwo + " resetchannels -@all"},
		{">one resetpass", "on resetchannels -@all"},
		{"~a ~b ~a", "on ~a ~b resetchannels -@all"},
		{"%R~a %W~b %RW~c %wr~d", "on %R~a %W~b ~c ~d resetchannels -@all"},
		{"%R~a %W~a", "on ~a resetchannels -@all"},
		{"~a allkeys", "on ~* resetchannels -@all"},
		{"~a %RW~*", "on ~* resetchannels -@all"},
		{"%R~* %W~* resetkeys ~b", "on ~b resetchannels -@all"},
		{"&a &b", "on resetchannels &a &b -@all"},
		{"&a &*", "on &* -@all"},
		{"allchannels resetchannels &c", "on resetchannels &c -@all"},
		{"+GET +set -get", "on resetchannels -@all +set"},
		{"+@all", "on resetchannels +@all"},
		{"allcommands -get -config|get", "on resetchannels +@all -config|get -get"},
		{"+@all -@all +get", "on resetchannels -@all +get"},
		{"+get +config|get", "on resetchannels -@all +config|get +get"},
		{"+config -config|set", "on resetchannels -@all +config -config|set"},
		{"+@read -get", "on resetchannels -@all +@read -get"},
		{"+select|0 +select|1 +SELECT|0", "on resetchannels -@all +select|0 +select|1"},
		{"+select|0 +select", "on resetchannels -@all +select"},
		{"+select|0 -select", "on resetchannels -@all"},
		{"(+get ~a) ( +set %W~b )", "on resetchannels -@all (~a resetchannels -@all +get) (%W~b resetchannels -@all +set)"},
		{"() (+get)", "on resetchannels -@all (resetchannels -@all) (resetchannels -@all +get)"},
		{"(+get) clearselectors", "on resetchannels -@all"},
		{">one ~a &a +get (+set) reset", "off sanitize-payload resetchannels -@all"},
		{"reset on skip-sanitize-payload", "on skip-sanitize-payload resetchannels -@all"},
	} {
		u, err := Parse("u", row.rules)
		if err != nil {
			t.Errorf("%q: %v", row.rules, err)
		} else if u.Rules() != row.want {
			t.Errorf("%q: %q, want %q", row.rules, u.Rules(), row.want)
		}
	}
}

// TestPasswords: those beside the rules come last, and may hold anything.
func TestPasswords(t *testing.T) {
	u, err := Parse("u", "nopass >one", "one", "two", "with spaces\x00and more")
	if err != nil {
		t.Fatal(err)
	}
	if want := "on #" + shaOne + " #" + shaTwo + " #"; !strings.HasPrefix(u.Rules(), want) || len(u.passwords) != 3 || u.NoPass() {
		t.Errorf("%q, want it to begin with %q", u.Rules(), want)
	}
}

func TestWrongRules(t *testing.T) {
	for rule, want := range map[string]string{
		"+gett":                    `user app: rule "+gett": Unknown command or category name in ACL: want a command of Redis 7.0, as +get or +config|get`,
		"~* -@raed":                `user app: rule "-@raed": Unknown command or category name in ACL: the categories are @all, @keyspace, @read, `,
		"read":                     `user app: rule "read": Syntax error: want on, off, nopass, `,
		"~* ~a":                    `user app: rule "~a": Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid`,
		"&* &a":                    `user app: rule "&a": Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid`,
		"%~a":                      `user app: rule "%~a": Syntax error: want`,
		"%R":                       `user app: rule "%R": Syntax error: want`,
		"%RR~a":                    `user app: rule "%RR~a": Syntax error: want`,
		"+get|":                    `user app: rule "+get|": Syntax error: want`,
		"+config|get|x":            `user app: rule "+config|get|x": Allowing first-arg of a subcommand is not supported`,
		"-select|0":                `user app: rule "-select|0": Unknown command`,
		"<sesame":                  `user app: rule "<(redacted)": The password you are trying to remove from the user does not exist`,
		"#sesame":                  `user app: rule "#(redacted)": The password hash must be exactly 64 characters`,
		"!" + shaOne:               `user app: rule "!(redacted)": The password you are trying`,
		"+get (~a +gett) +set":     `user app: rule "+gett": Unknown command`,
		"(on)":                     `user app: rule "on": Syntax error`,
		"+gett (~a":                `user app: rule "(~a": Unmatched parenthesis in acl selector`,
		"(+get (+set) +mget)":      `user app: rule "(+set)": Syntax error: a selector within another`,
		`(~"a)`:                    `user app: rule "~\"a": Syntax error: quotes`,
		"(~a))":                    `user app: rule "~a)": Syntax error: within a selector`,
		"+get\x00 ":                `user app: rules can't contain null characters`,
		"(~a) >sesame <not-sesame": `user app: rule "<(redacted)": The password`,
	} {
		_, err := Parse("app", rule)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", rule, err, want)
			continue
		}
		if strings.Contains(err.Error(), "sesame") {
			t.Errorf("%q: a password is in %v", rule, err)
		}
		var wrong *RuleError
		if !errors.As(err, &wrong) && !strings.Contains(rule, "\x00") {
			t.Errorf("%q: %T, want a RuleError", rule, err)
		}
	}
	for _, name := range []string{"", "a b", "a\tb", "a\x00b"} {
		if _, err := Parse(name, ""); err == nil {
			t.Errorf("%q is taken as a name", name)
		}
	}
}

// FuzzParse: what a user is described as makes the same user.
func FuzzParse(f *testing.F) {
	for _, rules := range []string{
		"on >one ~cache:* &c* +@read +@write -@dangerous -get +config|get +select|0",
		"+@all -@admin -config|set (%R~a +get) ( &x -@all )", "reset %rw~* nopass", "~(a (~a)", `~"a (%W~*) +@all -@all`,
	} {
		f.Add(rules)
	}
	f.Fuzz(func(t *testing.T, rules string) {
		u, err := Parse("u", rules)
		if err != nil {
			return
		}
		again, err := Parse("u", u.Rules())
		if err != nil {
			t.Fatalf("%q: described as %q: %v", rules, u.Rules(), err)
		}
		if again.Rules() != u.Rules() {
			t.Fatalf("%q: described as %q, which is described as %q", rules, u.Rules(), again.Rules())
		}
		if again.Unlimited() && !u.Unlimited() {
			t.Fatalf("%q: described as %q, which may do everything", rules, u.Rules())
		}
		for i := range u.selectors {
			for id, word := range u.selectors[i].commands {
				if again.selectors[i].commands[id] != word {
					t.Fatalf("%q: described as %q, which allows other commands", rules, u.Rules())
				}
			}
		}
	})
}
