package ring

import (
	"bytes"
	"strconv"
)

// A Tag says which part of a key is hashed, so that keys with the same part
// live on one shard. The zero value stands for the placement's default: "{}"
// for [Murmur3] and [Slots], none for the others. A Tag is immutable.
type Tag struct {
	kind        tagKind
	open, close byte     // tagPair
	pattern     *pattern // tagPattern
	text        string   // as given to the constructor
}

type tagKind uint8

const (
	tagDefault tagKind = iota // resolved by New
	tagNone
	tagPair
	tagPattern
)

func (k tagKind) String() string {
	switch k {
	case tagNone:
		return "none"
	case tagPair:
		return "pair"
	case tagPattern:
		return "pattern"
	}
	return "default"
}

// NoTag hashes the whole key, whatever the placement.
func NoTag() Tag { return Tag{kind: tagNone} }

// TagPair is twemproxy's hash_tag and, with "{}", the hash tag of Redis
// Cluster. The tag lies between the first pair[0] in the key and the first
// pair[1] after it. If either is missing or nothing lies between them, the
// whole key is hashed and no later tag is looked for. The pair is exactly two
// characters, that is bytes; they may be the same.
func TagPair(pair string) (Tag, error) {
	if len(pair) != 2 {
		return Tag{}, &ConfigError{Field: "Tag", Shard: -1, Value: strconv.Quote(pair),
			Reason: "a tag pair is exactly two characters, as in \"{}\""}
	}
	return Tag{kind: tagPair, open: pair[0], close: pair[1], text: pair}, nil
}

// TagPattern is the keyTagPattern of Jedis: a Java regular expression with
// one group. What the group holds in the first match is hashed, even if that
// is empty; without a match the whole key is. Keys are read as UTF-8.
//
// The expression means here what it means in Java: "." stops at any of Java's
// line ends, \s holds \v, a last $ matches before a last line end too. What Go
// cannot do the same way is refused: flags, look-around, back-references,
// possessive quantifiers, \b, \v, \p, \Q, sets inside a class, and a $ that is
// not the last character.
func TagPattern(expression string) (Tag, error) {
	p, err := compilePattern(expression)
	if err != nil {
		return Tag{}, err
	}
	return Tag{kind: tagPattern, pattern: p, text: expression}, nil
}

// Of returns the part of the key that is hashed, as a view into key.
func (t Tag) Of(key []byte) []byte { return t.of(key) }

func (t *Tag) of(key []byte) []byte {
	switch t.kind {
	case tagPair:
		return t.between(key)
	case tagPattern:
		return t.pattern.group(key)
	}
	return key
}

func (t *Tag) between(key []byte) []byte {
	start := bytes.IndexByte(key, t.open)
	if start < 0 {
		return key
	}
	start++
	if n := bytes.IndexByte(key[start:], t.close); n > 0 {
		return key[start : start+n]
	}
	return key
}

// String is the pair or the expression as it was given, "none" or "default".
func (t Tag) String() string {
	if t.text != "" {
		return t.text
	}
	return t.kind.String()
}

// same reports whether both tags hash the same part of every key. Two
// expressions are the same only if their texts are.
func (t *Tag) same(u *Tag) bool { return t.kind == u.kind && t.text == u.text }
