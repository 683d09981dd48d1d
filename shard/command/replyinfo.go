package command

// appendInfo appends a command as COMMAND and COMMAND INFO describe it in RESP2:
// ten fields, maps as arrays, flags as simple strings.
func appendInfo(dst []byte, info *Info) []byte {
	dst = appendArray(dst, commandFields)
	dst = appendBulk(dst, info.Name)
	dst = appendInteger(dst, info.Arity)
	dst = appendStrings(dst, bitNames(uint32(info.Flags), flagNames[:]), appendSimple)
	dst = appendInteger(dst, info.FirstKey)
	dst = appendInteger(dst, info.LastKey)
	dst = appendInteger(dst, info.KeyStep)
	dst = appendStrings(dst, bitNames(uint32(info.Categories), categoryNames[:]), appendSimple)
	dst = appendStrings(dst, info.Tips, appendBulk[string])
	dst = appendArray(dst, len(info.Specs))
	for i := range info.Specs {
		dst = appendSpec(dst, &info.Specs[i])
	}
	dst = appendArray(dst, len(info.Subcommands))
	for i := range info.Subcommands {
		dst = appendInfo(dst, &info.Subcommands[i])
	}
	return dst
}

func appendSpec(dst []byte, spec *KeySpec) []byte {
	if spec.Notes == "" {
		dst = appendArray(dst, 6)
	} else {
		dst = appendArray(dst, 8)
		dst = appendBulk(dst, "notes")
		dst = appendBulk(dst, spec.Notes)
	}
	dst = appendBulk(dst, "flags")
	dst = appendStrings(dst, bitNames(uint32(spec.Flags), keyFlagNames[:]), appendSimple)

	dst = appendBulk(dst, "begin_search")
	dst = appendKind(dst, spec.Begin.Kind.String())
	switch begin := &spec.Begin; begin.Kind {
	case BeginIndex:
		dst = appendArray(dst, 2)
		dst = appendField(dst, "index", begin.Index)
	case BeginKeyword:
		dst = appendArray(dst, 4)
		dst = appendBulk(dst, "keyword")
		dst = appendBulk(dst, begin.Keyword)
		dst = appendField(dst, "startfrom", begin.StartFrom)
	default:
		dst = appendArray(dst, 0)
	}

	dst = appendBulk(dst, "find_keys")
	dst = appendKind(dst, spec.Find.Kind.String())
	switch find := &spec.Find; find.Kind {
	case FindRange:
		dst = appendArray(dst, 6)
		dst = appendField(dst, "lastkey", find.LastKey)
		dst = appendField(dst, "keystep", find.KeyStep)
		dst = appendField(dst, "limit", find.Limit)
	case FindKeyNum:
		dst = appendArray(dst, 6)
		dst = appendField(dst, "keynumidx", find.KeyNumIdx)
		dst = appendField(dst, "firstkey", find.FirstKey)
		dst = appendField(dst, "keystep", find.KeyStep)
	default:
		dst = appendArray(dst, 0)
	}
	return dst
}

// appendKind begins {type: kind, spec: {…}}; the caller appends the inner map.
func appendKind(dst []byte, kind string) []byte {
	dst = appendArray(dst, 4)
	dst = appendBulk(dst, "type")
	dst = appendBulk(dst, kind)
	return appendBulk(dst, "spec")
}

func appendField(dst []byte, name string, n int) []byte {
	return appendInteger(appendBulk(dst, name), n)
}

func appendStrings(dst []byte, list []string, element func([]byte, string) []byte) []byte {
	dst = appendArray(dst, len(list))
	for _, s := range list {
		dst = element(dst, s)
	}
	return dst
}
