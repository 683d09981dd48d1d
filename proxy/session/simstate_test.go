package session

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// at is the end of a key that tells its database.
func (c *simClient) at() string {
	if c.db == 0 {
		return ""
	}
	return fmt.Sprintf("@%d", c.db)
}

// askState sends what changes the state of the client's session, or needs a
// connection of its own.
func (c *simClient) askState(token string) {
	switch n := c.w.rng.IntN(100); {
	case n < 8:
		c.askSelect()
	case n < 16:
		c.askHello()
	case n < 32:
		c.askTransaction(token)
	case n < 44:
		if !c.pool.eject {
			c.askRaise()
		}
	case n < 52:
		c.askPop()
	case n < 62:
		c.askPush(token)
	case n < 66:
		c.askChannels()
	case n < 76:
		c.askPublish(token)
	case n < 82:
		c.askMuted()
	case n < 84:
		c.askPause()
	case n < 86:
		c.askAbout()
	case n < 89:
		c.askScript(token)
	case n < 91:
		c.askReset()
	case n < 93:
		c.send(&question{waits: true, check: wantType(':')}, "WAIT", "0", "10")
	default:
		c.askTracking()
	}
}

// unsure has the client wait for the reply, on which what follows depends, if the
// nodes have yet to be asked.
func (c *simClient) unsure(q *question) {
	if !c.pool.pool.proven[laneKey{c.db, c.spoken}] {
		c.waitFor = q
	}
}

func (c *simClient) askSelect() {
	before, db := c.db, c.w.rng.IntN(3)
	q := &question{}
	q.check = want("+OK")
	q.failed = func(outcome) { c.db = before }
	c.send(q, "SELECT", strconv.Itoa(db))
	c.db = db
	c.unsure(q)
}

func (c *simClient) askHello() {
	before, proto := c.spoken, 2+c.w.rng.IntN(2)
	q := &question{}
	q.check = func(r reply) error {
		c.proto = proto
		if typ := map[int]byte{2: '*', 3: '%'}[proto]; r.typ != typ {
			return fmt.Errorf("want a reply of type %c", typ)
		}
		return nil
	}
	q.failed = func(outcome) { c.spoken = before }
	c.send(q, "HELLO", strconv.Itoa(proto))
	c.spoken = proto
	c.unsure(q)
}

// askReset makes the session as new.
func (c *simClient) askReset() {
	q := &question{open: true, check: func(r reply) error {
		c.db, c.spoken, c.proto, c.listener, c.tracked = 0, 2, 2, listener{due: map[*simLink][]message{}, ever: c.ever}, false
		c.knocked, c.logged = false, false
		return want("+RESET")(r)
	}}
	c.send(q, "RESET")
	c.waitFor = q
}

// askMuted sends writes whose replies the client does not want.
func (c *simClient) askMuted() {
	n, mode := 1, "SKIP"
	if c.w.one(2) {
		n, mode = 1+c.w.rng.IntN(5), "OFF"
	}
	c.out = append(c.out, request("CLIENT", "REPLY", mode)...)
	for range n {
		k := c.key()
		v := c.value(k)
		q := &question{name: "muted SET", keys: []string{k}, sent: c.w.now, muted: true}
		q.failed = func(o outcome) {
			switch {
			case !c.pool.excused(q.sent):
				o = done
			case c.pool.cfg.Timeout > 0:
				o = late
			}
			c.writes(k, o, set(v))
		}
		c.asked = append(c.asked, q)
		before := len(c.out)
		c.out = append(c.out, request("SET", k, v)...)
		c.largest = max(c.largest, len(c.out)-before)
	}
	if mode == "OFF" {
		c.send(&question{check: want("+OK")}, "CLIENT", "REPLY", "ON")
	} else {
		c.send(&question{check: wantInt(int64(c.s.id))}, "CLIENT", "ID")
	}
}

func (c *simClient) askPause() {
	if c.w.one(4) {
		c.send(&question{check: want("+OK")}, "CLIENT", "UNPAUSE")
		return
	}
	c.send(&question{check: want("+OK")}, "CLIENT", "PAUSE", strconv.Itoa(c.w.rng.IntN(20)), []string{"ALL", "WRITE"}[c.w.rng.IntN(2)])
}

// askAbout ends another client, or its waiting.
func (c *simClient) askAbout() {
	other := c.w.clients[c.w.rng.IntN(len(c.w.clients))]
	if other == c || other.pool != c.pool {
		return
	}
	id := fmt.Sprint(other.s.id)
	if c.w.one(2) {
		c.send(&question{check: wantType(':')}, "CLIENT", "UNBLOCK", id)
		return
	}
	other.hunted = true
	c.send(&question{check: wantType(':')}, "CLIENT", "KILL", "ID", id)
}

// askScript loads a script, or relies on that somebody did.
func (c *simClient) askScript(token string) {
	body := fmt.Sprintf("return %d", c.w.rng.IntN(3))
	sum := sha1.Sum([]byte(body))
	digest := hex.EncodeToString(sum[:])
	if !c.pool.scripts[body] || c.w.one(4) {
		c.send(&question{split: len(c.pool.nodes) > 1, check: func(r reply) error {
			c.pool.scripts[body] = true
			return want("$" + digest)(r)
		}}, "SCRIPT", "LOAD", body)
	}
	k := c.tagged()
	q := &question{keys: []string{k}}
	q.check = func(r reply) error {
		// Who has said more since cannot be helped if somebody flushed the scripts there.
		lost := slices.ContainsFunc(c.pool.nodes, func(n *simNode) bool { return n.lost })
		if r.typ == '-' && strings.HasPrefix(r.text, "NOSCRIPT ") && (c.pool.excused(q.sent) || lost && len(c.asked) > 0) {
			return nil
		}
		if r.typ != '*' || len(r.elems) != 2 || r.elems[1].text != token {
			return fmt.Errorf("want %s last", token)
		}
		return c.sees(k, r.elems[0])
	}
	c.send(q, "EVALSHA", digest, "1", k, token)
	if c.w.one(2) {
		c.askSet(k) // which the script must not see
	}
}

// askTracking turns tracking on or off; another client may be told.
func (c *simClient) askTracking() {
	q := &question{split: len(c.pool.nodes) > 1, listens: true, check: want("+OK")}
	other := c.w.clients[c.w.rng.IntN(len(c.w.clients))]
	switch {
	case c.tracked && c.w.one(2):
		c.send(q, "CLIENT", "TRACKING", "OFF")
	case other.pool == c.pool && (c.spoken == 2 || c.w.one(4)):
		c.tracked, other.target = true, true
		q.check = func(r reply) error {
			if r.typ == '-' && strings.Contains(r.text, "you want redirect to") {
				return nil
			}
			return want("+OK")(r)
		}
		c.send(q, "CLIENT", "TRACKING", "ON", "REDIRECT", fmt.Sprint(other.s.id))
	case c.spoken == 3:
		c.tracked = true
		c.send(q, "CLIENT", "TRACKING", "ON")
	}
}
