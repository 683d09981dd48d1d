package session

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// opaque returns a word that no other request has.
func (c *simClient) opaque() string {
	c.opaques++
	return fmt.Sprintf("%d.%d", c.id, c.opaques)
}

// metaKey returns a key as a meta command says it, and the flag for that.
func (c *simClient) metaKey(k string) (shown, flag string) {
	if enc := base64.StdEncoding.EncodeToString([]byte(k)); c.w.one(3) && len(enc) <= 250 {
		return enc, " b"
	}
	return k, ""
}

// askMetaEdit changes a key by a meta command. A quiet one is heard of only if it did not
// do what it should.
func (c *simClient) askMetaEdit(k string, e edit, quiet bool) {
	c.written[k]++
	q := &question{keys: []string{k}, quiet: quiet, opaque: c.opaque()}
	shown, b := c.metaKey(k)
	flags, tail := " O"+q.opaque, " O"+q.opaque
	if c.w.one(2) {
		flags, tail = flags+" k", tail+" k"+shown+b
	}
	flags += b
	verb, tells := "ma", false
	switch e.verb {
	case "delete":
		verb = "md"
	case "incr", "decr":
		flags += fmt.Sprintf(" D%d M%c", e.delta, e.verb[0]-'a'+'A')
		if tells = c.w.one(2); tells {
			flags += " v"
		}
		if e.fills = c.w.one(3); e.fills {
			e.data = "7"
			flags += " N0 J7"
		}
	default:
		verb = "ms"
		flags += " M" + map[string]string{"set": "S", "add": "E", "replace": "R", "append": "A", "prepend": "P"}[e.verb]
		if e.over {
			flags += " T-1"
		}
	}
	if quiet {
		flags += " q"
	}
	q.check = func(r reply) error {
		code, number := r.text, ""
		if r.head != "" {
			number = r.text
			code = strings.Replace(r.head, fmt.Sprintf("VA %d", len(number)), "HD", 1)
		}
		code, ok := strings.CutSuffix(code, tail)
		if !ok || number != "" && !tells {
			return fmt.Errorf("want %q at the end", tail)
		}
		agrees := func(word string) bool { return metaWord(word) == code && (number == "" || number == word) }
		if number != "" {
			if !isNumber(number) {
				return fmt.Errorf("want a number")
			}
		} else if !e.answers(agrees) || quiet && code == "HD" {
			return fmt.Errorf("that is no answer to %s, quiet: %v", e.verb, quiet)
		}
		return c.writes(k, done, e.next(agrees))
	}
	q.failed = func(o outcome) { c.writes(k, o, e.next(anyWord)) }
	q.pass = func() {
		if err := c.writes(k, done, e.next(func(word string) bool { return metaWord(word) == "HD" })); err != nil {
			c.fatalf("%s was silent: %v", q.name, err)
		}
	}
	if verb == "ms" {
		c.line(q, fmt.Sprintf("ms %s %d%s", shown, len(e.data), flags), e.data)
		return
	}
	c.line(q, verb+" "+shown+flags)
}

// askMetaGet gets a key by mg. A quiet one is not heard of if the key is not there.
func (c *simClient) askMetaGet(k string, quiet bool) {
	q := &question{keys: []string{k}, reads: true, quiet: quiet, opaque: c.opaque()}
	shown, b := c.metaKey(k)
	flags := []string{"O" + q.opaque}
	value := false
	for _, f := range []string{"v", "k", "f", "s", "c"} {
		if c.w.one(2) {
			flags = append(flags, f)
			value = value || f == "v"
		}
	}
	c.w.rng.Shuffle(len(flags), func(i, j int) { flags[i], flags[j] = flags[j], flags[i] })
	line := "mg " + shown + " " + strings.Join(flags, " ") + b
	if quiet {
		line += " q"
	}
	q.check = func(r reply) error {
		head := r.text
		if r.head != "" {
			head = r.head
		}
		words := strings.Fields(head)
		miss := words[0] == "EN"
		want := words[0]
		if r.head != "" {
			want = fmt.Sprintf("VA %d", len(r.text))
		}
		if value != (words[0] == "VA") && !miss || words[0] != "HD" && words[0] != "VA" && !miss || miss && quiet {
			return fmt.Errorf("want a value: %v, quiet: %v", value, quiet)
		}
		for _, f := range flags {
			switch {
			case f == "k":
				want += " k" + shown + b
			case f[0] == 'O':
				want += " " + f
			case miss || f == "v":
			case f == "f":
				want += " f" + textFlags(k)
			default: // s and c are as the value is
				i := len(strings.Fields(want))
				if i >= len(words) || words[i][0] != f[0] || f == "s" && value && words[i] != fmt.Sprintf("s%d", len(r.text)) {
					return fmt.Errorf("want %q and %s", want, f)
				}
				want += " " + words[i]
			}
		}
		if head != want {
			return fmt.Errorf("want %q", want)
		}
		return c.seesMeta(q, k, miss, value, r.text)
	}
	q.pass = func() {
		if err := c.seesMeta(q, k, true, false, ""); err != nil {
			c.fatalf("%s was silent: %v", q.name, err)
		}
	}
	q.failed = func(outcome) {}
	c.line(q, line)
}

// seesMeta judges what mg told of a key: its value, or only that it is there or not.
func (c *simClient) seesMeta(q *question, k string, miss, value bool, text string) error {
	if miss {
		return c.seesText(q, k, reply{typ: '$', null: true})
	}
	if value {
		return c.seesText(q, k, reply{typ: '$', text: text})
	}
	if h := c.holds(k); h != nil {
		if _, most := h.present(); most == 0 {
			return fmt.Errorf("key %q is not there", k)
		}
	}
	return nil
}

// askQuietly sends a pipeline of quiet commands, and mn, which ends it.
func (c *simClient) askQuietly() {
	for range 1 + c.w.rng.IntN(8) {
		c.seq++
		k := c.textKey()
		switch e := c.someEdit(k); {
		case e.verb == "touch":
			c.askMetaGet(k, true)
		case c.w.one(4):
			c.askMetaEdit(c.counter(), c.someSum(), true)
		default:
			c.askMetaEdit(k, e, true)
		}
	}
	c.line(&question{check: c.says("MN")}, "mn")
}

// askPool sends what all shards are sent.
func (c *simClient) askPool() {
	q := &question{split: len(c.pool.nodes) > 1}
	whole := func() bool { return !c.pool.eject && !c.pool.excused(q.sent) }
	switch c.w.rng.IntN(6) {
	case 0:
		q.check = func(r reply) error {
			if !strings.HasPrefix(r.text, "VERSION 1.6.") || whole() && r.text != "VERSION 1.6.9" {
				return fmt.Errorf("want the lowest version")
			}
			return nil
		}
		c.line(q, "version")
	case 1:
		q.check = c.says("OK")
		c.line(q, "verbosity 1")
	case 2:
		q.check = func(r reply) error {
			want := fmt.Sprintf("STAT ones %d", len(c.pool.nodes))
			if r.text != "END" || len(r.elems) != 3 || whole() && r.elems[2].head != want {
				return fmt.Errorf("want %q", want)
			}
			return nil
		}
		c.line(q, "stats")
	case 3:
		q.split = true
		q.check = func(r reply) error {
			if r.text != "END" || whole() && len(r.elems) != 3*len(c.pool.nodes) {
				return fmt.Errorf("want the statistics of all shards")
			}
			for i, n := range c.pool.nodes {
				if want := fmt.Sprintf("STAT %s:pid %d", n.name, n.shard); whole() && r.elems[3*i].head != want {
					return fmt.Errorf("want %q", want)
				}
			}
			return nil
		}
		c.line(q, "stats shards")
	case 4:
		q.check = c.says("RESET")
		c.line(q, "stats reset")
	default:
		c.askFlush(q, whole)
	}
}

// askFlush sends flush_all: seldom one that is executed, for nobody knows then what there
// is until all is looked at.
func (c *simClient) askFlush(q *question, whole func() bool) {
	line := "flush_all"
	if !c.w.one(20) {
		line += " 100000"
	}
	if c.w.one(3) {
		q.muted, q.pass = true, func() {}
		c.line(q, line+" noreply")
		c.line(&question{check: c.says("MN")}, "mn")
		return
	}
	before := map[*simNode]int{}
	for _, n := range c.pool.nodes {
		before[n] = n.flushes
	}
	q.check = func(r reply) error {
		for _, n := range c.pool.nodes {
			if n.flushes == before[n] && !c.pool.eject {
				return fmt.Errorf("%s has not heard of it", n.name)
			}
		}
		return c.says("OK")(r)
	}
	c.line(q, line)
}

// askRefused sends what is refused, by the proxy or a node.
func (c *simClient) askRefused(k string) {
	const bad = "CLIENT_ERROR bad command line format"
	long := strings.Repeat("k", 251)
	refused := []struct{ line, want string }{
		{"no." + c.opaque(), "ERROR"},
		{"get", "ERROR"},
		{"get " + k + " " + long, bad},
		{"md " + long, bad},
		{"set " + k + " 0 0 -1", bad},
		{"set " + k + " 0 0 x noreply", ""},
		{"gat x " + k, "CLIENT_ERROR invalid exptime argument"},
		{"verbosity", "ERROR"},
		{"slabs reassign", "CLIENT_ERROR slabs is for one server, and this is a pool of them"},
	}
	switch n := c.w.rng.IntN(len(refused) + 2); {
	case n == 0 && c.w.one(8):
		size := c.w.core.limits.Request.Bulk + 1
		c.line(&question{check: c.says("SERVER_ERROR object too large for cache")}, fmt.Sprintf("set %s 0 0 %d", k, size), strings.Repeat("\n", size))
	case n < len(refused) && refused[n].want != "":
		c.line(&question{check: c.says(refused[n].want)}, refused[n].line)
	case n < len(refused):
		c.out = append(c.out, refused[n].line+"\r\n"...)
	default: // the CRLF is missed, and what is behind it is a line
		c.line(&question{keys: []string{k}, check: c.says("CLIENT_ERROR bad data chunk")}, "set "+k+" 0 0 3", "abcd")
		c.asked = append(c.asked, &question{name: "the rest", sent: c.w.now, check: c.says("ERROR")})
	}
}
