package command

import (
	"math"
	"strings"
)

// KeyUse is one key of a request.
type KeyUse struct {
	Pos   int      // its position, in [1, a.Len())
	Flags KeyFlags // how the request uses it; 0: Redis does not know
}

// KeyUses appends the request's keys and how each is used to dst and returns it:
// what ACL rules are checked against. The request must have passed Resolve.
//
// It finds what Keys finds, but for a wrong number of keys: there Keys has an
// error, and KeyUses the keys that Redis takes it for, since Redis checks the ACL
// rules before the command looks at its arguments.
//
// This is getKeysFromCommandWithSpecs of Redis's db.c, as COMMAND GETKEYSANDFLAGS
// uses it. It allocates nothing when dst has room, except for SORT and SORT_RO.
func (c *Command) KeyUses(dst []KeyUse, a Args) []KeyUse {
	if c.variable != nil {
		return append(dst, KeyUse{1, c.variable(a)})
	}
	start := len(dst)
	misfit := c.eachRange(a, func(r keyRange, use KeyFlags) {
		for p := r.first; p <= r.last; p += r.step {
			dst = append(dst, KeyUse{p, use})
		}
	})
	switch {
	case misfit == nil:
		return dst
	case misfit.Find.Kind == FindKeyNum:
		return c.countedKeys(dst[:start], a)
	case c.search != nil:
		dst = dst[:start]
		for i, p := range c.search.find(nil, a) {
			dst = append(dst, KeyUse{p, c.search.use(i)})
		}
		return dst
	}
	return dst[:start]
}

// countedKeys appends the keys of a request whose number of keys fits no
// specification, as genericGetKeys of db.c reads it: with atoi, and what the
// command stores to comes last.
func (c *Command) countedKeys(dst []KeyUse, a Args) []KeyUse {
	start, store := len(dst), 0
	for i := range c.Specs {
		spec := &c.Specs[i]
		at, first := spec.Begin.Index+spec.Find.KeyNumIdx, spec.Begin.Index+spec.Find.FirstKey
		if spec.Find.Kind != FindKeyNum {
			store = spec.Begin.Index
			continue
		}
		if at >= a.Len() {
			return dst[:start]
		}
		count := int(atoi(a.At(at)))
		if count < 1 || count > a.Len()-first {
			return dst[:start]
		}
		for p := first; p < first+count; p++ {
			dst = append(dst, KeyUse{Pos: p})
		}
	}
	if store > 0 {
		dst = append(dst, KeyUse{Pos: store})
	}
	return dst
}

// atoi is C's, as glibc has it: white space, a sign, digits up to anything else;
// a number beyond 64 bits is the largest one, and its low 32 bits count.
func atoi(s []byte) int32 {
	i := 0
	for i < len(s) && strings.IndexByte(" \t\n\v\f\r", s[i]) >= 0 {
		i++
	}
	negative := i < len(s) && s[i] == '-'
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	var v uint64
	for ; i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
		if v > (math.MaxUint64-9)/10 {
			v = math.MaxUint64
			break
		}
		v = v*10 + uint64(s[i]-'0')
	}
	switch {
	case negative && v > -math.MinInt64:
		return 0 // the low bits of the least number
	case negative:
		return int32(-v)
	case v > math.MaxInt64:
		return -1 // the low bits of the largest
	}
	return int32(v)
}

// variableFunc says how a request uses its key, which is argument 1.
type variableFunc func(a Args) KeyFlags

// variables holds the commands whose one key is used as the arguments say. Each is
// the getkeys function of the same command in Redis's db.c.
var variables = map[string]variableFunc{
	"set":      setUse,
	"bitfield": bitfieldUse,
}

// setUse: SET key value … GET reads, too.
func setUse(a Args) KeyFlags {
	for i := 3; i < a.Len(); i++ {
		if IsKeyword(a.At(i), "get") {
			return KeyRW | KeyAccess | KeyUpdate
		}
	}
	return KeyOW | KeyUpdate
}

// bitfieldUse: BITFIELD key reads if nothing but GET and OVERFLOW follow.
func bitfieldUse(a Args) KeyFlags {
	const writes = KeyRW | KeyAccess | KeyUpdate
	for i := 2; i < a.Len(); i++ {
		left := a.Len() - i - 1
		switch arg := a.At(i); {
		case IsKeyword(arg, "get") && left >= 2:
			i += 2
		case IsKeyword(arg, "overflow") && left >= 1:
			i++
		default: // SET, INCRBY, or a syntax error
			return writes
		}
	}
	return KeyRO | KeyAccess
}
