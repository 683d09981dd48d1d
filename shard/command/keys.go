package command

// Keys appends the positions of the request's keys to dst and returns it: in the
// order of the command's key specifications, each in [1, a.Len()), none when the
// request has no keys or is a syntax error which the server should explain. The
// request must have passed Resolve. Channels of sharded pub/sub are not keys.
//
// The error is an Error with the text that Redis gives when the argument that
// counts the keys is no number, or too small or too large; dst is then returned
// as it came.
//
// This is getKeysFromCommandWithSpecs of Redis's db.c, as COMMAND GETKEYS uses it.
func (c *Command) Keys(dst []int, a Args) ([]int, error) {
	if c.KeyPos > 0 {
		if c.KeyPos < a.Len() {
			dst = append(dst, c.KeyPos)
		}
		return dst, nil
	}
	start := len(dst)
	misfit := c.eachRange(a, func(r keyRange, _ KeyFlags) {
		for p := r.first; p <= r.last; p += r.step {
			dst = append(dst, p)
		}
	})
	switch {
	case misfit == nil:
		return dst, nil
	case misfit.Find.Kind == FindKeyNum:
		return dst[:start], c.numkeys.check(misfit, a)
	case c.search != nil:
		return c.search.find(dst[:start], a), nil
	}
	return dst[:start], nil
}

// eachRange calls take with the keys of each specification that finds some, in order.
// It ends at the first that does not fit the request, or may miss keys, and returns
// that; nil if there is none.
func (c *Command) eachRange(a Args, take func(keyRange, KeyFlags)) (misfit *KeySpec) {
	for i := range c.Specs {
		spec := &c.Specs[i]
		if spec.Flags&KeyNotKey != 0 {
			continue
		}
		switch keys, outcome := spec.find(a); {
		case outcome == absent:
		case outcome == found && spec.Flags&KeyIncomplete == 0:
			take(keys, spec.Flags)
		default:
			return spec
		}
	}
	return nil
}

// outcome is the end of one key specification's search.
type outcome uint8

const (
	found   outcome = iota
	absent          // the keyword is not there: these keys are optional
	invalid         // the specification does not fit the request, or says nothing
)

// keyRange is the positions first, first+step, … to last.
type keyRange struct{ first, last, step int }

// find returns the keys that one specification describes; they are all in the
// request.
func (s *KeySpec) find(a Args) (keyRange, outcome) {
	first, ok := s.Begin.find(a)
	if !ok {
		return keyRange{}, absent
	}
	n := a.Len()
	if first <= 0 || first >= n {
		return keyRange{}, invalid
	}
	step := max(1, s.Find.KeyStep)
	var last int
	switch s.Find.Kind {
	case FindRange:
		last = s.Find.last(first, n)
	case FindKeyNum:
		at := first + s.Find.KeyNumIdx
		if at >= n {
			return keyRange{}, invalid
		}
		// More keys than arguments would only overflow what follows.
		count, ok := ParseInt(a.At(at))
		if !ok || count < 1 || count > int64(n) {
			return keyRange{}, invalid
		}
		first += s.Find.FirstKey
		last = first + (int(count)-1)*step
	default:
		return keyRange{}, invalid
	}
	if first <= 0 || last < first || last >= n {
		return keyRange{}, invalid
	}
	return keyRange{first, last, step}, found
}

// last returns the position of the last key of a range that begins at first, in
// a request of n arguments.
func (f *FindKeys) last(first, n int) int {
	switch {
	case f.LastKey >= 0:
		return first + f.LastKey
	case f.Limit > 1:
		return first + (n-first)/f.Limit + f.LastKey
	default:
		return n + f.LastKey
	}
}

// find returns the position where the specification begins, 0 for one that
// cannot say, or false when its keyword is not in the request. The keyword
// is not looked for in the argument where the search would end, since nothing
// follows it there.
func (b *BeginSearch) find(a Args) (int, bool) {
	switch b.Kind {
	case BeginIndex:
		return b.Index, true
	case BeginKeyword:
		n := a.Len()
		i, end, step := b.StartFrom, n-1, 1
		if b.StartFrom <= 0 {
			i, end = n+b.StartFrom, 1
			if i > end {
				step = -1
			}
		}
		for ; i != end && i >= 1 && i < n; i += step {
			if IsKeyword(a.At(i), b.Keyword) {
				return i + 1, true
			}
		}
		return 0, false
	default:
		return 0, true
	}
}
