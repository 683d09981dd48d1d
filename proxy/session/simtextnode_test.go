package session

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// execute has a node answer one command as memcached does. Nothing is to come that may
// have no answer.
func (textWords) execute(n *simNode, l *simLink, args [][]byte) []byte {
	if n.pool.password != "" && !l.login {
		return n.admit(l, args)
	}
	if n.w.echo {
		return n.echoText(args)
	}
	name := string(args[0])
	for _, w := range args[1:] {
		if string(w) == "noreply" || string(w) == "q" && name[0] == 'm' {
			n.w.t.Errorf("%s: %.200q may have no reply", n.name, args)
		}
	}
	if len(args) == 1 && name != "version" && name != "flush_all" && name != "stats" {
		n.w.t.Errorf("%s: %q should not come here", n.name, name)
		return []byte("ERROR\r\n")
	}
	keys := textKeys(name, args)
	for _, k := range keys {
		if owner := n.pool.pool.ring.OwnerString(k); owner != n.shard && !n.pool.eject {
			n.w.t.Errorf("%s: %q is a key of shard %d", n.name, k, owner)
		}
	}
	reads := slices.Contains([]string{"get", "gets", "mg"}, name)
	if n.errors > 0 || n.mode == filling || n.mode == reading && !reads {
		n.errors = max(0, n.errors-1)
		n.wrong()
		return []byte("SERVER_ERROR INJECTED " + n.name + "\r\n")
	}
	b := &bytes.Buffer{}
	switch name {
	case "get", "gat", "gets", "gats":
		for _, k := range keys {
			n.valueLine(b, k, strings.HasSuffix(name, "s"))
		}
		b.WriteString("END\r\n")
	case "mg":
		return n.metaGet(keys[0], args)
	case "version":
		fmt.Fprintf(b, "VERSION 1.6.%d\r\n", 9+n.shard)
	case "verbosity":
		b.WriteString("OK\r\n")
	case "flush_all":
		if n.flushes++; len(args) == 1 {
			n.flush()
		}
		b.WriteString("OK\r\n")
	case "stats":
		if len(args) > 1 {
			return []byte("RESET\r\n")
		}
		fmt.Fprintf(b, "STAT pid %d\r\nSTAT version 1.6\r\nSTAT ones 1\r\nEND\r\n", n.shard)
	default:
		return n.change(l, name, keys[0], args)
	}
	return b.Bytes()
}

// admit answers on a connection that has yet to log in.
func (n *simNode) admit(l *simLink, args [][]byte) []byte {
	if string(args[0]) == "version" { // a silent node is asked for it together with the login
		return []byte("CLIENT_ERROR unauthenticated\r\n")
	}
	if login := "default " + n.pool.password + "\r\n"; string(args[0]) != "set" || string(args[len(args)-1]) != login {
		n.w.t.Errorf("%s: %q before the login", n.name, args)
	}
	if n.mode == locked {
		return []byte("CLIENT_ERROR authentication failure\r\n")
	}
	l.login = true
	return []byte("STORED\r\n")
}

// textKeys returns the keys of a command, as they are stored.
func textKeys(name string, args [][]byte) (keys []string) {
	switch name {
	case "version", "verbosity", "flush_all", "stats":
		return nil
	case "gat", "gats":
		args = args[1:]
		fallthrough
	case "get", "gets":
		for _, k := range args[1:] {
			keys = append(keys, string(k))
		}
		return keys
	}
	key := string(args[1])
	if name[0] == 'm' && hasFlag(args, 'b') {
		raw, _ := base64.StdEncoding.DecodeString(key)
		key = string(raw)
	}
	return []string{key}
}

// flagged returns the flags of a meta command.
func flagged(args [][]byte) [][]byte {
	if string(args[0]) == "ms" {
		return args[3 : len(args)-1]
	}
	return args[2:]
}

func hasFlag(args [][]byte, flag byte) bool {
	return slices.ContainsFunc(flagged(args), func(w []byte) bool { return w[0] == flag })
}

func (n *simNode) valueLine(b *bytes.Buffer, k string, cas bool) {
	v, ok := n.data[k]
	if !ok {
		return
	}
	fmt.Fprintf(b, "VALUE %s %s %d", k, textFlags(k), len(v))
	if cas {
		fmt.Fprintf(b, " %d", n.times[k])
	}
	b.WriteString("\r\n" + v + "\r\n")
}

// said are the flags of a meta command that its reply repeats, or tells the values of.
func (n *simNode) said(k string, args [][]byte, there bool) string {
	said := ""
	for _, f := range flagged(args) {
		switch f[0] {
		case 'O':
			said += " " + string(f)
		case 'k':
			said += " k" + string(args[1])
			if hasFlag(args, 'b') {
				said += " b"
			}
		case 'f', 's', 'c':
			if there {
				said += map[byte]string{'f': " f" + textFlags(k), 's': fmt.Sprintf(" s%d", len(n.data[k])), 'c': fmt.Sprintf(" c%d", n.times[k])}[f[0]]
			}
		}
	}
	return said + "\r\n"
}

func (n *simNode) metaGet(k string, args [][]byte) []byte {
	v, ok := n.data[k]
	switch {
	case !ok:
		return []byte("EN" + n.said(k, args, false))
	case hasFlag(args, 'v'):
		return []byte(fmt.Sprintf("VA %d", len(v)) + n.said(k, args, true) + v + "\r\n")
	}
	return []byte("HD" + n.said(k, args, true))
}

// change executes what changes a key.
func (n *simNode) change(l *simLink, name, k string, args [][]byte) []byte {
	e, cas, ok := n.editOf(name, args)
	if !ok {
		return []byte("CLIENT_ERROR bad data chunk\r\n")
	}
	if !strings.Contains(k, ":n") && e.delta == 0 {
		n.put(l, []byte(k), []byte(e.data))
		if e.data != "" && e.data == n.stored[k] {
			n.w.t.Errorf("%s: key %q is given %.80q twice", n.name, k, e.data)
		}
		n.stored[k] = e.data
	}
	data, there := n.data[k]
	after, word := e.do(value{there, data}, cas == "" || cas == strconv.Itoa(n.times[k]))
	switch word {
	case "NOT_STORED", "NOT_FOUND", "EXISTS":
	default:
		n.times[k]++
	}
	if delete(n.data, k); after.there {
		n.data[k] = after.s
	}
	switch {
	case name[0] != 'm':
		return []byte(word + "\r\n")
	case hasFlag(args, 'v') && metaWord(word) == "HD":
		return []byte(fmt.Sprintf("VA %d", len(word)) + n.said(k, args, false) + word + "\r\n")
	}
	return []byte(metaWord(word) + n.said(k, args, false))
}

// editOf reads a command that changes a key, and which value it means; ok is false if its
// data does not end where it should.
func (n *simNode) editOf(name string, args [][]byte) (e edit, cas string, ok bool) {
	e.verb = name
	word := func(i int) string {
		if i < len(args) {
			return string(args[i])
		}
		return ""
	}
	if slices.Contains(stores, name) {
		e.data, ok = strings.CutSuffix(word(len(args)-1), "\r\n")
		if !ok {
			return e, "", false
		}
	}
	switch name {
	case "incr", "decr":
		e.delta, _ = strconv.ParseUint(word(2), 10, 64)
	case "touch":
		e.over = word(2) == "-1"
	case "md":
		e.verb = "delete"
	case "ms", "ma":
		e.metaFlags(args)
	case "delete":
	case "cas":
		cas = word(5)
		fallthrough
	default:
		if !slices.Contains(stores, name) {
			n.w.t.Errorf("%s: %.200q should not come here", n.name, args)
		}
		e.over = word(3) == "-1" && name != "append" && name != "prepend"
	}
	return e, cas, true
}

// metaFlags reads the flags of ms and ma.
func (e *edit) metaFlags(args [][]byte) {
	e.verb = map[string]string{"ms": "set", "ma": "incr"}[string(args[0])]
	for _, f := range flagged(args) {
		switch rest := string(f[1:]); f[0] {
		case 'M':
			e.verb = map[string]string{"S": "set", "E": "add", "R": "replace", "A": "append", "P": "prepend", "I": "incr", "D": "decr"}[rest]
		case 'T':
			e.over = rest == "-1"
		case 'D':
			e.delta, _ = strconv.ParseUint(rest, 10, 64)
		case 'J':
			e.fills, e.data = true, rest
		}
	}
}

// flush forgets everything. What the clients knew of it they do not any more, nor what
// becomes of what they have under way.
func (n *simNode) flush() {
	clear(n.data)
	for _, c := range n.w.clients {
		if c.pool != n.pool {
			continue
		}
		for _, q := range c.asked {
			for _, k := range q.keys {
				c.holds(k)
			}
		}
		for k, h := range c.keys {
			if n.owns([]string{k}, "") {
				h.loose = true
				c.written[k]++ // a cas that it has seen is none any more, also once it has seen that the key is gone
			}
		}
	}
}
