package command

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// commandFields is the number of elements a command has in the COMMAND reply of
// Redis 7 and later.
const commandFields = 10

// ParseInfo reads one element of a COMMAND or COMMAND INFO reply, decoded as
// redigo decodes RESP2: arrays are []any, bulk strings []byte, simple strings
// string, integers int64. Flags, categories and kinds of key specification that
// this version has no name for are left out, so that a newer server's commands
// are still understood; anything of another shape is an error.
func ParseInfo(reply any) (Info, error) {
	fields, ok := reply.([]any)
	if !ok || len(fields) < commandFields {
		return Info{}, fmt.Errorf("command reply: %T is not an array of at least %d elements", reply, commandFields)
	}
	p := parser{}
	info := Info{
		Name:       strings.ToLower(p.text(fields[0])),
		Arity:      p.integer(fields[1]),
		Flags:      Flags(p.bits(fields[2], flagNames[:])),
		FirstKey:   p.integer(fields[3]),
		LastKey:    p.integer(fields[4]),
		KeyStep:    p.integer(fields[5]),
		Categories: Categories(p.bits(fields[6], categoryNames[:])),
	}
	for _, tip := range p.array(fields[7]) {
		info.Tips = append(info.Tips, p.text(tip))
	}
	for _, spec := range p.array(fields[8]) {
		info.Specs = append(info.Specs, p.spec(spec))
	}
	for _, sub := range p.array(fields[9]) {
		s, err := ParseInfo(sub)
		if err != nil {
			return Info{}, fmt.Errorf("%s: %w", info.Name, err)
		}
		info.Subcommands = append(info.Subcommands, s)
	}
	slices.SortFunc(info.Subcommands, compareNames)
	if p.err != nil {
		return Info{}, fmt.Errorf("command reply of %q: %w", info.Name, p.err)
	}
	return info, nil
}

func compareNames(a, b Info) int { return cmp.Compare(a.Name, b.Name) }

// parser keeps the first error, so that reading a reply is one straight line.
type parser struct{ err error }

func (p *parser) fail(got any, want string) {
	if p.err == nil {
		p.err = fmt.Errorf("%v (%T) is not %s", got, got, want)
	}
}

func (p *parser) text(v any) string {
	switch v := v.(type) {
	case []byte:
		return string(v)
	case string:
		return v
	}
	p.fail(v, "a string")
	return ""
}

func (p *parser) integer(v any) int {
	n, ok := v.(int64)
	if !ok {
		p.fail(v, "an integer")
	}
	return int(n)
}

func (p *parser) array(v any) []any {
	a, ok := v.([]any)
	if !ok {
		p.fail(v, "an array")
	}
	return a
}

func (p *parser) bits(v any, names []string) uint32 {
	var bits uint32
	for _, name := range p.array(v) {
		bits |= bitOf(p.text(name), names)
	}
	return bits
}

// fields reads a map, which RESP2 writes as an array of names and values.
func (p *parser) fields(v any) map[string]any {
	flat := p.array(v)
	m := make(map[string]any, len(flat)/2)
	for i := 0; i+1 < len(flat); i += 2 {
		m[p.text(flat[i])] = flat[i+1]
	}
	return m
}

func (p *parser) spec(v any) KeySpec {
	m := p.fields(v)
	spec := KeySpec{Flags: KeyFlags(p.bits(m["flags"], keyFlagNames[:]))}
	if notes, ok := m["notes"]; ok {
		spec.Notes = p.text(notes)
	}
	kind, at := p.kind(m["begin_search"])
	switch kind {
	case "index":
		spec.Begin = BeginSearch{Kind: BeginIndex, Index: p.integer(at["index"])}
	case "keyword":
		spec.Begin = BeginSearch{Kind: BeginKeyword, Keyword: p.text(at["keyword"]), StartFrom: p.integer(at["startfrom"])}
	}
	kind, at = p.kind(m["find_keys"])
	switch kind {
	case "range":
		spec.Find = FindKeys{
			Kind: FindRange, LastKey: p.integer(at["lastkey"]),
			KeyStep: p.integer(at["keystep"]), Limit: p.integer(at["limit"]),
		}
	case "keynum":
		spec.Find = FindKeys{
			Kind: FindKeyNum, KeyNumIdx: p.integer(at["keynumidx"]),
			FirstKey: p.integer(at["firstkey"]), KeyStep: p.integer(at["keystep"]),
		}
	}
	return spec
}

// kind reads {type: …, spec: {…}}.
func (p *parser) kind(v any) (string, map[string]any) {
	m := p.fields(v)
	return p.text(m["type"]), p.fields(m["spec"])
}
