package ring

import (
	"bytes"
	"errors"
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

// javaLineEnds are the characters that end a line in Java.
const javaLineEnds = `\n\r\x{85}\x{2028}\x{2029}`

// compilePattern compiles a Java regular expression. Where Java and Go read
// one text differently it is rewritten or refused, never left to mean
// something else; TagPattern lists what is.
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
		return nil, refuse("%v", err)
	}
	if n := re.NumSubexp(); n != 1 {
		return nil, refuse("a tag pattern has one group, which holds the tag; this one has %d", n)
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
			text, err := escape(rest, inClass)
			if err != nil {
				return "", err
			}
			b.WriteString(text)
			i++
			continue
		case inClass && (c == '[' || c == '&' && strings.HasPrefix(rest, "&")):
			return "", fmt.Errorf("a set inside a class is not supported; the character itself is written \\%c", c)
		case inClass:
			inClass = c != ']'
		case c == '[':
			inClass = true
			b.WriteByte(c)
			// A caret that negates and a bracket that comes first do not end it.
			for _, lead := range []string{"^", "]"} {
				if strings.HasPrefix(java[i+1:], lead) {
					b.WriteString(lead)
					i++
				}
			}
			continue
		case c == '.':
			b.WriteString("[^" + javaLineEnds + "]")
			continue
		case c == '$' && rest != "":
			return "", errors.New("$ is supported only as the last character")
		case c == '$':
			// It takes the line end where Java only looks at it, which no
			// group can tell; a \r\n that the expression itself splits is
			// all that Java would read differently.
			b.WriteString(`(?:\r\n|[` + javaLineEnds + `])?\z`)
			continue
		case c == '(' && strings.HasPrefix(rest, "?") && !plainGroup(rest):
			return "", fmt.Errorf("(%.3s is not supported; of what starts with (? only (?:…) and (?<name>…) are", rest)
		}
		b.WriteByte(c)
	}
	return b.String(), nil
}

// plainGroup tells (?:…) and (?<name>…) from flags and look-around by what
// follows the parenthesis.
func plainGroup(rest string) bool {
	return strings.HasPrefix(rest, "?:") ||
		strings.HasPrefix(rest, "?<") && !strings.HasPrefix(rest, "?<=") && !strings.HasPrefix(rest, "?<!")
}

// escape translates the character that follows a backslash.
func escape(rest string, inClass bool) (string, error) {
	if rest == "" {
		return "", errors.New("it ends in a backslash")
	}
	switch c := rest[0]; c {
	case 's':
		if inClass {
			return ` \t-\r`, nil
		}
		return `[ \t-\r]`, nil
	case 'S':
		if !inClass {
			return `[^ \t-\r]`, nil
		}
	case 'd', 'D', 'w', 'W', 't', 'n', 'r', 'f', 'a', 'x', 'A', 'z':
		return `\` + rest[:1], nil
	default:
		if c < utf8.RuneSelf && !isAlphanumeric(c) {
			return `\` + rest[:1], nil
		}
	}
	char, _ := utf8.DecodeRuneInString(rest)
	return "", fmt.Errorf(`\%c is not supported here`, char)
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// openClose recognises open(.+?)close, where open and close are one printable
// ASCII character each, written with or without a backslash.
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
	} else if len(expression) != 1 || strings.Contains(`\^$.|?*+()[{`, expression) {
		return 0, false
	}
	return expression[0], ' ' <= expression[0] && expression[0] <= '~'
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
// can be, none of them a line end. It looks at each byte once: where a start
// has met a line end or nothing, no start in between can do better.
func (p *pattern) between(key []byte) []byte {
	i := bytes.IndexByte(key, p.open)
	if i < 0 {
		return key
	}
	start := 0 // of the tag, 0 while there is no open before it
	for i < len(key) {
		c := key[i]
		if start > 0 && c == p.close && i > start {
			return key[start:i]
		}
		n := charLen(key[i:])
		switch {
		case start == 0 && c == p.open:
			start = i + 1
		case n == 0:
			start = 0
		}
		i += max(n, 1)
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
