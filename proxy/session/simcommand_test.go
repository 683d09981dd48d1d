package session

import (
	"fmt"
	"slices"
	"strings"
)

func (c *simClient) login() {
	c.knocked = true
	c.send(&question{open: true, check: func(r reply) error {
		c.logged = true
		return want("+OK")(r)
	}}, "AUTH", c.pool.admits)
}

func (c *simClient) askSet(k string) {
	v := c.value(k)
	c.send(&question{
		keys: []string{k},
		check: func(r reply) error {
			if err := want("+OK")(r); err != nil {
				return err
			}
			return c.writes(k, done, set(v))
		},
		failed: func(o outcome) { c.writes(k, o, set(v)) },
	}, "SET", k, v)
}

func (c *simClient) askAppend(k string) {
	v := c.value(k)
	if h := c.holds(k); h == nil || h.any || len(h.values) > 8 || len(h.values[0].s) > 1<<20 {
		c.askSet(k) // what is appended to for ever grows for ever
		return
	}
	c.send(&question{
		keys: []string{k},
		check: func(r reply) error {
			if err := wantType(':')(r); err != nil {
				return err
			}
			return c.writes(k, done, appended(v, r.num))
		},
		failed: func(o outcome) { c.writes(k, o, appended(v, -1)) },
	}, "APPEND", k, v)
}

func (c *simClient) askIncr(k string) {
	d := 1 + c.w.rng.Int64N(1000)
	c.send(&question{
		keys: []string{k},
		check: func(r reply) error {
			if err := wantType(':')(r); err != nil {
				return err
			}
			return c.writes(k, done, added(d, &r.num))
		},
		failed: func(o outcome) { c.writes(k, o, added(d, nil)) },
	}, "INCRBY", k, fmt.Sprint(d))
}

func (c *simClient) askMGet(keys []string) {
	c.send(&question{
		keys: keys, split: c.several(keys),
		check: func(r reply) error { return c.seesAll(keys, r) },
	}, append([]string{"MGET"}, keys...)...)
}

func (c *simClient) seesAll(keys []string, r reply) error {
	if r.typ != '*' || len(r.elems) != len(keys) {
		return fmt.Errorf("want %d elements", len(keys))
	}
	for i, k := range keys {
		if err := c.sees(k, r.elems[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *simClient) askMSet(keys []string) {
	args, values := []string{"MSET"}, map[string]string{}
	for _, k := range keys {
		values[k] = c.value(k)
		args = append(args, k, values[k])
	}
	apply := func(o outcome) (err error) {
		for _, k := range keys {
			if e := c.writes(k, o, set(values[k])); e != nil {
				err = e
			}
		}
		return err
	}
	c.send(&question{
		keys: keys, split: c.several(keys),
		check: func(r reply) error {
			if err := want("+OK")(r); err != nil {
				return err
			}
			return apply(done)
		},
		failed: func(o outcome) { apply(o) },
	}, args...)
}

// askCount sends a command that counts keys, and may remove them.
func (c *simClient) askCount(keys []string) {
	name := []string{"DEL", "UNLINK", "EXISTS", "TOUCH"}[c.w.rng.IntN(4)]
	removes := name == "DEL" || name == "UNLINK"
	apply := func(o outcome) {
		for _, k := range keys {
			if removes {
				c.writes(k, o, remove)
			}
		}
	}
	c.send(&question{
		name: name, keys: keys, split: c.several(keys),
		check: func(r reply) error {
			least, most := int64(0), int64(0)
			for i, k := range keys {
				l, m := int64(0), int64(1)
				if h := c.holds(k); h != nil {
					l, m = h.present()
				}
				if removes && slices.Contains(keys[:i], k) {
					l, m = 0, 0
				}
				least, most = least+l, most+m
			}
			if r.typ != ':' || r.num < least || r.num > most {
				return fmt.Errorf("want %d to %d", least, most)
			}
			apply(done)
			return nil
		},
		failed: apply,
	}, append([]string{name}, keys...)...)
}

// askEval sends a request whose keys must be on one shard.
func (c *simClient) askEval(token string) {
	keys := c.someKeys(c.tagged)
	if c.w.one(3) {
		keys = c.someKeys(c.key)
	}
	args := append([]string{"EVAL", "return", fmt.Sprint(len(keys))}, keys...)
	c.send(&question{keys: keys, check: func(r reply) error {
		if strings.HasPrefix(r.text, "CROSSSLOT ") && r.typ == '-' {
			if !c.pool.eject && !c.several(keys) {
				return fmt.Errorf("the keys are on one shard")
			}
			return nil
		}
		if n := len(r.elems); n == 0 || r.elems[n-1].text != token {
			return fmt.Errorf("want %s last", token)
		}
		if !c.pool.eject && c.several(keys) {
			return fmt.Errorf("the keys are on several shards")
		}
		r.elems = r.elems[:len(r.elems)-1]
		return c.seesAll(keys, r)
	}}, append(args, token)...)
}

// several reports whether keys are on more than one shard.
func (c *simClient) several(keys []string) bool {
	owner := c.pool.pool.ring.OwnerString(keys[0])
	return slices.ContainsFunc(keys, func(k string) bool { return c.pool.pool.ring.OwnerString(k) != owner })
}

func (c *simClient) askLocal(token string) {
	switch c.w.rng.IntN(6) {
	case 0:
		c.send(&question{check: want("+PONG")}, "PING")
	case 1:
		c.sendLine(&question{check: want("$" + token)}, "ping "+token)
	case 2:
		v := c.value(token)
		c.send(&question{name: "ECHO", check: want("$" + v)}, "ECHO", v)
	case 3:
		c.out = append(c.out, "\r\n*0\r\n"...) // asks nothing
		c.sendLine(&question{check: want("$" + token)}, `echo '`+token+`'`)
	case 4:
		c.send(&question{check: want("+OK")}, "CLIENT", "SETNAME", token)
		c.send(&question{check: want("$" + token)}, "CLIENT", "GETNAME")
	case 5:
		c.send(&question{check: wantInt(int64(c.s.id))}, "CLIENT", "ID")
	}
}

// askWrong sends what is refused here.
func (c *simClient) askWrong(token string) {
	wrong := []struct {
		want string
		args []string
	}{
		{"-ERR unknown command 'NO." + token + "', with args beginning with: 'a' ", []string{"NO." + token, "a"}},
		{"-ERR wrong number of arguments for 'getrange' command", []string{"GETRANGE", token}},
		{"-ERR wrong number of arguments for 'mset' command", []string{"MSET", token, "x", "y"}},
		{"-ERR unknown subcommand '" + token + "'. Try CLIENT HELP.", []string{"CLIENT", token}},
		{"-ERR invalid cursor", []string{"SCAN", token + "x"}},
	}
	q := wrong[c.w.rng.IntN(len(wrong))]
	c.send(&question{check: want(q.want), open: q.args[0] != "SCAN"}, q.args...)
}
