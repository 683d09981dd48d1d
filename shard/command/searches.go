package command

// searches holds the commands whose key specifications are unknown or incomplete,
// or do not fit some of their requests. Each is the getkeys function of the same
// command in Redis's db.c.
var searches = map[string]*search{
	"sort":       {sortKeys, []KeyFlags{KeyRO | KeyAccess, KeyOW | KeyUpdate}},
	"sort_ro":    {sortROKeys, []KeyFlags{KeyRO | KeyAccess}},
	"migrate":    {migrateKeys, []KeyFlags{KeyRW | KeyAccess | KeyDelete}},
	"xread":      {streamKeys, []KeyFlags{0}},
	"xreadgroup": {streamKeys, []KeyFlags{0}},
}

// search finds the keys of requests whose key specifications do not lead to them.
type search struct {
	find func(dst []int, a Args) []int // appends the positions
	// flags say how the keys are used, each in its place; the last one holds for
	// those that follow. 0: Redis does not know.
	flags []KeyFlags
}

// use returns how the key that was found as number i is used.
func (s *search) use(i int) KeyFlags { return s.flags[min(i, len(s.flags)-1)] }

// sortKeys finds SORT key [BY pattern] [LIMIT offset count] [GET pattern …] …
// [STORE destination]: the last STORE counts.
func sortKeys(dst []int, a Args) []int {
	dst = append(dst, 1)
	store := 0
	for i := 2; i < a.Len(); i++ {
		switch arg := a.At(i); {
		case IsKeyword(arg, "limit"):
			i += 2
		case IsKeyword(arg, "get"), IsKeyword(arg, "by"):
			i++
		case IsKeyword(arg, "store") && i+1 < a.Len():
			store = i + 1
		}
	}
	if store > 0 {
		dst = append(dst, store)
	}
	return dst
}

// sortROKeys finds SORT_RO key …, which stores nothing.
func sortROKeys(dst []int, _ Args) []int { return append(dst, 1) }

// migrateKeys finds MIGRATE host port key|"" destination-db timeout [COPY]
// [REPLACE] [AUTH password] [AUTH2 user password] [KEYS key …].
func migrateKeys(dst []int, a Args) []int {
	for i := 6; i < a.Len(); i++ {
		switch arg := a.At(i); {
		case IsKeyword(arg, "auth"):
			i++
		case IsKeyword(arg, "auth2"):
			i += 2
		case IsKeyword(arg, "keys"):
			if len(a.At(3)) > 0 {
				return dst // both forms at once: a syntax error
			}
			for i++; i < a.Len(); i++ {
				dst = append(dst, i)
			}
			return dst
		}
	}
	return append(dst, 3)
}

// streamKeys finds the keys after STREAMS, of which there are as many as IDs.
func streamKeys(dst []int, a Args) []int {
	first := parseStreams(a).first
	n := a.Len() - first
	if first == 0 || n == 0 || n%2 != 0 {
		return dst
	}
	for i := first; i < first+n/2; i++ {
		dst = append(dst, i)
	}
	return dst
}

// streamOptions is what an XREAD or XREADGROUP says before its keys.
type streamOptions struct {
	first int // the position after STREAMS; 0: there is none, a syntax error
	block int // the position after BLOCK; 0: there is none
}

// parseStreams reads options until STREAMS or the first word that is none. After
// STREAMS a key may be called "block".
func parseStreams(a Args) streamOptions {
	var o streamOptions
	for i := 1; i < a.Len(); i++ {
		switch arg := a.At(i); {
		case IsKeyword(arg, "block"):
			i++
			o.block = i
		case IsKeyword(arg, "count"):
			i++
		case IsKeyword(arg, "group"):
			i += 2
		case IsKeyword(arg, "noack"):
		case IsKeyword(arg, "streams"):
			o.first = i + 1
			return o
		default:
			return o
		}
	}
	return o
}
