package session

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// want returns a check for one exact reply: type and text.
func want(s string) func(reply) error {
	return func(r reply) error {
		if got := string(r.typ) + r.text; got != s || r.null {
			return fmt.Errorf("want %.80q", s)
		}
		return nil
	}
}

func wantInt(n int64) func(reply) error {
	return func(r reply) error {
		if r.typ != ':' || r.num != n {
			return fmt.Errorf("want %d", n)
		}
		return nil
	}
}

func wantType(typ byte) func(reply) error {
	return func(r reply) error {
		if r.typ != typ {
			return fmt.Errorf("want a reply of type %c", typ)
		}
		return nil
	}
}

// key returns a key: of the client alone, or shared with others.
func (c *simClient) key() string {
	switch c.w.rng.IntN(12) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("shared:%d%s", c.w.rng.IntN(4), c.at())
	case 2:
		return fmt.Sprintf("own:%d:\x00\r\n$-1\xff%d%s", c.id, c.w.rng.IntN(4), c.at())
	case 3:
		return c.tagged()
	}
	return fmt.Sprintf("own:%d:%d%s", c.id, c.w.rng.IntN(12), c.at())
}

// tagged returns one of the keys of the client that are on one shard.
func (c *simClient) tagged() string {
	return fmt.Sprintf("own:{%d}:%d%s", c.id, c.w.rng.IntN(4), c.at())
}

func (c *simClient) counter() string {
	return fmt.Sprintf("own:%d:n%d%s", c.id, c.w.rng.IntN(3), c.at())
}

func (c *simClient) someKeys(key func() string) []string {
	keys := make([]string, 1+c.w.rng.IntN(9))
	for i := range keys {
		keys[i] = key()
	}
	return keys
}

// value returns a value that tells its key, writer and write.
func (c *simClient) value(key string) string {
	w := c.w
	size := 0
	switch w.rng.IntN(40) {
	case 0:
		return ""
	case 1, 2, 3:
		size = w.rng.IntN(5000)
	case 4, 5:
		size = w.rng.IntN(80 << 10)
	case 6:
		if w.one(6) {
			size = w.rng.IntN(3 << 20)
		}
	}
	head := fmt.Sprintf("%s|%d|%d|", hex.EncodeToString([]byte(key)), c.id, c.seq)
	return head + strings.Repeat(strconv.Itoa(c.seq%10), size)
}

// holds returns what is known of a key, nil if others write it too: then a value
// need only be one that was written to this key.
func (c *simClient) holds(key string) *holding {
	if c.pool.eject || !strings.HasPrefix(key, "own:") {
		return nil
	}
	h := c.keys[key]
	if h == nil {
		h = &holding{values: []value{{}}}
		c.keys[key] = h
	}
	return h
}

// sees judges what was read of a key.
func (c *simClient) sees(key string, r reply) error {
	if h := c.holds(key); h != nil {
		if err := h.read(r); err != nil {
			return fmt.Errorf("key %q: %v", key, err)
		}
	}
	if r.typ != '$' {
		return fmt.Errorf("key %q: no string", key)
	}
	if r.text != "" && !strings.HasPrefix(r.text, hex.EncodeToString([]byte(key))+"|") {
		return fmt.Errorf("key %q: not what was written to it", key)
	}
	return nil
}

// writes applies a write to what is known of a key.
func (c *simClient) writes(key string, o outcome, next func(value) (value, bool)) error {
	if h := c.holds(key); h != nil {
		if err := h.write(o, next); err != nil {
			return fmt.Errorf("key %q: %v", key, err)
		}
	}
	return nil
}

// ask sends some request, unless the client has reasons not to.
func (c *simClient) ask() {
	if c.mute || c.waitFor != nil {
		return
	}
	c.seq++
	c.pool.speaks.ask(c)
}

// askRedis sends some request to a pool of Redis.
func (c *simClient) askRedis() {
	token := fmt.Sprintf("%d.%d", c.id, c.seq)
	k := c.key()
	if !c.knocked && c.pool.admits != "" {
		// What is large now would be a protocol error.
		if c.w.one(2) {
			c.login()
		} else {
			c.send(&question{keys: []string{k}}, "GET", k)
		}
		return
	}
	switch {
	case c.then != nil:
		then := c.then
		c.then = nil
		then()
		return
	case c.limited():
		c.askLimited(token)
		return
	case c.w.one(5):
		c.askState(token)
		return
	}
	switch n := c.w.rng.IntN(100); {
	case n < 22:
		q := &question{keys: []string{k}, check: func(r reply) error { return c.sees(k, r) }}
		if n == 0 && !strings.ContainsAny(k, "\r\n") {
			c.sendLine(q, `get "`+k+`"`)
			return
		}
		c.send(q, "GET", k)
	case n < 40:
		c.askSet(k)
	case n < 46:
		c.askAppend(k)
	case n < 52:
		c.askIncr(c.counter())
	case n < 54:
		c.send(&question{keys: []string{k}, check: wantType(':')}, "STRLEN", k)
	case n < 64:
		c.askMGet(c.someKeys(c.key))
	case n < 71:
		c.askMSet(c.someKeys(c.key))
	case n < 77:
		c.askCount(c.someKeys(c.key))
	case n < 81:
		c.askEval(token)
	case n < 91:
		c.askLocal(token)
	case n < 94:
		c.send(&question{split: len(c.pool.nodes) > 1, check: wantType(':')}, "DBSIZE")
	case n < 96:
		c.send(&question{split: len(c.pool.nodes) > 1, check: wantType('*')}, "SCAN", strconv.Itoa(c.w.rng.IntN(200)))
	case n < 97 && c.w.one(10):
		c.quit()
	default:
		c.askWrong(token)
	}
}
