package session

import (
	"fmt"
	"slices"
	"strconv"
)

// element is what becomes of something that was appended to a list: it stays there
// or one client gets it. It may be lost only with a client that has gone, or with a
// connection that has.
type element struct {
	key    string
	said   bool // the client that appended it was told so
	taken  int64
	link   *simLink // that took it; nil: none
	client *simClient
	heard  bool
}

// listKey returns one of a few lists that all clients of a database share; lists of a
// number are on one shard.
func (c *simClient) listKey(n int) string {
	return fmt.Sprintf("list:{%d}:%d%s", n, c.w.rng.IntN(2), c.at())
}

func (c *simClient) askPush(token string) {
	k := c.listKey(c.w.rng.IntN(2))
	e := &element{key: k}
	c.pool.elements[token] = e
	c.send(&question{keys: []string{k}, check: func(r reply) error {
		e.said = true
		return wantType(':')(r)
	}}, "RPUSH", k, token)
}

// askPop waits for an element of one of some lists.
func (c *simClient) askPop() {
	n := c.w.rng.IntN(2)
	keys := []string{c.listKey(n), c.listKey(n)}
	for range c.w.rng.IntN(3) {
		keys = append(keys, c.listKey(n))
	}
	seconds := strconv.FormatFloat(0.001+0.2*c.w.rng.Float64(), 'f', 3, 64)
	args := append(append([]string{"BLPOP"}, keys...), seconds)
	c.send(&question{keys: keys, waits: true, check: func(r reply) error {
		if r.null {
			return nil
		}
		if r.typ != '*' || len(r.elems) != 2 || !slices.Contains(keys, r.elems[0].text) {
			return fmt.Errorf("want an element of a list")
		}
		return c.gets(r.elems[0].text, r.elems[1].text)
	}}, args...)
}

// gets takes an element.
func (c *simClient) gets(k, v string) error {
	switch e := c.pool.elements[v]; {
	case e == nil || e.key != k:
		return fmt.Errorf("nobody appended that to it")
	case e.heard:
		return fmt.Errorf("somebody has it")
	case e.client != c:
		return fmt.Errorf("it was another's")
	default:
		e.heard = true
	}
	return nil
}

// popped notes that a node has given an element of a list to a connection.
func (w *simWorld) popped(l *simLink, v string) {
	if e := l.node.pool.elements[v]; e != nil {
		if e.link != nil {
			w.t.Errorf("%s: %s is taken twice", l.node.name, v)
		}
		e.taken, e.link, e.client = w.now, l, l.owner()
	}
}

// auditLists checks that no element is lost, and none there that somebody has.
func (p *simPool) auditLists(w *simWorld) {
	there := map[string]bool{}
	for _, n := range p.nodes {
		for _, list := range n.lists {
			for _, v := range list {
				there[v] = true
			}
		}
	}
	for v, e := range p.elements {
		switch {
		case there[v] && e.link != nil, e.said && !there[v] && e.link == nil:
			w.t.Fatalf("element %s of %s: there %v, %+v", v, e.key, there[v], e)
		case e.link != nil && !e.heard && e.client != nil && !e.client.gone && !e.link.node.excuses(e.taken):
			w.t.Fatalf("element %s of %s was taken for client %d, which does not have it", v, e.key, e.client.id)
		}
		if e.heard || e.link != nil && (e.client == nil || e.client.gone) {
			delete(p.elements, v)
		}
	}
}
