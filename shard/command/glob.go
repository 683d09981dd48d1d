package command

import "strings"

// MatchGlob reports whether name matches a pattern as Redis's stringmatchlen
// does: * any run of bytes, ? one byte, [a-z] and [^a-z] a set, \ quotes the next
// byte. Time grows with the product of the lengths at most: after a failure only
// the last * is tried again.
func MatchGlob[T string | []byte](pattern string, name T) bool {
	star, resume := -1, 0 // the last * and where in name to go on after it
	p, n := 0, 0
	for n < len(name) {
		if p < len(pattern) && pattern[p] == '*' {
			if p++; p == len(pattern) {
				return true
			}
			star, resume = p-1, n
			continue
		}
		if width, ok := matchByte(pattern[p:], name[n]); ok {
			p += width
			n++
			continue
		}
		if star < 0 {
			return false
		}
		resume++
		p, n = star+1, resume
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// matchByte matches one byte against the head of a pattern that does not begin
// with *, and returns the length of that head.
func matchByte(pattern string, b byte) (width int, ok bool) {
	if pattern == "" {
		return 0, false
	}
	switch pattern[0] {
	case '?':
		return 1, true
	case '[':
		return matchSet(pattern, b)
	case '\\':
		if len(pattern) > 1 {
			return 2, pattern[1] == b
		}
	}
	return 1, pattern[0] == b
}

// matchSet matches one byte against a set; a set that is not closed ends with the
// pattern.
func matchSet(pattern string, b byte) (width int, ok bool) {
	i := 1
	not := i < len(pattern) && pattern[i] == '^'
	if not {
		i++
	}
	match := false
	for ; i < len(pattern) && pattern[i] != ']'; i++ {
		switch {
		case pattern[i] == '\\' && i+1 < len(pattern):
			i++
			match = match || pattern[i] == b
		case i+2 < len(pattern) && pattern[i+1] == '-':
			low, high := pattern[i], pattern[i+2]
			match = match || min(low, high) <= b && b <= max(low, high)
			i += 2
		default:
			match = match || pattern[i] == b
		}
	}
	return min(i+1, len(pattern)), match != not
}
