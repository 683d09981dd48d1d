package memcache

import (
	"bytes"
	"math"
)

// number reads a token as strtol does: spaces before it, a sign, digits, and then
// the end or a space.
func number(t []byte) (neg bool, mag uint64, ok bool) {
	i := 0
	for i < len(t) && isSpace(t[i]) {
		i++
	}
	if i < len(t) && (t[i] == '+' || t[i] == '-') {
		neg = t[i] == '-'
		i++
	}
	first := i
	for ; i < len(t) && t[i]-'0' <= 9; i++ {
		d := uint64(t[i] - '0')
		if mag > (math.MaxUint64-d)/10 {
			return false, 0, false
		}
		mag = mag*10 + d
	}
	return neg, mag, i > first && (i == len(t) || isSpace(t[i]))
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// signed is memcached's safe_strtol: what does not fit in 32 bits loses its upper half.
func signed(t []byte) (int32, bool) {
	neg, mag, ok := number(t)
	if !ok || mag > math.MaxInt64 && !(neg && mag == 1<<63) {
		return 0, false
	}
	v := int64(mag)
	if neg {
		v = -v
	}
	return int32(v), true
}

// isUnsigned reports whether memcached's safe_strtoul and safe_strtoull take a token.
func isUnsigned(t []byte) bool {
	neg, mag, ok := number(t)
	if !ok {
		return false
	}
	if neg {
		mag = -mag
	}
	return int64(mag) >= 0 || bytes.IndexByte(t, '-') < 0
}
