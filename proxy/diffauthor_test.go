package proxy_test

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// question is one request that a twin asks, and how its two replies are compared.
type question struct {
	args    []string
	alone   []string // what the server alone is asked in its place; nil: the same
	order   order
	inside  []order // of EXEC: of the elements
	refused string  // the proxy has to answer with this error; "": as the server
	odd     bool    // made wrong: the proxy may say CROSSSLOT where the server says an error
	mute    bool    // nobody answers
}

// author makes up what a client says. All its keys begin with its prefix.
type author struct {
	rng    *rand.Rand
	prefix string
	tags   []string // one on each shard
	owner  func(key string) int
	reads  bool // the pool reads over shards
	proto  int
	user   string // with whose rules it logs in; "": nobody's
	dbs    []int  // databases of its own, the present one first; none: it shares one

	// Of the request being made:
	tag   string   // that its keys have
	loose bool     // they have any, or none
	bound bool     // it is in a transaction: they are on one shard
	named []string // its keys
	seq   int      // grows, for the ids of streams
}

const crossSlot = "-CROSSSLOT"

// write returns the next requests: one, or a few that belong together.
func (a *author) write() []question {
	a.anew()
	switch n := a.rng.IntN(200); {
	case n < 12:
		return a.transaction()
	case n < 22:
		return []question{a.ask(a.pick(sessionForms))}
	case n < 30:
		return []question{a.spoil(a.ask(a.pick(forms)))}
	case n < 32:
		return a.unanswered()
	case n < 34:
		return append([]question{{args: words("RESET")}}, a.login()...)
	case n < 35:
		a.proto = 2 + a.rng.IntN(2)
		return []question{{args: words("HELLO " + strconv.Itoa(a.proto)), order: shape}}
	case n < 43 && a.dbs != nil:
		return []question{a.ask(a.pick(dbForms))}
	case n < 45 && a.dbs != nil:
		a.dbs[0], a.dbs[1] = a.dbs[1], a.dbs[0]
		return []question{{args: words("SELECT " + strconv.Itoa(a.dbs[0]))}}
	}
	return []question{a.ask(a.pick(forms))}
}

// login is what a new client says first.
func (a *author) login() []question {
	var qs []question
	if a.user != "" {
		qs = append(qs, question{args: []string{"AUTH", a.user, "pw"}})
	}
	qs = append(qs, question{args: words("HELLO " + strconv.Itoa(a.proto)), order: shape})
	if a.dbs != nil {
		qs = append(qs, question{args: words("SELECT " + strconv.Itoa(a.dbs[0]))})
	}
	return qs
}

// unanswered are requests whose replies the client does not want.
func (a *author) unanswered() []question {
	off := question{args: words("CLIENT REPLY OFF"), mute: true}
	if a.rng.IntN(2) == 0 {
		off.args[2] = "SKIP"
		skipped := a.ask(a.pick(forms))
		skipped.mute = true
		return []question{off, skipped}
	}
	qs := []question{off}
	for range a.rng.IntN(6) {
		q := a.ask(a.pick(forms))
		q.mute = true
		qs = append(qs, q)
	}
	return append(qs, question{args: words("CLIENT REPLY ON")})
}

func (a *author) pick(from []form) form { return from[a.rng.IntN(len(from))] }

// anew begins a request: with one tag, or in one of sixteen with any.
func (a *author) anew() {
	a.tag, a.loose = a.tags[a.rng.IntN(len(a.tags))], a.rng.IntN(16) == 0
}

// transaction is MULTI to EXEC or DISCARD, perhaps after WATCH, perhaps with a
// request in it that is wrong.
func (a *author) transaction() []question {
	a.loose, a.bound = false, true
	defer func() { a.bound = false }()
	var qs []question
	if a.rng.IntN(3) == 0 {
		qs = append(qs, a.ask(form{"WATCH any any", exact}))
		for range a.rng.IntN(3) {
			qs = append(qs, a.ask(a.pick(forms)))
		}
	}
	qs = append(qs, question{args: words("MULTI")})
	exec := question{args: words("EXEC")}
	for range a.rng.IntN(8) {
		from := forms
		if a.dbs != nil && a.rng.IntN(10) == 0 {
			from = countForms
		}
		q := a.ask(a.pick(from))
		exec.inside = append(exec.inside, q.order)
		if a.rng.IntN(25) == 0 {
			q.args = q.args[:1]
		}
		q.order = exact
		qs = append(qs, q)
	}
	if a.rng.IntN(12) == 0 { // a key of another shard
		a.loose = true
		q := a.ask(form{"RENAME str str", exact})
		a.loose = false
		if q.refused != "" {
			qs = append(qs, q)
			exec.alone, exec.refused = words("DISCARD"), "-EXECABORT"
		}
	}
	if a.rng.IntN(8) == 0 {
		exec = question{args: words("DISCARD")}
	}
	return append(qs, exec)
}

// ask makes a request of a form.
func (a *author) ask(f form) question {
	name, _, _ := strings.Cut(f.text, " ")
	loose := a.loose
	a.loose = loose || !a.bound && (spread[name] || reads[name] && a.reads && a.rng.IntN(2) == 0)
	a.named = a.named[:0]
	q := question{order: f.order}
	for _, w := range strings.Fields(f.text) {
		q.args = a.word(q.args, w)
	}
	a.loose = loose
	if (a.bound || !spread[name] && !(reads[name] && a.reads)) && name != "COMMAND" && a.apart() {
		q.refused, q.alone = crossSlot, words("PING")
	}
	return q
}

// apart reports whether the request's keys are on several shards.
func (a *author) apart() bool {
	for _, k := range a.named {
		if a.owner(k) != a.owner(a.named[0]) {
			return true
		}
	}
	return false
}

// spoil makes a request wrong in most cases: only its name, or one argument too few
// or too many.
func (a *author) spoil(q question) question {
	switch n := a.rng.IntN(3); {
	case q.refused != "":
	case n == 0:
		q.args, q.odd = q.args[:1], true
	case q.order != exact || len(a.named) == 0: // what is random has to stay as it is
	case n == 1:
		q.args, q.odd = q.args[:len(q.args)-1], true
	default:
		if !a.loose {
			q.args, q.odd = append(q.args, a.key(a.kind())), true
		}
	}
	return q
}

// kinds are the types of keys, by the names of the keys. One of sixteen is named where
// another is meant.
var kinds = []string{"str", "num", "bits", "hll", "list", "set", "zset", "geo", "hash", "stream"}

func (a *author) kind() string { return kinds[a.rng.IntN(len(kinds))] }

func (a *author) key(kind string) string {
	if a.rng.IntN(16) == 0 {
		kind = a.kind()
	}
	tag := a.tag
	if a.loose {
		tag = append(a.tags, "")[a.rng.IntN(len(a.tags)+1)]
	}
	k := a.prefix + kind + []string{"1", "\x00\xff\r\n"}[a.rng.IntN(2)]
	if tag != "" {
		k = a.prefix + "{" + tag + "}" + kind + strconv.Itoa(a.rng.IntN(2))
	}
	a.named = append(a.named, k)
	return k
}

// several appends one to four of what one returns.
func (a *author) several(args []string, one ...func() string) []string {
	for range 1 + a.rng.IntN(4) {
		for _, f := range one {
			args = append(args, f())
		}
	}
	return args
}

// word appends what a word of a form stands for.
func (a *author) word(args []string, w string) []string {
	r := a.rng
	one := func(s ...string) []string { return append(args, s[r.IntN(len(s))]) }
	member := func() string { return "m" + strconv.Itoa(r.IntN(12)) }
	value := a.value
	keys := func(kind string) func() string { return func() string { return a.key(kind) } }
	switch w {
	case "str", "num", "bits", "hll", "list", "set", "zset", "geo", "hash", "stream":
		return append(args, a.key(w))
	case "any":
		return append(args, a.key(a.kind()))
	case "keys":
		return a.several(args, func() string { return a.key(a.kind()) })
	case "strs", "strvalues":
		if w == "strvalues" {
			return a.several(args, keys("str"), value)
		}
		return a.several(args, keys("str"))
	case "sets", "hlls":
		return a.several(args, keys(w[:len(w)-1]))
	case "#lists", "#sets", "#zsets":
		list := a.several(nil, keys(w[1:len(w)-1]))
		return append(append(args, strconv.Itoa(len(list))), list...)
	case "value":
		return append(args, value())
	case "member":
		return append(args, member())
	case "members":
		return a.several(args, func() string {
			if r.IntN(4) == 0 {
				return value()
			}
			return member()
		})
	case "fields":
		return a.several(args, member, value)
	case "scored":
		return a.several(args, a.score, member)
	case "score":
		return append(args, a.score())
	case "min":
		return one("-inf", "(1", "0", "-2.5")
	case "max":
		return one("+inf", "(3", "4", "10")
	case "int":
		if r.IntN(20) == 0 {
			return one("9223372036854775807", "x", "-9223372036854775808", "3.0", "")
		}
		return append(args, strconv.Itoa(r.IntN(14)-5))
	case "count":
		return append(args, strconv.Itoa(1+r.IntN(5)))
	case "off":
		return append(args, strconv.Itoa(r.IntN(40)))
	case "bit":
		return one("0", "1")
	case "bitop":
		return one("AND", "OR", "xor")
	case "side":
		return one("LEFT", "right")
	case "when":
		return one("NX", "XX", "GT", "lt")
	case "lon", "lat":
		return append(args, strconv.FormatFloat(float64(r.IntN(1600)-800)/10, 'f', -1, 64))
	case "id":
		a.seq++
		return append(args, fmt.Sprintf("%d-%d", a.seq/8+r.IntN(3), r.IntN(3)))
	case "ttl":
		return one("100000", "200000", "300000", "0", "-1", "x")
	case "pttl":
		return one("100000000", "200000000", "0")
	case "at", "pat":
		at := time.Date(2200, 1, 1+r.IntN(300), 0, 0, 0, 0, time.UTC)
		if w == "pat" {
			return append(args, strconv.FormatInt(at.UnixMilli(), 10))
		}
		return append(args, strconv.FormatInt(at.Unix(), 10))
	case "script":
		return one(scripts...)
	case "digest":
		return append(args, digest(scripts[r.IntN(len(scripts))]))
	case "nosuchdigest":
		return append(args, digest("nosuch"))
	case "mine":
		return append(args, a.prefix+"*")
	case "this":
		return append(args, strconv.Itoa(a.dbs[0]))
	case "another":
		return append(args, strconv.Itoa(a.dbs[1]))
	}
	return append(args, w)
}

func (a *author) score() string {
	if a.rng.IntN(20) == 0 {
		return []string{"inf", "-inf", "1e300", "nan", "x", "0x10"}[a.rng.IntN(6)]
	}
	return strconv.FormatFloat(float64(a.rng.IntN(80)-20)/4, 'f', -1, 64)
}

func (a *author) value() string {
	switch a.rng.IntN(12) {
	case 0:
		return ""
	case 1:
		return "\xff\x00\r\n$-1\r\n" // SORT compares up to the zero
	case 2:
		return strconv.Itoa(a.rng.IntN(1000) - 500)
	case 3:
		return a.score()
	case 4:
		return strings.Repeat("long ", 1+a.rng.IntN(40))
	case 5:
		if a.rng.IntN(16) == 0 {
			return strings.Repeat("x", 5000) // LCS of two much longer ones holds a server up
		}
	}
	return "v" + strconv.Itoa(a.rng.IntN(50))
}

func words(line string) []string { return strings.Fields(line) }

func digest(script string) string {
	sum := sha1.Sum([]byte(script))
	return hex.EncodeToString(sum[:])
}
