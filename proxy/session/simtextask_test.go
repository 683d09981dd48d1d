package session

import (
	"fmt"
	"slices"
	"strings"
)

// line sends a line, with data behind it if there is some.
func (c *simClient) line(q *question, line string, data ...string) {
	q.sent, q.name = c.w.now, line[:min(len(line), 100)]
	c.asked = append(c.asked, q)
	before := len(c.out)
	c.out = append(c.out, line+[]string{"\r\n", "\n"}[c.w.rng.IntN(2)]...)
	for _, d := range data {
		c.out = append(append(c.out, d...), "\r\n"...)
	}
	c.largest = max(c.largest, len(c.out)-before)
}

// textKey returns a key: of the client alone, or shared with others.
func (c *simClient) textKey() string {
	switch c.w.rng.IntN(24) {
	case 0:
		return fmt.Sprintf("shared:%d", c.w.rng.IntN(4))
	case 1, 2:
		k := fmt.Sprintf("own:%d:%d:", c.id, c.w.rng.IntN(8))
		return k + strings.Repeat("-", 250-len(k))
	}
	return fmt.Sprintf("own:%d:%d", c.id, c.w.rng.IntN(12))
}

func (textWords) ask(c *simClient) {
	k := c.textKey()
	switch n := c.w.rng.IntN(100); {
	case n < 16:
		c.askValues([]string{k})
	case n < 34:
		keys := c.someKeys(c.textKey)
		if n == 33 {
			keys = append(keys, slices.Repeat(c.someKeys(c.textKey), 1+c.w.rng.IntN(40))...)
		}
		c.askValues(keys)
	case n < 52:
		c.askEdit(k, c.someEdit(k))
	case n < 59:
		k = c.counter()
		c.askEdit(k, c.someSum())
	case n < 65:
		c.askCas(k)
	case n < 73:
		c.askMetaGet(k, false)
	case n < 85:
		c.askQuietly()
	case n < 92:
		c.askMutely()
	case n < 96:
		c.askPool()
	default:
		c.askRefused(k)
	}
}

// askValues gets keys.
func (c *simClient) askValues(keys []string) {
	line := []string{"get", "get", "get", "gets", "gat 0", "gats 100"}[c.w.rng.IntN(6)]
	q := &question{keys: keys, reads: true, split: c.several(keys)}
	q.check = func(r reply) error {
		rest := r.elems
		for _, k := range keys {
			got := reply{typ: '$', null: true}
			if len(rest) > 0 && strings.HasPrefix(rest[0].head, "VALUE "+k+" "+textFlags(k)+" ") {
				got, rest = rest[0], rest[1:]
			}
			if err := c.seesText(q, k, got); err != nil {
				return err
			}
		}
		if len(rest) > 0 || r.text != "END" {
			return fmt.Errorf("%d values too many, or out of their order", len(rest))
		}
		return nil
	}
	line += " " + strings.Join(keys, " ")
	q.long = line[:3] == "gat" && len(line) > maxTextLine
	c.line(q, line)
}

// seesText is sees for a key that may be missed because its shard failed.
func (c *simClient) seesText(q *question, k string, r reply) error {
	if r.null && c.missed(q, k) {
		return nil
	}
	return c.sees(k, r)
}

// missed reports whether a key may be a miss because its shard failed.
func (c *simClient) missed(q *question, k string) bool {
	return c.pool.pool.misses && c.pool.nodes[c.pool.pool.ring.OwnerString(k)].excuses(q.sent)
}

// someEdit returns a change to a key.
func (c *simClient) someEdit(k string) edit {
	verbs := []string{"set", "set", "set", "add", "replace", "append", "prepend", "delete", "touch"}
	e := edit{verb: verbs[c.w.rng.IntN(len(verbs))], over: c.w.one(12)}
	h := c.holds(k)
	if large := h == nil || h.any || h.loose || len(h.values) > 8 || len(h.values[0].s) > 1<<20; large && strings.HasSuffix(e.verb, "pend") {
		e.verb = "set" // what is appended to for ever grows for ever
	}
	if e.verb != "delete" && e.verb != "touch" {
		e.data = c.value(k)
	}
	return e
}

// someSum returns a change to a key that is a number.
func (c *simClient) someSum() edit {
	e := edit{verb: []string{"incr", "incr", "decr", "add"}[c.w.rng.IntN(4)], delta: 1 + c.w.rng.Uint64N(1000)}
	if e.verb == "add" {
		e.data, e.delta = "5", 0
	}
	return e
}

// textLine returns an edit's line, with another word at its end, and its data.
func (e edit) textLine(k, last string) (line string, data []string) {
	exptime := 0
	if e.over {
		exptime = -1
	}
	switch e.verb {
	case "delete":
		return "delete " + k + last, nil
	case "touch":
		return fmt.Sprintf("touch %s %d%s", k, exptime, last), nil
	case "incr", "decr":
		return fmt.Sprintf("%s %s %d%s", e.verb, k, e.delta, last), nil
	}
	return fmt.Sprintf("%s %s %s %d %d%s", e.verb, k, textFlags(k), exptime, len(e.data), last), []string{e.data}
}

// askEdit changes a key.
func (c *simClient) askEdit(k string, e edit) {
	if c.w.one(2) && e.verb != "touch" {
		c.askMetaEdit(k, e, false)
		return
	}
	c.askTextEdit(k, e, "", nil)
}

// askTextEdit changes a key by the text protocol. last is the last word of its line, also
// judges the reply.
func (c *simClient) askTextEdit(k string, e edit, last string, also func(word string) error) {
	c.written[k]++
	q := &question{keys: []string{k}, check: func(r reply) error {
		agrees := func(word string) bool { return word == r.text }
		if sum := e.delta > 0 && isNumber(r.text); !sum && !e.answers(agrees) {
			return fmt.Errorf("that is no answer to %s", e.verb)
		}
		if also != nil {
			if err := also(r.text); err != nil {
				return err
			}
		}
		return c.writes(k, done, e.next(agrees))
	}}
	q.failed = func(o outcome) { c.writes(k, o, e.next(anyWord)) }
	line, data := e.textLine(k, last)
	c.line(q, line, data...)
}

// askMutely changes keys and does not want to hear of it, but at last something.
func (c *simClient) askMutely() {
	for range 1 + c.w.rng.IntN(5) {
		c.seq++
		k := c.textKey()
		e := c.someEdit(k)
		if c.w.one(4) {
			k = c.counter()
			e = c.someSum()
		}
		c.written[k]++
		q := &question{keys: []string{k}, muted: true}
		q.pass = func() {
			o := done
			switch excused := c.pool.nodes[c.pool.pool.ring.OwnerString(k)].excuses(q.sent); {
			case excused && c.pool.limit > 0:
				o = late
			case excused:
				o = maybe
			}
			c.writes(k, o, e.next(anyWord))
		}
		line, data := e.textLine(k, " noreply")
		c.line(q, line, data...)
	}
	if c.w.one(2) {
		c.line(&question{check: c.says("MN")}, "mn")
	} else {
		c.askValues([]string{c.textKey()})
	}
}

// says returns a check for a line.
func (c *simClient) says(text string) func(reply) error {
	return func(r reply) error {
		if r.text != text || r.head != "" || len(r.elems) > 0 {
			return fmt.Errorf("want %q", text)
		}
		return nil
	}
}

// stamp is what a client knows of a value's cas: that, and how often it had asked for a
// change of its key before.
type stamp struct {
	cas     string
	written int
}

// askCas learns a value's cas, or changes what has it.
func (c *simClient) askCas(k string) {
	s, ok := c.stamps[k]
	if !ok || c.w.one(4) {
		written := c.written[k]
		q := &question{keys: []string{k}, reads: true}
		q.check = func(r reply) error {
			if len(r.elems) == 0 {
				return c.seesText(q, k, reply{typ: '$', null: true})
			}
			words := strings.Fields(r.elems[0].head)
			if len(r.elems) > 1 || len(words) != 5 || words[1] != k {
				return fmt.Errorf("want a value and its cas")
			}
			c.stamps[k] = stamp{words[4], written}
			return c.sees(k, r.elems[0])
		}
		c.line(q, "gets "+k)
		return
	}
	clean := c.written[k] == s.written
	e := edit{verb: "cas", data: c.value(k)}
	c.askTextEdit(k, e, " "+s.cas, func(word string) error {
		if h := c.holds(k); clean && h != nil && !h.loose && word != "STORED" {
			return fmt.Errorf("nobody has changed it since")
		}
		return nil
	})
	delete(c.stamps, k)
}
