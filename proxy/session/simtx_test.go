package session

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// simTx is a transaction of a client: what is in it, and what is known of that.
type simTx struct {
	c       *simClient
	began   int64
	watches bool
	spoiled bool // something was refused
	ops     []txOp
}

// txOp is a request of a transaction: how its part of EXEC's reply is judged, and
// what it does to what a key holds.
type txOp struct {
	check func(reply) error
	apply func(outcome) error
}

// txKey returns one of the client's keys that are written within transactions only.
func (c *simClient) txKey() string {
	return fmt.Sprintf("own:{%d}:tx%d%s", c.id, c.w.rng.IntN(3), c.at())
}

// askTransaction sends a whole transaction, from WATCH or MULTI to EXEC or DISCARD.
func (c *simClient) askTransaction(token string) {
	t := &simTx{c: c, began: c.w.now}
	if c.w.one(3) {
		t.watches = true
		k := c.txKey()
		c.send(&question{keys: []string{k}, check: want("+OK")}, "WATCH", k, c.tagged())
		if c.w.one(6) {
			t.watches = false
			c.send(&question{check: want("+OK")}, "UNWATCH")
		}
	}
	c.send(&question{check: want("+OK")}, "MULTI")
	for range c.w.rng.IntN(6) {
		t.add(token)
	}
	switch {
	case c.w.one(6):
		c.send(&question{check: want("+OK")}, "DISCARD")
	default:
		c.send(&question{name: "EXEC", check: t.executed, failed: func(o outcome) { t.apply(o) }}, "EXEC")
		if t.spoiled && c.w.one(2) {
			c.askChannels() // perhaps where the transaction was
		}
	}
}

// add sends a request within the transaction.
func (t *simTx) add(token string) {
	c := t.c
	k := c.txKey()
	switch c.w.rng.IntN(12) {
	case 0, 1, 2, 3:
		v := c.value(k)
		t.send(txOp{want("+OK"), func(o outcome) error { return c.writes(k, o, set(v)) }}, k, "SET", k, v)
	case 4:
		k = c.tagged()
		fallthrough
	case 5, 6:
		t.send(txOp{check: func(r reply) error { return c.sees(k, r) }}, k, "GET", k)
	case 7:
		t.send(txOp{check: want("$" + token)}, "", "ECHO", token)
	case 8, 9:
		t.send(txOp{check: orFailure(wantType(':'))}, "", "PUBLISH", c.channel(), token)
	case 10:
		t.send(txOp{check: orFailure(wantType(':'))}, "", "DBSIZE")
	case 11:
		if c.w.one(3) {
			t.spoiled = true
			c.send(&question{check: want("-ERR unknown command 'NO', with args beginning with: ")}, "NO")
		}
	}
}

// orFailure also takes what is answered for another shard that failed.
func orFailure(check func(reply) error) func(reply) error {
	return func(r reply) error {
		if r.typ == '-' && (strings.HasPrefix(r.text, "ERR shard '") || strings.HasPrefix(r.text, "INJECTED ") || strings.HasPrefix(r.text, "READONLY shard '") || strings.HasPrefix(r.text, "LOADING shard '")) {
			return nil
		}
		return check(r)
	}
}

func (t *simTx) send(op txOp, key string, args ...string) {
	t.ops = append(t.ops, op)
	q := &question{check: func(r reply) error {
		if r.typ == '-' && strings.HasPrefix(r.text, "CROSSSLOT ") && t.c.pool.eject {
			t.spoiled = true // the shard was ejected amid the transaction
			return nil
		}
		return want("+QUEUED")(r)
	}, failed: func(outcome) { t.spoiled = true }}
	if key != "" {
		q.keys = []string{key}
	}
	t.c.send(q, args...)
}

// excused reports whether something was wrong with a node since the transaction
// began.
func (t *simTx) excused() bool { return t.c.pool.excused(t.began) }

func (p *simPool) excused(since int64) bool {
	for _, n := range p.nodes {
		if n.excuses(since) {
			return true
		}
	}
	return false
}

// executed judges the reply to EXEC.
func (t *simTx) executed(r reply) error {
	switch {
	case r.typ == '-' && strings.HasPrefix(r.text, "EXECABORT "):
		if !t.spoiled && !t.excused() {
			return fmt.Errorf("nothing was refused")
		}
		return nil
	case t.spoiled && !t.excused():
		return fmt.Errorf("something was refused")
	case r.null:
		if !t.watches || !t.excused() {
			return fmt.Errorf("no key was changed by another")
		}
		return nil
	case r.typ != '*' || len(r.elems) != len(t.ops):
		return fmt.Errorf("want %d elements", len(t.ops))
	}
	for i, op := range t.ops {
		if err := op.check(r.elems[i]); err != nil {
			return fmt.Errorf("element %d: %v", i, err)
		}
		if op.apply != nil {
			if err := op.apply(done); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *simTx) apply(o outcome) {
	for _, op := range t.ops {
		if op.apply != nil {
			op.apply(o)
		}
	}
}

// tally is how often clients have raised a number that all of them raise: at least
// and, for what may or may not have been executed, at most.
type tally struct{ least, most int }

// askRaise raises a number by WATCH and EXEC. What it reads decides what it says, so
// others come between.
func (c *simClient) askRaise() {
	k := fmt.Sprintf("shared:raise%d%s", c.w.rng.IntN(2), c.at())
	n, sound := 0, false
	c.send(&question{keys: []string{k}, check: func(r reply) error {
		sound = true
		return want("+OK")(r)
	}}, "WATCH", k)
	q := &question{keys: []string{k}, check: func(r reply) error {
		if !r.null {
			n, _ = strconv.Atoi(r.text[strings.LastIndex(r.text, "|")+1:])
		}
		return c.sees(k, r)
	}, failed: func(outcome) { sound = false }}
	c.send(q, "GET", k)
	c.waitFor, c.then = q, func() {
		if !sound {
			c.send(&question{check: want("+OK")}, "UNWATCH")
			return
		}
		c.raise(k, n+1)
	}
}

// raise writes n, if nobody has written since.
func (c *simClient) raise(k string, n int) {
	count := c.pool.tallies[k]
	if count == nil {
		count = &tally{}
		c.pool.tallies[k] = count
	}
	t := &simTx{c: c, began: c.w.now, watches: true}
	c.send(&question{check: want("+OK")}, "MULTI")
	v := fmt.Sprintf("%s|%d|%d|%d", hex.EncodeToString([]byte(k)), c.id, c.seq, n)
	t.send(txOp{check: want("+OK")}, k, "SET", k, v)
	if c.w.one(8) {
		c.send(&question{check: want("+OK")}, "DISCARD")
		return
	}
	count.most++ // should the client leave
	c.send(&question{name: "EXEC", keys: []string{k}, check: func(r reply) error {
		if r.null || r.typ == '-' {
			count.most--
		}
		if r.null {
			return nil // another was faster
		}
		if r.typ != '-' {
			count.least++
		}
		return t.executed(r)
	}, failed: func(o outcome) {
		if o == not {
			count.most--
		}
	}}, "EXEC")
}

// auditTallies checks that no raise was lost.
func (p *simPool) auditTallies(w *simWorld) {
	for k, count := range p.tallies {
		n := 0
		if v, ok := p.nodes[p.pool.ring.OwnerString(k)].data[k]; ok {
			n, _ = strconv.Atoi(v[strings.LastIndex(v, "|")+1:])
		}
		if !p.eject && (n < count.least || n > count.most) {
			w.t.Fatalf("%s was raised %d to %d times, and is %d", k, count.least, count.most, n)
		}
	}
}
