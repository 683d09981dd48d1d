package memcache

import (
	"bytes"
	"math"
	"strings"
)

// ownInitials begin words that memcached takes for its own, whatever the line ends in: it hangs
// up on what else looks like HTTP.
const ownInitials = "gsacidt"

// understand reads a request's line. It returns the length of the data behind it
// without its CRLF, -1 if none follows.
//
// What it refuses, and in which words, is that of memcached's proto_text.c; ntokens
// there is one more than the words here.
func (p *Parser) understand(line []byte) int {
	name := next(line, 0)
	word := name.Of(line)
	if len(word) < 2 {
		return p.answer(plainError)
	}
	if word[0] == 'g' || string(word) == "bget" {
		return p.get(line, name)
	}
	t := p.split(line)
	if len(line) > maxLine {
		// A server may have to read it in pieces, and would give up.
		if len(t) > 1 && t[1].End-t[1].Off > maxKey && string(word) != "stats" {
			return p.answer(badFormat)
		}
		return p.answer("CLIENT_ERROR line too long")
	}
	if len(word) == 2 && word[0] == 'm' {
		return p.meta(word[1], t)
	}
	switch string(word) {
	case "set", "add", "replace", "append", "prepend":
		return p.store(t, 5)
	case "cas":
		return p.store(t, 6)
	case "incr", "decr", "touch":
		return p.change(t, 3, 4)
	case "delete":
		return p.remove(t)
	case "version":
		p.Req.Verb, p.Req.Reads = Version, true
	case "verbosity":
		return p.every(Verbosity, t, 2, 3)
	case "flush_all":
		return p.every(Flush, t, 1, 3)
	case "stats":
		p.stats(t)
	case "quit":
		p.Req.Verb = Quit
	case "watch", "shutdown", "slabs", "lru", "lru_crawler", "cache_memlimit", "extstore", "refresh_certs":
		return p.answer("CLIENT_ERROR " + string(word) + " is for one server, and this is a pool of them")
	default:
		if last := t[len(t)-1].Of(line); strings.IndexByte(ownInitials, word[0]) < 0 && bytes.HasPrefix(last, []byte("HTTP/")) {
			p.Req.Verb = Close
			return -1
		}
		return p.answer(plainError)
	}
	return -1
}

// answer makes it a request that no server has to see.
func (p *Parser) answer(reply string) int {
	p.Req.Verb, p.Req.Reply = Answer, reply
	return -1
}

// get: any number of keys, each of which counts.
func (p *Parser) get(line []byte, name Span) int {
	keys := p.keys[:0]
	for w := next(line, int(name.End)); w.End > 0; w = next(line, int(w.End)) {
		keys = append(keys, w)
	}
	p.keys = keys
	touches := false
	word := name.Of(line)
	switch string(word) {
	case "get", "gets":
	case "bget":
		word = word[1:]
	case "gat", "gats":
		touches = true
	default:
		return p.answer(plainError)
	}
	if len(keys) == 0 {
		return p.answer(plainError)
	}
	if touches {
		if _, ok := signed(keys[0].Of(line)); !ok {
			return p.answer(badExptime)
		}
		p.words = append(append(append(p.words[:0], word...), ' '), keys[0].Of(line)...)
		word, keys = p.words, keys[1:]
		if len(keys) == 0 {
			return p.answer("END")
		}
	}
	for _, k := range keys {
		if k.End-k.Off > maxKey {
			return p.answer(badFormat)
		}
	}
	r := &p.Req
	r.Verb, r.Reads, r.Name, r.Args = Get, !touches, word, keys
	r.Clean = r.Clean && len(r.Name) >= 3 && (len(line) <= maxLine || !touches && name.Off == 0) && line[name.Off] == 'g'
	return -1
}

// store: a key, numbers, and data behind the line.
func (p *Parser) store(t []Span, words int) int {
	line := p.Req.Line
	if len(t) != words && len(t) != words+1 {
		return p.answer(plainError)
	}
	silent := p.silence(t)
	refuse := func() int {
		p.answer(badFormat)
		p.Req.Silent = silent
		return -1
	}
	_, okTime := signed(t[3].Of(line))
	size, okSize := signed(t[4].Of(line))
	switch {
	case t[1].End-t[1].Off > maxKey, !isUnsigned(t[2].Of(line)), !okTime, !okSize,
		words == 6 && !isUnsigned(t[5].Of(line)), size < 0, size > math.MaxInt32-2:
		return refuse()
	}
	p.Req.Verb, p.Req.Silent, p.Req.Key = Store, silent, t[1].Of(line)
	if silent {
		p.rewrite(len(t) - 1)
	}
	return int(size)
}

// silence reports whether the last word is noreply.
func (p *Parser) silence(t []Span) bool {
	return string(t[len(t)-1].Of(p.Req.Line)) == "noreply"
}

// change: a key and at most a number.
func (p *Parser) change(t []Span, least, most int) int {
	if len(t) < least || len(t) > most {
		return p.answer(plainError)
	}
	silent := len(t) > 2 && p.silence(t)
	p.Req.Silent = silent
	if t[1].End-t[1].Off > maxKey {
		return p.answer(badFormat)
	}
	p.Req.Verb, p.Req.Key = Change, t[1].Of(p.Req.Line)
	if silent {
		p.rewrite(len(t) - 1)
	}
	return -1
}

// remove is change for delete, whose second word can only be 0.
func (p *Parser) remove(t []Span) int {
	line := p.Req.Line
	if n := len(t); n == 3 || n == 4 {
		zero, silent := string(t[2].Of(line)) == "0", p.silence(t)
		if valid := n == 3 && (zero || silent) || n == 4 && zero && silent; !valid {
			p.answer(badFormat + ".  Usage: delete <key> [noreply]")
			p.Req.Silent = silent
			return -1
		}
	}
	return p.change(t, 2, 4)
}

// every: a request to all servers.
func (p *Parser) every(v Verb, t []Span, least, most int) int {
	if len(t) < least || len(t) > most {
		return p.answer(plainError)
	}
	p.Req.Verb = v
	if len(t) > 1 && p.silence(t) {
		p.Req.Silent = true
		p.rewrite(len(t) - 1)
	}
	return -1
}

// stats: of all servers. Those of sizes can be switched on and off too, but a server does not
// end the reply to that.
func (p *Parser) stats(t []Span) {
	args := t[1:]
	if len(args) > 0 && string(args[0].Of(p.Req.Line)) == "shards" {
		args = args[1:]
	}
	if len(args) > 0 {
		switch what := string(args[0].Of(p.Req.Line)); what {
		case "sizes_enable", "sizes_disable":
			p.answer("CLIENT_ERROR stats " + what + " is for one server, and this is a pool of them")
			return
		}
	}
	p.Req.Verb, p.Req.Reads = Stats, true
	p.Req.Args = append(p.Req.Args, t[1:]...)
	p.keys = p.Req.Args
}

// meta: m and a letter, a key, and flags.
func (p *Parser) meta(letter byte, t []Span) int {
	line := p.Req.Line
	flags := 2
	switch letter {
	case 'g':
		p.Req.Verb = MetaGet
	case 's':
		p.Req.Verb, flags = MetaSet, 3
	case 'd':
		p.Req.Verb = MetaOther
	case 'a':
		p.Req.Verb = MetaArith
	case 'e':
		if len(t) < 2 {
			return p.answer(badFormat)
		}
		p.Req.Verb, p.Req.Reads = MetaDebug, true
	case 'n':
		return p.answer("MN")
	default:
		return p.answer(plainError)
	}
	if len(t) < 2 {
		return p.answer(plainError)
	}
	if t[1].End-t[1].Off > maxKey {
		return p.answer(badFormat)
	}
	size := -1
	if letter == 's' {
		if len(t) == 2 {
			return p.answer(badFormat)
		}
		if len(t) > 19 {
			return p.answer("CLIENT_ERROR options flags too long")
		}
		n, ok := signed(t[2].Of(line))
		if !ok || n < 0 || n > math.MaxInt32-2 {
			return p.answer(badFormat)
		}
		size = int(n)
	}
	p.Req.Key = t[1].Of(line)
	p.flags(t, flags)
	return size
}

// flags reads those of a meta command. The server is not told that one is quiet, so
// that each request has a reply; but of one that says so twice, so that it complains.
func (p *Parser) flags(t []Span, first int) {
	r := &p.Req
	quiet, count, binary := 0, 0, false
	reads := r.Verb == MetaGet
	for i := first; i < len(t); i++ {
		switch r.Line[t[i].Off] {
		case 'q':
			quiet = i
			count++
		case 'b':
			binary = true
		case 'O', 'k':
			r.Keep = r.Verb == MetaGet
		case 'N', 'T', 'R', 'E':
			reads = false
		}
	}
	r.Reads = r.Reads || reads
	if binary {
		if key, ok := appendKey64(p.key[:0], r.Key); ok {
			p.key, r.Key = key, key
		}
	}
	if count == 1 && r.Verb != MetaDebug {
		r.Quiet = true
		p.rewrite(quiet)
	}
}
