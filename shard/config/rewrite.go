package config

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/shardring/shardring/ring"
)

// SetPrimary returns the file's text with another primary for one shard. Nothing
// else changes: comments, order, quotes and line ends stay. Where the shard is
// known by its address only, it gets that as its name, so that its keys stay; where
// the new primary is listed as a replica, the old one takes its place there.
//
// data is as Load reads it, pool and shard are names of it (a shard without one goes
// by its address, as Shard.String says). The result is parsed before it is returned,
// and places every key as data does. A shard without a primary, which its pool's
// Sentinels know, changes nothing.
func SetPrimary(path string, data []byte, pool, shard string, to Address, opts ...Option) ([]byte, error) {
	before, err := Parse(path, data, opts...)
	if err != nil {
		return nil, err
	}
	p, err := before.Pool(pool)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(p.Shards, func(s Shard) bool { return s.String() == shard })
	switch {
	case i < 0:
		return nil, fmt.Errorf("pool %s has no shard %q: it has %s", p.Name, shard, shardNames(p))
	case p.Shards[i].Primary == to || p.Shards[i].Primary == (Address{}):
		return data, nil
	}
	text := newRewriting(data)
	root, _ := readTree(text.plain(), newProblems(path, text.plain()))
	entry := root.field(p.Name).list().items[i]
	if err := text.setPrimary(entry, p, i, to); err != nil {
		return nil, err
	}
	out := text.apply()
	after, err := Parse(path, out, opts...)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be rewritten: set the primary of shard %s to %s by hand (%w)", path, shard, to, err)
	}
	q, err := after.Pool(p.Name)
	if err != nil {
		return nil, err
	}
	if moved := Moved(p, q); moved != nil || q.Shards[i].Primary != to {
		return nil, fmt.Errorf("%s cannot be rewritten without another place for keys: name its shards first, then set the primary of shard %s to %s", path, shard, to)
	}
	return out, nil
}

func shardNames(p *Pool) string {
	all := make([]string, len(p.Shards))
	for i, s := range p.Shards {
		all[i] = s.String()
	}
	return strings.Join(all, ", ")
}

// rewriting is a text and the edits that are to be made in it.
type rewriting struct {
	data  []byte
	lines []int // where each line begins
	edits []edit
}

type edit struct {
	at, length int
	text       string
}

func newRewriting(data []byte) *rewriting {
	w := &rewriting{data: data, lines: []int{0}}
	if strings.HasPrefix(string(data), "\uFEFF") {
		w.lines[0] = len("\uFEFF")
	}
	for i, c := range data {
		if c == '\n' || c == '\r' && (i+1 == len(data) || data[i+1] != '\n') {
			w.lines = append(w.lines, i+1)
		}
	}
	return w
}

// plain is the text as Parse has it parsed.
func (w *rewriting) plain() string {
	text := strings.TrimPrefix(string(w.data), "\uFEFF")
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
}

// offset is where a position is in data.
func (w *rewriting) offset(p position) int {
	if p.line > len(w.lines) {
		return len(w.data)
	}
	at := w.lines[p.line-1]
	for range p.column - 1 {
		_, n := utf8.DecodeRune(w.data[at:])
		at += n
	}
	return at
}

// setPrimary notes the edits that make to the primary of the pool's shard i.
func (w *rewriting) setPrimary(entry node, p *Pool, i int, to Address) error {
	s := p.Shards[i]
	if entry.kind == scalar { // nutcracker's form
		name := s.Name
		if name != "" {
			name = " " + name
		}
		return w.replace(entry, fmt.Sprintf("%s:%d%s", serverAddr(to), s.Weight, name))
	}
	for _, r := range entry.field("replicas").items {
		at := r
		if r.kind == mapping {
			at = r.field("address")
		}
		if a, _, err := parseAddress(at.text); err == nil && a == to {
			if err := w.replace(at, s.Primary.Addr); err != nil {
				return err
			}
		}
	}
	if !entry.has("name") && p.Ring.Placement != ring.Jedis && p.Ring.Placement != ring.Jedis29 && s.Name != "" {
		w.insertName(entry, s.Name)
	}
	return w.replace(entry.field("primary"), to.Addr)
}

// serverAddr is an address as a line of servers: has it.
func serverAddr(a Address) string {
	if host, port, ok := cutLast(a.Addr, ':'); ok && a.Network == "tcp" {
		return strings.Trim(host, "[]") + ":" + port
	}
	return a.Addr
}

// insertName puts a name before the key primary.
func (w *rewriting) insertName(entry node, name string) {
	for _, f := range entry.fields {
		if f.key != "primary" {
			continue
		}
		text := "name: " + quote(name)
		if at := w.offset(entry.pos); at < len(w.data) && w.data[at] == '{' {
			text += ", "
		} else {
			text += "\n" + strings.Repeat(" ", f.pos.column-1)
		}
		w.edits = append(w.edits, edit{at: w.offset(f.pos), text: text})
	}
}

// replace notes that a scalar is to have another text.
func (w *rewriting) replace(n node, text string) error {
	at := w.offset(n.pos)
	for _, q := range [...]string{`"`, `'`, ""} {
		if strings.HasPrefix(string(w.data[at:]), q+n.text+q) {
			if text = quote(text); q == `'` && strings.HasPrefix(text, `"`) && !strings.Contains(text, `'`) {
				text = q + text[1:len(text)-1] + q // as it was
			} else if q == `"` && !strings.HasPrefix(text, q) {
				text = q + text + q
			} else if q == `'` && !strings.HasPrefix(text, `"`) {
				text = q + text + q
			}
			w.edits = append(w.edits, edit{at, len(q + n.text + q), text})
			return nil
		}
	}
	return fmt.Errorf("%d:%d: %q is written in a way that cannot be rewritten: write %q there by hand", n.pos.line, n.pos.column, n.text, text)
}

// apply returns the text with the edits made.
func (w *rewriting) apply() []byte {
	slices.SortFunc(w.edits, func(a, b edit) int { return a.at - b.at })
	var out []byte
	from := 0
	for _, e := range w.edits {
		out = append(append(out, w.data[from:e.at]...), e.text...)
		from = e.at + e.length
	}
	return append(out, w.data[from:]...)
}

// field returns the value of a mapping's key; a node of kind empty if it has none.
func (n node) field(key string) node {
	for _, f := range n.fields {
		if f.key == key {
			return f.value
		}
	}
	return node{}
}

// list is what holds a pool's shards.
func (n node) list() node {
	if n.has("shards") {
		return n.field("shards")
	}
	return n.field("servers")
}
