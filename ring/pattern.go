package ring

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A pattern finds the one group of a Java regular expression in a key.
type pattern struct {
	re *regexp.Regexp

	// open and close are set for open(.+?)close, the expression that nearly
	// everybody uses; it is matched by hand, which takes no allocation.
	simple      bool
	open, close byte
}

// javaLine is the set of characters at which Java ends a line.
const javaLine = `\n\r\x{85}\x{2028}\x{2029}`

// compilePattern translates a Java regular expression to Go's syntax and
// compiles it. Where the two languages differ the expression is rewritten or
// refused, never left to mean something else:
//
//   - "." excludes five line ends in Java, one in Go: rewritten
//   - \s holds \v in Java: rewritten; \S inside a class is refused
//   - $ also matches before a last line end in Java: rewritten as the last
//     character of the expression, refused elsewhere
//   - flags, look-around, back-references, possessive quantifiers, \b, \v, \p,
//     \Q and class set operations: refused
//   - not exactly one group: refused
func compilePattern(expression string) (*pattern, error) {
	refuse := func(format string, args ...any) error {
		return &ConfigError{Field: "Tag", Shard: -1, Value: strconv.Quote(expression),
			Reason: fmt.Sprintf(format, args...)}
	}
	if !utf8.ValidString(expression) {
		return nil, refuse("a tag pattern is UTF-8")
	}
	text, err := fromJava(expression)
	if err != nil {
		return nil, refuse("%v", err)
	}
	re, err := regexp.Compile(text)
	if err != nil {
		if _, err := regexp.Compile(expression); err != nil {
			return nil, refuse("%v", err)
		}
		return nil, refuse("%v", err)
	}
	if n := re.NumSubexp(); n != 1 {
		return nil, refuse("a tag pattern has one group, the tag; this one has %d", n)
	}
	p := &pattern{re: re}
	p.open, p.close, p.simple = openClose(expression)
	return p, nil
}

// fromJava rewrites an expression from Java's syntax to Go's.
func fromJava(java string) (string, error) {
	var b strings.Builder
	inClass := false
	for i := 0; i < len(java); i++ {
		c, rest := java[i], java[i+1:]
		switch {
		case c == '\\':
			if rest == "" {
				return "", fmt.Errorf("it ends in a backslash")
			}
			i++
			text, err := escape(rest[0], inClass)
			if err != nil {
				return "", err
			}
			b.WriteString(text)
			continue
		case inClass && c == '[', inClass && c == '&' && strings.HasPrefix(rest, "&"):
			return "", fmt.Errorf("a class inside a class is not supported; write \\%c for the character", c)
		case inClass:
			inClass = c != ']'
		case c == '[':
			inClass = true
			// A leading ^ and a leading ] are part of the class.
			b.WriteByte(c)
			for _, lead := range []string{"^", "]"} {
				if strings.HasPrefix(java[i+1:], lead) {
					b.WriteString(lead)
					i++
				}
			}
			continue
		case c == '.':
			b.WriteString("[^" + javaLine + "]")
			continue
		case c == '$':
			if rest != "" {
				return "", fmt.Errorf("$ is supported only at the end")
			}
			b.WriteString(`(?:\r\n|[` + javaLine + `])?\z`)
			continue
		case c == '(' && strings.HasPrefix(rest, "?"):
			named := strings.HasPrefix(rest, "?<") && !strings.HasPrefix(rest, "?<=") && !strings.HasPrefix(rest, "?<!")
			if !named && !strings.HasPrefix(rest, "?:") {
				return "", fmt.Errorf("(?%.1s is not supported; of the forms with (? only (?:…) and (?<name>…) are", rest[1:])
			}
		}
		b.WriteByte(c)
	}
	return b.String(), nil
}

// escape translates a backslash and the character after it.
func escape(c byte, inClass bool) (string, error) {
	switch c {
	case 's':
		if inClass {
			return `\t-\r `, nil
		}
		return `[\t-\r ]`, nil
	case 'S':
		if !inClass {
			return `[^\t-\r ]`, nil
		}
		return "", fmt.Errorf(`\S inside a class is not supported`)
	case 'd', 'D', 'w', 'W', 't', 'n', 'r', 'f', 'a', 'x', 'A', 'z':
		return `\` + string(c), nil
	}
	if c < utf8.RuneSelf && !isAlphanumeric(c) {
		return `\` + string(c), nil
	}
	return "", fmt.Errorf(`\%c is not supported`, c)
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// openClose recognises open(.+?)close, where open and close are one ASCII
// character each, written with or without a backslash.
func openClose(expression string) (open, close byte, ok bool) {
	before, after, found := strings.Cut(expression, "(.+?)")
	if !found {
		return 0, 0, false
	}
	open, okOpen := literal(before)
	close, okClose := literal(after)
	return open, close, okOpen && okClose
}

// literal returns the one character that an expression stands for.
func literal(expression string) (byte, bool) {
	if len(expression) == 2 && expression[0] == '\\' && !isAlphanumeric(expression[1]) {
		expression = expression[1:]
	} else if len(expression) != 1 || strings.Contains(`\^$.|?*+()[]{}`, expression) {
		return 0, false
	}
	return expression[0], expression[0] < utf8.RuneSelf
}

// group returns what the group holds in the first match, else the whole key.
func (p *pattern) group(key []byte) []byte {
	if p.simple {
		return p.between(key)
	}
	// Not a match, or a match that goes round the group as in (a)|b.
	m := p.re.FindSubmatchIndex(key)
	if m == nil || m[2] < 0 {
		return key
	}
	return key[m[2]:m[3]]
}

// between matches open(.+?)close by hand: at least one character, as few as
// can be, none of them a line end.
func (p *pattern) between(key []byte) []byte {
	for start := 0; start < len(key); start++ {
		if key[start] != p.open {
			continue
		}
		for i := start + 1; i < len(key); {
			if key[i] == p.close && i > start+1 {
				return key[start+1 : i]
			}
			n := charLen(key[i:])
			if n == 0 {
				break
			}
			i += n
		}
	}
	return key
}

// charLen is the length of the first character, 0 if it ends a line in Java.
func charLen(p []byte) int {
	if c := p[0]; c < utf8.RuneSelf {
		if c == '\n' || c == '\r' {
			return 0
		}
		return 1
	}
	r, n := utf8.DecodeRune(p)
	if r == '\u0085' || r == '\u2028' || r == '\u2029' {
		return 0
	}
	return n
}
