package config

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const maxInt = math.MaxInt32 // nutcracker's numbers are C's int

// decoder turns the tree of one file into a [File] and collects every problem
// on the way. It has no state beyond the call of Parse that made it.
type decoder struct {
	*problems
	options
	dir string // where relative paths of secrets start
}

// key is one key of a mapping: a row of the tables in keys.go, from which files
// are read, dumped and documented.
type key[T any] struct {
	name string
	unit string // what the value is, for the reference
	doc  string
	binding[T]
}

// binding ties a key to the field it sets.
type binding[T any] struct {
	read func(d *decoder, k string, v node, to *T)
	show func(from *T) string // the effective value in YAML; "" is not printed
}

// given tells of the keys that a mapping holds.
type given map[string]givenKey

type givenKey struct {
	key, value position
	ok         bool // the value alone is possible
}

// has says that the key is there, with whatever value.
func (g given) has(key string) bool { _, ok := g[key]; return ok }

// possible says that the key's value, if it is given, is one it can have.
func (g given) possible(key string) bool { return !g.has(key) || g[key].ok }

// value returns where the key's value stands, or otherwise when it is not given.
func (g given) value(key string, otherwise position) position {
	if k, ok := g[key]; ok {
		return k.value
	}
	return otherwise
}

// readKeys reads the mapping n by a table into to. what names the mapping in
// messages.
func readKeys[T any](d *decoder, what string, n node, table []key[T], to *T) given {
	at := given{}
	if n.kind != mapping {
		d.add(n.pos, "%s holds %s: want a mapping of settings (%s, …)", what, n.kind, table[0].name)
		return at
	}
	for _, f := range n.fields {
		i := slices.IndexFunc(table, func(k key[T]) bool { return k.name == f.key })
		if i < 0 {
			names := make([]string, len(table))
			for i, k := range table {
				names[i] = k.name
			}
			e := d.add(f.pos, "unknown key %q in %s", f.key, what)
			e.Suggestion = nearest(f.key, names)
			if strings.Contains(f.key, "auth") || strings.Contains(f.key, "pass") || strings.Contains(e.Suggestion, "auth") || strings.Contains(e.Suggestion, "pass") {
				d.mask(f.value.pos)
			}
			continue
		}
		if first, twice := at[f.key]; twice {
			d.add(f.pos, "%s is given twice, first on line %d", f.key, first.key.line)
			continue
		}
		before := len(d.found)
		table[i].read(d, f.key, f.value, to)
		at[f.key] = givenKey{f.pos, f.value.pos, len(d.found) == before}
	}
	return at
}

// text returns a scalar with the environment's values in place. It reports
// anything else, and text that comes out empty.
func (d *decoder) text(k string, v node) (string, bool) {
	if v.kind != scalar {
		d.add(v.pos, "%s holds %s: want a value", k, v.kind)
		return "", false
	}
	s, err := expand(v.text, d.lookup)
	switch {
	case err != nil:
		d.add(v.pos, "%s: %s", k, err)
	case s == "":
		d.add(v.pos, "%s is empty", k)
	case !utf8.ValidString(s):
		d.add(v.pos, "%s is not UTF-8", k)
	default:
		return s, true
	}
	return "", false
}

// name reads text that will stand in log lines and in replies to clients.
func (d *decoder) name(k string, v node) (string, bool) {
	s, ok := d.text(k, v)
	if !ok {
		return "", false
	}
	if err := checkName(s); err != nil {
		d.add(v.pos, "%s %q: %s", k, s, err)
		return "", false
	}
	return s, true
}

func checkName(s string) error {
	if strings.ContainsFunc(s, unicode.IsControl) {
		return fmt.Errorf("control characters cannot stand in a name")
	}
	return nil
}

// word reads one of a few words; known lists them as text.
func word[S ~string](d *decoder, k string, v node, known []S) (S, bool) {
	s, ok := d.text(k, v)
	if !ok {
		return "", false
	}
	if slices.Contains(known, S(s)) {
		return S(s), true
	}
	words := make([]string, len(known))
	for i, w := range known {
		words[i] = string(w)
	}
	d.add(v.pos, "%s %q is unknown: %s", k, s, strings.Join(words, ", ")).Suggestion = nearest(s, words)
	return "", false
}

// count is a key that holds a whole number.
func count[T any](least, most int, field func(*T) *int) binding[T] {
	return binding[T]{
		read: func(d *decoder, k string, v node, to *T) {
			s, ok := d.text(k, v)
			if !ok {
				return
			}
			n, err := parseCount(s, least, most)
			if err != nil {
				d.add(v.pos, "%s %s", k, err)
				return
			}
			*field(to) = n
		},
		show: func(from *T) string { return strconv.Itoa(*field(from)) },
	}
}

// parseCount reads decimal digits only, as nutcracker does: no sign, no 0x, no
// 1_000; leading zeros count for nothing.
func parseCount(s string, least, most int) (int, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || n < uint64(least) || n > uint64(most) {
		return 0, fmt.Errorf("%q is not a whole number from %d to %d", s, least, most)
	}
	return int(n), nil
}

// boolean is a key that holds true or false. nutcracker knows no other words, so
// neither do we: "yes" means something else to every other reader of YAML.
func boolean[T any](field func(*T) *bool) binding[T] {
	return binding[T]{
		read: func(d *decoder, k string, v node, to *T) {
			s, ok := d.text(k, v)
			if !ok {
				return
			}
			switch s {
			case "true", "false":
				*field(to) = s == "true"
			default:
				e := d.add(v.pos, "%s %q is neither true nor false", k, s)
				switch strings.ToLower(s) {
				case "true", "yes", "on", "y", "1":
					e.Suggestion = "true"
				case "false", "no", "off", "n", "0":
					e.Suggestion = "false"
				}
			}
		},
		show: func(from *T) string { return strconv.FormatBool(*field(from)) },
	}
}

// span is a key that holds a time: milliseconds as nutcracker has them, or
// with a unit as Go writes durations.
func span[T any](field func(*T) *time.Duration) binding[T] {
	return binding[T]{
		read: func(d *decoder, k string, v node, to *T) {
			s, ok := d.text(k, v)
			if !ok {
				return
			}
			t, err := parseSpan(s)
			if err != nil {
				d.add(v.pos, "%s %s", k, err)
				return
			}
			*field(to) = t
		},
		show: func(from *T) string { return showSpan(*field(from)) },
	}
}

func parseSpan(s string) (time.Duration, error) {
	const most = maxInt * time.Millisecond
	if n, err := parseCount(s, 0, maxInt); err == nil {
		return time.Duration(n) * time.Millisecond, nil
	}
	t, err := time.ParseDuration(s)
	if err != nil || t < 0 || t > most || t%time.Millisecond != 0 {
		return 0, fmt.Errorf("%q is not a time: whole milliseconds as 400, or with a unit as 400ms, 5s, 1m30s, at most %d milliseconds", s, maxInt)
	}
	return t, nil
}

// showSpan writes 0, 400ms, 5s, 30m in place of Go's 0s, 30m0s.
func showSpan(t time.Duration) string {
	if t == 0 {
		return "0"
	}
	s := t.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}
