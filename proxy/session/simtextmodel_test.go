package session

import (
	"strconv"
	"strings"
)

// edit is a command of memcached that changes one key.
type edit struct {
	verb  string // as of the text protocol
	data  string
	delta uint64
	over  bool // its exptime is: the key is gone at once
	fills bool // of incr and decr: a key that is not there becomes data
}

// do returns what becomes of a value, and memcached's word for it. same says whether
// it is the one that cas means.
func (e edit) do(v value, same bool) (value, string) {
	after := value{true, e.data}
	if e.over {
		after = value{}
	}
	switch e.verb {
	case "set":
		return after, "STORED"
	case "add":
		if v.there {
			return v, "NOT_STORED"
		}
		return after, "STORED"
	case "replace", "append", "prepend":
		switch {
		case !v.there:
			return v, "NOT_STORED"
		case e.verb == "append":
			after = value{true, v.s + e.data}
		case e.verb == "prepend":
			after = value{true, e.data + v.s}
		}
		return after, "STORED"
	}
	switch {
	case !v.there && e.fills:
		return value{true, e.data}, e.data
	case !v.there:
		return v, "NOT_FOUND"
	case e.verb == "cas" && !same:
		return v, "EXISTS"
	case e.verb == "cas":
		return after, "STORED"
	case e.verb == "delete":
		return value{}, "DELETED"
	case e.verb == "touch" && e.over:
		return value{}, "TOUCHED"
	case e.verb == "touch":
		return v, "TOUCHED"
	}
	n, _ := strconv.ParseUint(v.s, 10, 64)
	switch {
	case e.verb == "incr":
		n += e.delta
	case e.delta > n:
		n = 0
	default:
		n -= e.delta
	}
	s := strconv.FormatUint(n, 10)
	return value{true, s}, s
}

// next is e for holding.write; agrees says whether the reply may have been this word.
func (e edit) next(agrees func(word string) bool) func(value) (value, bool) {
	return func(v value) (value, bool) {
		after, word := e.do(v, agrees("STORED"))
		return after, agrees(word)
	}
}

func anyWord(string) bool { return true }

// answers reports whether a word may be the answer to e, whatever the key holds.
func (e edit) answers(agrees func(word string) bool) bool {
	for _, v := range []value{{}, {true, "0"}} {
		for _, same := range []bool{true, false} {
			if _, word := e.do(v, same); agrees(word) {
				return true
			}
		}
	}
	return false
}

func isNumber(s string) bool { return strings.Trim(s, "0123456789") == "" }

// metaWord is what a meta command says for a word of the text protocol.
func metaWord(word string) string {
	switch word {
	case "NOT_STORED":
		return "NS"
	case "NOT_FOUND":
		return "NF"
	case "EXISTS":
		return "EX"
	}
	return "HD"
}

// textFlags are the flags that every value of a key has.
func textFlags(key string) string { return strconv.Itoa(7*len(key) + int(key[len(key)-1])) }
