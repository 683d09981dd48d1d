package session

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/shardring/shardring/shard/resp"
)

// message is what a subscriber is told.
type message struct{ pattern, channel, text string }

// listener is what a client listens to: as it asked, and as far as it was confirmed;
// channels, then patterns.
type listener struct {
	wanted, confirmed [2]map[string]bool
	ever              bool
	due               map[*simLink][]message // said by a node, in order, and not heard
}

var channelVerbs = [2]string{"subscribe", "psubscribe"}

func (c *simClient) count() int64 { return int64(len(c.wanted[0]) + len(c.wanted[1])) }

// limited reports whether the client may only speak of its subscriptions.
func (c *simClient) limited() bool { return c.spoken == 2 && c.count() > 0 }

// owner returns the client that a connection to a node is for, or nil.
func (l *simLink) owner() *simClient {
	if o, ok := l.conn.Owner.(*owned); ok && o.session.phase != over {
		return o.session.Link.(*simClient)
	}
	return nil
}

// told notes that a node has said a message to a connection.
func (w *simWorld) told(l *simLink, m message) {
	if c := l.owner(); c != nil && c.due != nil {
		c.due[l] = append(c.due[l], m)
	}
}

// askChannels subscribes or unsubscribes.
func (c *simClient) askChannels() {
	kind := c.w.rng.IntN(2)
	var names []string
	for range 1 + c.w.rng.IntN(3) {
		if kind == 0 {
			names = append(names, c.channel())
		} else {
			names = append(names, []string{"ch*", "ch1", "*2", "ch[34]"}[c.w.rng.IntN(4)])
		}
	}
	verb := channelVerbs[kind]
	if c.limited() && c.w.one(2) || c.count() > 0 && c.w.one(4) {
		verb = strings.Replace(verb, "sub", "unsub", 1)
		if c.w.one(2) {
			names = nil
		}
	}
	end := strings.Contains(verb, "unsub")
	all := c.wanted[kind]
	request, replies := append([]string{strings.ToUpper(verb)}, names...), names
	if c.wanted[kind] == nil {
		c.wanted[kind], c.confirmed[kind] = map[string]bool{}, map[string]bool{}
	}
	if len(names) == 0 {
		replies = make([]string, max(1, len(all)))
	}
	c.ever = true
	c.largest = max(c.largest, 200)
	c.out = resp.AppendRequest(c.out, request...)
	for i, name := range replies {
		switch {
		case !end:
			c.wanted[kind][name] = true
		case len(names) > 0:
			delete(c.wanted[kind], name)
		case i == len(replies)-1:
			clear(c.wanted[kind])
		}
		n := c.count()
		if len(names) == 0 {
			n += int64(len(replies) - 1 - i)
			if i < len(replies)-1 {
				n = -1 // the names' order is not known
			}
		}
		c.asked = append(c.asked, &question{name: verb, sent: c.w.now, listens: true, check: func(r reply) error {
			return c.confirm(r, verb, kind, name, n, len(names) == 0)
		}})
	}
}

// confirm judges the confirmation of a subscription or its end.
func (c *simClient) confirm(r reply, verb string, kind int, name string, n int64, any bool) error {
	if typ := map[int]byte{2: '*', 3: '>'}[c.proto]; r.typ != typ || len(r.elems) != 3 || r.elems[0].text != verb {
		return fmt.Errorf("want a confirmation of %s by a %c", verb, typ)
	}
	got := r.elems[1].text
	if !any && got != name || any && !r.elems[1].null && !c.confirmed[kind][got] {
		return fmt.Errorf("want %s %s", verb, name)
	}
	if n >= 0 && r.elems[2].num != n {
		return fmt.Errorf("want %d subscriptions", n)
	}
	if strings.Contains(verb, "unsub") {
		delete(c.confirmed[kind], got)
	} else {
		c.confirmed[kind][got] = true
	}
	return nil
}

func (c *simClient) channel() string { return fmt.Sprintf("ch%d", c.w.rng.IntN(6)) }

// askLimited sends what a subscriber of RESP2 may say, or may not.
func (c *simClient) askLimited(token string) {
	switch c.w.rng.IntN(10) {
	case 0, 1:
		c.send(&question{check: func(r reply) error {
			if r.typ != '*' || len(r.elems) != 2 || r.elems[0].text != "pong" || r.elems[1].text != token {
				return fmt.Errorf("want a pong")
			}
			return nil
		}}, "PING", token)
	case 2:
		c.send(&question{check: want("-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context")}, "GET", c.key())
	case 3:
		c.askReset()
	default:
		c.askChannels()
	}
}

func (c *simClient) askPublish(token string) {
	ch := c.channel()
	c.send(&question{keys: []string{ch}, check: wantType(':')}, "PUBLISH", ch, token)
}

// pushed takes what the client is told without having asked, and reports whether r
// is that.
func (c *simClient) pushed(r reply) bool {
	if r.typ != '>' && r.typ != '*' || len(r.elems) < 2 {
		return false
	}
	m := message{}
	switch r.elems[0].text {
	case "message":
		m = message{"", r.elems[1].text, r.elems[2].text}
	case "pmessage":
		m = message{r.elems[1].text, r.elems[2].text, r.elems[3].text}
	case "invalidate":
		return r.typ == '>' && (c.tracked || c.target)
	default:
		return false
	}
	kind, name := 0, m.channel
	if m.pattern != "" {
		kind, name = 1, m.pattern
	}
	if !c.confirmed[kind][name] || (r.typ == '>') != (c.proto == 3) {
		c.fatalf("told %v by RESP%d: it is confirmed %v", r, c.proto, c.confirmed)
	}
	for l, due := range c.due {
		if due[0] != m {
			continue
		}
		if c.due[l] = due[1:]; len(due) == 1 {
			delete(c.due, l)
		}
		return true
	}
	c.fatalf("told %v, and no node has said that next: %v", r, c.due)
	return false
}

// auditListener checks that a client has heard everything, and that the nodes know
// what it listens to.
func (c *simClient) auditListener() {
	if len(c.due) > 0 {
		c.fatalf("has not heard %v", c.due)
	}
	for kind, names := range c.confirmed {
		for name := range names {
			for _, n := range c.pool.nodes {
				if kind == 0 && c.pool.pool.ring.OwnerString(name) != n.shard {
					continue
				}
				if !slices.ContainsFunc(n.links, func(l *simLink) bool { return l.owner() == c && l.subs[kind][name] }) {
					c.fatalf("listens to %s, which %s does not know", name, n.name)
				}
			}
		}
		if len(names) != len(c.wanted[kind]) {
			c.fatalf("listens to %v, and wants %v", names, c.wanted[kind])
		}
	}
}

// matches is how the nodes compare a pattern with a channel.
func matches(pattern, channel string) bool {
	ok, _ := path.Match(pattern, channel)
	return ok
}
