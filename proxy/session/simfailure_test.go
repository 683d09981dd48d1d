package session

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// failure finds out what an error reply means: ok is false if it is none of
// those that tell of a shard's failure. It must name a shard that had one.
func (c *simClient) failure(q *question, text string) (o outcome, ok bool, err error) {
	if q.listens && strings.HasPrefix(text, "ERR shardring: ") && strings.HasSuffix(text, " while subscribing") && c.pool.excused(q.sent) {
		return maybe, true, nil
	}
	if code, inner, ok := strings.Cut(text, " "); ok && (code == "READONLY" || code == "LOADING") {
		return c.refusal(q, inner)
	}
	shard, rest, named := strings.Cut(strings.TrimPrefix(text, "ERR shard '"), "' at ")
	if code, inner, ok := strings.Cut(text, " "); ok && code == "INJECTED" {
		name := ""
		if n, in, ok := strings.Cut(strings.TrimPrefix(inner, "shard '"), "': "); ok {
			name, inner = n, in
		}
		if (name != "") != q.split && !c.pool.eject {
			return 0, false, fmt.Errorf("split: %v", q.split)
		}
		key, _ := hex.DecodeString(inner)
		for _, n := range c.pool.nodes {
			if (name == "" || n.name == name) && n.excuses(q.sent) && (len(q.keys) == 0 || n.owns(q.keys, string(key))) {
				if q.split {
					return maybe, true, nil
				}
				return not, true, nil
			}
		}
		return 0, false, fmt.Errorf("no shard did this")
	}
	if !named {
		return 0, false, nil
	}
	addr, _, _ := strings.Cut(rest, ": ")
	n := c.w.nodes[addr]
	if n == nil || n.name != shard || n.pool != c.pool {
		return 0, false, fmt.Errorf("no shard %q at %q", shard, addr)
	}
	if !n.excuses(q.sent) {
		return 0, false, fmt.Errorf("nothing was wrong with it: since %d, last fault %d", q.sent, n.faulty)
	}
	if len(q.keys) > 0 && !n.owns(q.keys, "") {
		return 0, false, fmt.Errorf("it owns none of the keys")
	}
	if strings.Contains(text, "may or may not have been") || strings.Contains(text, "other shards may") {
		if strings.Contains(text, ": timeout: ") || q.split && c.pool.cfg.Timeout > 0 {
			return late, true, nil // perhaps it was another shard's time that was over
		}
		return maybe, true, nil
	}
	return not, true, nil
}

// refusal is failure for what a node refused: it was held until its time was over, unless
// something changed meanwhile.
func (c *simClient) refusal(q *question, text string) (o outcome, ok bool, err error) {
	for _, n := range c.pool.nodes {
		if !strings.HasPrefix(text, "shard '"+n.name+"' at ") {
			continue
		}
		limit := int64(c.pool.limit) // the shortest it has been
		if limit == 0 {
			limit = 5e9
		}
		if c.w.now-q.sent < limit && n.faulty < q.sent {
			return 0, false, fmt.Errorf("it was held for %d ns only", c.w.now-q.sent)
		}
		if q.split {
			return maybe, true, nil
		}
		return not, true, nil
	}
	return 0, false, fmt.Errorf("no shard refused it")
}

// owns reports whether one of the keys, or this one of them, is the node's.
func (n *simNode) owns(keys []string, this string) bool {
	for _, k := range keys {
		if (this == "" || k == this) && (n.pool.eject || n.pool.pool.ring.OwnerString(k) == n.shard) {
			return true
		}
	}
	return false
}

// closed is called when the client has read all there was.
func (c *simClient) closed() {
	c.gone = true
	switch {
	case len(c.asked) == 0 && len(c.got) == 0 && (c.mute || c.w.closing):
		return
	case c.w.hard:
		c.w.cuts++ // it may have left too much unread
		return
	case c.hunted:
		return
	case slices.ContainsFunc(c.asked, func(q *question) bool { return q.long }):
		c.w.cuts++
		return
	case len(c.asked) > 0 && c.asked[0].waits && (c.told || c.w.closing):
		return // nobody waits for that
	case (c.ever || c.tracked || c.target) && c.pool.excused(c.started):
		c.w.cuts++ // messages are missed with a connection
		return
	case len(c.got) > 0 && len(c.asked) > 0 && c.pool.speaks.parts(c.got[0]):
		// Half a reply: its shard died, and nothing can follow it.
		q := c.asked[0]
		for _, n := range c.pool.nodes {
			if n.excuses(q.sent) && (len(q.keys) == 0 || n.owns(q.keys, "")) {
				c.w.cuts++
				return
			}
		}
	}
	var names []string
	for _, q := range c.asked {
		names = append(names, q.name)
	}
	c.fatalf("closed with %d questions %.200q and %d bytes of a reply; shut %v, told %v, mute %v, %d bytes not read by the proxy",
		len(c.asked), names, len(c.got), c.shut, c.told, c.mute, len(c.out))
}
