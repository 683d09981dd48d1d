package command

import (
	"bytes"
	"math"
)

// IsKeyword reports whether an argument of a request is a keyword as Redis's own
// parsers (strcasecmp) see it: in any case, and up to the first zero byte. The keyword
// may be written in either case.
func IsKeyword(arg []byte, keyword string) bool {
	if i := bytes.IndexByte(arg, 0); i >= 0 {
		arg = arg[:i]
	}
	if len(arg) != len(keyword) {
		return false
	}
	for i, b := range arg {
		if lowerByte(b) != lowerByte(keyword[i]) {
			return false
		}
	}
	return true
}

// Lower returns text with its ASCII letters in lower case, and nothing else changed.
func Lower[T string | []byte](text T) string {
	lower := append([]byte(nil), text...)
	for i, c := range lower {
		lower[i] = lowerByte(c)
	}
	return string(lower)
}

// ParseInt reads an argument of a request as Redis reads integers (string2ll):
// decimal, no plus sign, no leading zero, no space, within an int64.
func ParseInt(s []byte) (int64, bool) {
	if len(s) == 1 && s[0] == '0' {
		return 0, true
	}
	negative := len(s) > 0 && s[0] == '-'
	if negative {
		s = s[1:]
	}
	if len(s) == 0 || s[0] < '1' || s[0] > '9' {
		return 0, false
	}
	var v uint64
	for _, d := range s {
		if d < '0' || d > '9' || v > math.MaxUint64/10 {
			return 0, false
		}
		v *= 10
		if v > math.MaxUint64-uint64(d-'0') {
			return 0, false
		}
		v += uint64(d - '0')
	}
	switch {
	case negative && v <= -math.MinInt64:
		return -int64(v), true
	case !negative && v <= math.MaxInt64:
		return int64(v), true
	}
	return 0, false
}
