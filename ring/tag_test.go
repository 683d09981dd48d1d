package ring

import (
	"errors"
	"strings"
	"testing"
)

func TestTagOf(t *testing.T) {
	braces, dollars := mustPair(t, "{}"), mustPair(t, "$$")
	usual := mustPattern(t, `\{(.+?)\}`)
	for _, c := range []struct {
		tag       Tag
		key, want string
	}{
		{Tag{}, "{a}b", "{a}b"},
		{NoTag(), "{a}b", "{a}b"},

		{braces, "", ""},
		{braces, "{a}b", "a"},
		{braces, "x{a}{b}", "a"},
		{braces, "{}{b}", "{}{b}"},
		{braces, "{{a}}", "{a"},
		{braces, "{a", "{a"},
		{braces, "}a{", "}a{"},
		{braces, "}{a}", "a"},
		{braces, "{\xff\x00}", "\xff\x00"},
		{dollars, "a$b$c", "b"},
		{dollars, "$$c$", "$$c$"},
		{dollars, "a$b", "a$b"},

		{usual, "foo{}", "foo{}"},
		{usual, "{}}", "}"},
		{usual, "{}{b}", "}{b"},
		{usual, "{键}", "键"},
		{usual, "{\n}{b}", "b"},
		{usual, "{a\r}b", "{a\r}b"},
		{usual, "{a\u0085}b", "{a\u0085}b"},
		{usual, "{a\u2028}b", "{a\u2028}b"},
		{usual, "{a\u2029}b", "{a\u2029}b"},
		{usual, "{a\v\f}b", "a\v\f"},

		// The same by package regexp.
		{mustPattern(t, `(?:\{)(.+?)\}`), "{a\u2028}{b}", "b"},
		{mustPattern(t, `(?:\{)(.+?)\}`), "{a\r}{\v}", "\v"},
		{mustPattern(t, `^([a-z]+):`), "user:1", "user"},
		{mustPattern(t, `^([a-z]+):`), "User:1", "User:1"},
		{mustPattern(t, `(?<tag>\d+)`), "a12b3", "12"},
		{mustPattern(t, `\{(.*?)\}`), "a{}", ""}, // empty, but the group's
		{mustPattern(t, `a|(b)`), "ab", "ab"},    // matches without the group
		{mustPattern(t, `\s(.)`), "a\vb", "b"},
		{mustPattern(t, `[\s](\S)`), "a\v\vb", "b"},
		{mustPattern(t, `[]x](.)`), "]a", "a"},
		{mustPattern(t, `[^]x](.)`), "]ab", "b"},
		{mustPattern(t, `[.$(](.)`), "a.b", "b"},
		{mustPattern(t, `(\w+)$`), "a b", "b"},
		{mustPattern(t, `(\w+)$`), "a b\n", "b"},
		{mustPattern(t, `(\w+)$`), "a b\r\n", "b"},
		{mustPattern(t, `(\w+)$`), "a b\u2028", "b"},
		{mustPattern(t, `(\w+)$`), "a b\n\n", "a b\n\n"},
		{mustPattern(t, `(\w+)\z`), "a b\n", "a b\n"},
		{mustPattern(t, `\$(\w+)`), "a$b", "b"},
	} {
		if got := string(c.tag.Of([]byte(c.key))); got != c.want {
			t.Errorf("tag %v of %q is %q, want %q", c.tag, c.key, got, c.want)
		}
	}
}

func TestTagIsView(t *testing.T) {
	key := []byte("{a}b")
	braces := mustPair(t, "{}")
	if tag := braces.Of(key); &tag[0] != &key[1] {
		t.Error("the tag is a copy")
	}
}

func TestTagPairRefuses(t *testing.T) {
	for _, pair := range []string{"", "{", "{}}", "键"} {
		if _, err := TagPair(pair); err == nil || !strings.Contains(err.Error(), "exactly two characters") {
			t.Errorf("pair %q: %v", pair, err)
		}
	}
}

func TestTagPatternRefuses(t *testing.T) {
	for _, c := range []struct{ expression, text string }{
		{``, "this one has 0"},
		{`abc`, "this one has 0"},
		{`(?:a)`, "this one has 0"},
		{`(a)(b)`, "this one has 2"},
		{`(a`, "missing closing )"},
		{`(a)\`, "ends in a backslash"},
		{`(a)\b`, `\b is not supported`},
		{`(a)\v`, `\v is not supported`},
		{`(a)\1`, `\1 is not supported`},
		{`(\p{L})`, `\p is not supported`},
		{`\Qa\E(b)`, `\Q is not supported`},
		{`(a)\键`, `\键 is not supported`},
		{`([\S])`, `\S is not supported`},
		{`(?i)(a)`, "(?i) is not supported"},
		{`(?=a)(a)`, "(?=a is not supported"},
		{`(?<=a)(a)`, "(?<= is not supported"},
		{`(?<!a)(a)`, "(?<! is not supported"},
		{`(?P<n>a)`, "(?P< is not supported"},
		{`(a++)`, "invalid nested repetition"},
		{`([a-z&&[^b]])`, "set inside a class"},
		{`([a[b]])`, "set inside a class"},
		{`(a$)`, "only as the last character"},
		{"(\xff)", "UTF-8"},
	} {
		_, err := TagPattern(c.expression)
		var refused *ConfigError
		if !errors.As(err, &refused) || refused.Field != "Tag" || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%q: %v, want %q in it", c.expression, err, c.text)
		}
	}
}
