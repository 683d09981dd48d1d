package config

import (
	"fmt"
	"strings"
)

// expand replaces ${NAME} and ${NAME:-default} in s by the environment's
// values. Text without "${" is returned as it is; in other text "$$" is a
// dollar. So every value that nutcracker reads the same way stays as it is,
// such as hash_tag: "$$" and a password with a dollar in it.
//
// As in a shell, ${NAME:-default} takes the default when NAME is unset or
// empty. Values are not expanded again, and cannot change the structure of the
// file, because it has been parsed before.
func expand(s string, lookup func(string) (string, bool)) (string, error) {
	if !strings.Contains(s, "${") {
		return s, nil
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '$')
		if i < 0 || i == len(s)-1 {
			b.WriteString(s)
			return b.String(), nil
		}
		b.WriteString(s[:i])
		switch s[i+1] {
		case '$':
			b.WriteByte('$')
			s = s[i+2:]
		case '{':
			end := strings.IndexByte(s[i:], '}')
			if end < 0 {
				return "", fmt.Errorf("${ has no closing }: write $${ for a dollar and a brace")
			}
			value, err := variable(s[i+2:i+end], lookup)
			if err != nil {
				return "", err
			}
			b.WriteString(value)
			s = s[i+end+1:]
		default:
			b.WriteByte('$')
			s = s[i+1:]
		}
	}
}

// variable returns the value of what stands between ${ and }.
func variable(inside string, lookup func(string) (string, bool)) (string, error) {
	name, byDefault, hasDefault := strings.Cut(inside, ":-")
	if !isVariable(name) {
		return "", fmt.Errorf("${ and } do not enclose the name of an environment variable (letters, digits, _): write $${ for a dollar and a brace")
	}
	value, set := lookup(name)
	switch {
	case hasDefault && value == "":
		return byDefault, nil
	case !set:
		return "", fmt.Errorf("environment variable %s is not set: set it, or write ${%s:-default}", name, name)
	}
	return value, nil
}

// soleVariable returns NAME when s is nothing but ${NAME}, else "".
func soleVariable(s string) string {
	name, found := strings.CutPrefix(s, "${")
	name, closed := strings.CutSuffix(name, "}")
	if !found || !closed || !isVariable(name) {
		return ""
	}
	return name
}

func isVariable(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := c == '_' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// unexpanded writes s so that expand returns it again.
func unexpanded(s string) string {
	if !strings.Contains(s, "${") {
		return s
	}
	return strings.ReplaceAll(s, "$", "$$")
}
