package session

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// textWords is memcached's protocol.
type textWords struct{}

// stores are the commands with data behind their line.
var stores = []string{"set", "add", "replace", "append", "prepend", "cas", "ms"}

// parse cuts a command off b: the words of its line and, as the last argument, the data
// behind it, with what stands in the place of its CRLF.
func (textWords) parse(b []byte) (args [][]byte, n int, err error) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return nil, 0, nil
	}
	line := bytes.TrimSuffix(b[:i], []byte("\r"))
	for _, w := range bytes.Split(line, []byte(" ")) {
		if len(w) > 0 {
			args = append(args, w)
		}
	}
	n = i + 1
	if len(args) == 0 {
		return nil, 0, fmt.Errorf("an empty line")
	}
	name := string(args[0])
	if i > maxTextLine && name != "get" && name != "gets" {
		return nil, 0, fmt.Errorf("a line of %d bytes: %.60q", i, b)
	}
	if !slices.Contains(stores, name) {
		return args, n, nil
	}
	at := 4
	if name == "ms" {
		at = 2
	}
	if len(args) <= at {
		return nil, 0, fmt.Errorf("no length: %.60q", b)
	}
	size, ok := textNumber(args[at])
	if !ok {
		return nil, 0, fmt.Errorf("a bad length: %.60q", b)
	}
	if len(b) < n+size+2 {
		return nil, 0, nil
	}
	return append(args, b[n:n+size+2]), n + size + 2, nil
}

// maxTextLine is as much of a line as memcached waits for the end of.
const maxTextLine = 2048

// textNumber reads a length as memcached does: 32 bits of it, until a space.
func textNumber(w []byte) (int, bool) {
	f := bytes.FieldsFunc(w, func(r rune) bool { return r < '!' })
	if len(f) == 0 {
		return 0, false
	}
	v, err := strconv.ParseInt(string(f[0]), 10, 64)
	return int(int32(v)), err == nil && int32(v) >= 0
}

func (textWords) noise(idle bool) string {
	if idle {
		return "STORED\r\n"
	}
	return "*1\r\n" // no reply begins so
}

// reply reads the reply at the start of b. Of one with values, these are the elements,
// each with its line; of one line it is the text.
func (textWords) reply(b []byte) (r reply, n, need int, err error) {
	r.typ = 'T'
	for {
		i := bytes.IndexByte(b[n:], '\n')
		if i < 0 {
			return r, 0, len(b) + 1, nil
		}
		line, ok := strings.CutSuffix(string(b[n:n+i]), "\r")
		n += i + 1
		words := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' })
		if !ok || len(words) == 0 || words[0][0] > 'Z' {
			return r, 0, 0, fmt.Errorf("no line of a reply: %.80q", line)
		}
		size := 0
		switch {
		case words[0] == "STAT":
			r.elems = append(r.elems, reply{head: line})
			continue
		case words[0] == "VALUE" && len(words) >= 4:
			size, err = strconv.Atoi(words[3])
		case words[0] == "VA" && len(words) >= 2:
			size, err = strconv.Atoi(words[1])
		default:
			r.text = line
			return r, n, 0, nil
		}
		if err != nil {
			return r, 0, 0, err
		}
		if len(b) < n+size+2 {
			return r, 0, n + size + 2, nil
		}
		data := string(b[n : n+size])
		if n += size + 2; string(b[n-2:n]) != "\r\n" {
			return r, 0, 0, fmt.Errorf("no CRLF after %d bytes of %.80q: %.20q", size, line, b[n-2:])
		}
		if words[0] == "VA" {
			r.head, r.text = line, data
			return r, n, 0, nil
		}
		r.elems = append(r.elems, reply{typ: '$', head: line, text: data})
	}
}

func (textWords) parts(byte) bool { return true }

func (textWords) quit(c *simClient) { c.out = append(c.out, "quit\r\n"...) }

func (textWords) garbage(c *simClient) {
	c.out = append(c.out, []string{"GET / HTTP/1.1\r\n", strings.Repeat("x", maxTextLine+1000)}[c.w.rng.IntN(2)]...)
}

// answer judges one reply. Requests before that of which there is nothing to hear are
// done with.
func (textWords) answer(c *simClient, r reply) {
	c.w.texts++
	for len(c.asked) > 0 && c.asked[0].silent(c, r) {
		c.asked[0].pass()
		c.asked = c.asked[1:]
	}
	if len(c.asked) == 0 {
		c.fatalf("a reply that it did not ask for: %v", r)
	}
	q := c.asked[0]
	o, failed, err := c.textFailure(q, r)
	if failed && q.quiet {
		o = c.doubt(q, o)
	}
	c.asked = c.asked[1:]
	switch {
	case err != nil:
		c.fatalf("%s %.200q: %v: %v", q.name, q.keys, r, err)
	case failed:
		c.w.failures++
		if q.failed != nil {
			q.failed(o)
		}
		return
	}
	if err := q.check(r); err != nil {
		c.fatalf("%s %.200q: reply %v: %v", q.name, q.keys, r, err)
	}
}

// silent reports whether r is not the reply to q, which has none.
func (q *question) silent(c *simClient, r reply) bool {
	if q.muted || !q.quiet {
		return q.muted
	}
	if n := c.failing(r); n != nil {
		missed := q.reads && c.pool.pool.misses && !injected(r)
		return missed || !n.owns(q.keys, "")
	}
	line := r.text
	if r.head != "" {
		line = r.head
	}
	return !slices.Contains(strings.Fields(line), "O"+q.opaque)
}

// failing returns the node of which r says that it failed, or nil.
func (c *simClient) failing(r reply) *simNode {
	text, ok := strings.CutPrefix(r.text, "SERVER_ERROR ")
	if !ok || r.head != "" {
		return nil
	}
	for _, n := range c.pool.nodes {
		if text == "INJECTED "+n.name || strings.HasPrefix(text, "shard '"+n.name+"' at ") {
			return n
		}
	}
	return nil
}

// injected reports whether it is the node itself that says so.
func injected(r reply) bool { return strings.HasPrefix(r.text, "SERVER_ERROR INJECTED ") }

// doubt is told that a quiet request has failed. It may be another one that has, of
// those to the same shard: a failure does not say whose it is.
func (c *simClient) doubt(q *question, o outcome) outcome {
	var same []*question
	owner := c.pool.pool.ring.OwnerString(q.keys[0])
	for _, other := range c.asked {
		if !other.quiet {
			break
		}
		if c.pool.pool.ring.OwnerString(other.keys[0]) == owner {
			same = append(same, other)
		}
	}
	if o == not && len(same) > 1 {
		o = maybe
	}
	for _, other := range same {
		other.pass = func() { other.failed(o) }
	}
	return o
}

// textFailure finds out what a line that says SERVER_ERROR means, as failure. What only
// reads is missed instead in a pool where that is so, unless the node itself said it.
func (c *simClient) textFailure(q *question, r reply) (o outcome, failed bool, err error) {
	text, ok := strings.CutPrefix(r.text, "SERVER_ERROR ")
	if !ok || r.head != "" || strings.HasPrefix(text, "object too large") {
		return 0, false, nil
	}
	n := c.failing(r)
	switch {
	case n == nil:
		return 0, false, fmt.Errorf("no shard failed so")
	case !injected(r):
		if q.reads && c.pool.pool.misses {
			return 0, false, fmt.Errorf("want misses")
		}
		return c.failure(q, "ERR "+text)
	case !n.excuses(q.sent) || len(q.keys) > 0 && !n.owns(q.keys, ""):
		return 0, false, fmt.Errorf("it did not do this")
	case q.split:
		return maybe, true, nil
	}
	return not, true, nil
}
