package session

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// linkState is what a node keeps for one connection.
type linkState struct {
	id    int64 // as CLIENT ID
	login bool
	db    int
	proto int

	multi   bool
	spoiled bool       // a command was refused since MULTI
	within  bool       // EXEC is under way
	queue   [][][]byte // since MULTI
	watched map[string]int

	subs    [2]map[string]bool // channels, patterns
	tracks  bool
	redir   int64
	read    map[string]bool // since it tracks
	waiting [][]byte        // a BLPOP, its keys; empty: a script that runs
	until   int64           // it lasts
	answer  []byte          // of the script
}

// clean returns what is left on a connection that nobody owns, or "".
func (st *linkState) clean(k laneKey) string {
	switch {
	case st.multi:
		return "a transaction"
	case len(st.watched) > 0:
		return "a watched key"
	case len(st.subs[0])+len(st.subs[1]) > 0:
		return "a subscription"
	case st.tracks:
		return "tracking"
	case st.waiting != nil:
		return "a command that waits"
	case st.db != k.db || st.proto != k.proto:
		return fmt.Sprintf("database %d and protocol %d", st.db, st.proto)
	}
	return ""
}

// connection answers what is about the connection itself; ok is false if the
// command is another.
func (n *simNode) connection(l *simLink, name string, args [][]byte) (reply []byte, ok bool) {
	const fine = "+OK\r\n"
	switch {
	case name == "auth":
		if n.mode == locked || string(args[1]) != n.pool.password {
			return []byte("-WRONGPASS invalid username-password pair or user is disabled.\r\n"), true
		}
		l.login = true
		return []byte(fine), true
	case name == "hello":
		return n.hello(l, args), true
	}
	if n.pool.password != "" && !l.login {
		if name != "select" && name != "client" && name != "ping" { // they are said together with AUTH
			n.w.t.Errorf("%s: %q before AUTH", n.name, args[0])
		}
		return []byte("-NOAUTH Authentication required.\r\n"), true
	}
	if listens := len(l.subs[0])+len(l.subs[1]) > 0; listens && l.proto == 2 && !strings.HasSuffix(name, "subscribe") {
		n.w.t.Errorf("%s: %q on a connection that listens", n.name, args)
	}
	switch name {
	case "select":
		l.db, _ = strconv.Atoi(string(args[1]))
	case "client":
		switch sub := strings.ToLower(string(args[1])); sub {
		case "id":
			return fmt.Appendf(nil, ":%d\r\n", l.id), true
		case "tracking":
			return n.track(l, args), true
		case "unblock":
			return fmt.Appendf(nil, ":%d\r\n", n.unblock(string(args[2]))), true
		default:
			n.w.t.Errorf("%s: %q should not come here", n.name, args)
		}
	case "multi":
		if l.multi {
			n.w.t.Errorf("%s: MULTI within a transaction", n.name)
		}
		l.multi, l.spoiled = true, false
	case "wait":
		return []byte(":0\r\n"), true
	case "exec":
		return n.exec(l), true
	case "discard":
		if !l.multi {
			n.w.t.Errorf("%s: DISCARD without MULTI", n.name)
		}
		l.multi, l.queue, l.watched = false, nil, nil
	case "unwatch":
		l.watched = nil
	case "watch":
		if l.multi {
			n.w.t.Errorf("%s: WATCH within a transaction", n.name)
		}
		if n.errors > 0 {
			return nil, false
		}
		if l.watched == nil {
			l.watched = map[string]int{}
		}
		for _, k := range args[1:] {
			if _, ok := l.watched[string(k)]; !ok {
				l.watched[string(k)] = n.times[string(k)]
			}
		}
	case "subscribe", "psubscribe", "unsubscribe", "punsubscribe":
		return l.subscribe(name, args[1:]), true
	default:
		return nil, false
	}
	return []byte(fine), true
}

func (n *simNode) hello(l *simLink, args [][]byte) []byte {
	if n.pool.password != "" && !l.login {
		if len(args) < 5 || n.mode == locked || string(args[4]) != n.pool.password {
			return []byte("-WRONGPASS invalid username-password pair or user is disabled.\r\n")
		}
		l.login = true
	}
	if l.proto, _ = strconv.Atoi(string(args[1])); l.proto == 3 {
		return []byte("%1\r\n$5\r\nproto\r\n:3\r\n")
	}
	return []byte("*2\r\n$5\r\nproto\r\n:2\r\n")
}

func (l *simLink) enqueue(args [][]byte) []byte {
	var kept [][]byte
	for _, a := range args {
		kept = append(kept, slices.Clone(a))
	}
	l.queue = append(l.queue, kept)
	return []byte("+QUEUED\r\n")
}

// exec executes the transaction of a connection.
func (n *simNode) exec(l *simLink) []byte {
	if !l.multi {
		n.w.t.Errorf("%s: EXEC without MULTI", n.name)
	}
	queue, watched := l.queue, l.watched
	l.multi, l.queue, l.watched = false, nil, nil
	if l.spoiled {
		return []byte("-EXECABORT Transaction discarded because of previous errors.\r\n")
	}
	for k, times := range watched {
		if n.times[k] != times {
			if l.proto == 3 {
				return []byte("_\r\n")
			}
			return []byte("*-1\r\n")
		}
	}
	b := &replyBytes{}
	b.array(len(queue))
	l.within = true
	for _, args := range queue {
		name := strings.ToLower(string(args[0]))
		if n.w.echo {
			b.Write(n.echo(name, args))
			continue
		}
		b.Write(n.run(l, name, keysOf(name, args), args))
	}
	l.within = false
	return b.Bytes()
}

// subscribe answers SUBSCRIBE, UNSUBSCRIBE and their like.
func (l *simLink) subscribe(verb string, names [][]byte) []byte {
	kind := 0
	if verb[0] == 'p' {
		kind = 1
	}
	b := &replyBytes{}
	for _, name := range names {
		if l.subs[kind] == nil {
			l.subs[kind] = map[string]bool{}
		}
		if strings.Contains(verb, "unsub") {
			delete(l.subs[kind], string(name))
		} else {
			l.subs[kind][string(name)] = true
		}
		b.push(l.proto, verb, string(name))
		b.int(len(l.subs[0]) + len(l.subs[1]))
	}
	return b.Bytes()
}

// push begins a push of these words and an element more, or writes a whole one of
// messages.
func (b *replyBytes) push(proto int, words ...string) {
	typ, n := '*', len(words)
	if proto == 3 {
		typ = '>'
	}
	if !strings.HasSuffix(words[0], "message") {
		n++
	}
	fmt.Fprintf(b, "%c%d\r\n", typ, n)
	for _, w := range words {
		b.bulk(w, true)
	}
}

// publish says a message to all that listen.
func (n *simNode) publish(channel, text string) (heard int) {
	for _, l := range n.links {
		b := &replyBytes{}
		if l.subs[0][channel] {
			heard++
			b.push(l.proto, "message", channel, text)
			n.w.told(l, message{"", channel, text})
		}
		for _, p := range slices.Sorted(maps.Keys(l.subs[1])) {
			if matches(p, channel) {
				heard++
				b.push(l.proto, "pmessage", p, channel, text)
				n.w.told(l, message{p, channel, text})
			}
		}
		l.out = append(l.out, b.Bytes()...)
	}
	return heard
}

// rpush appends to a list, or gives the element to who waits for it first.
func (n *simNode) rpush(k, v string) int {
	n.lists[k] = append(n.lists[k], v)
	size := len(n.lists[k])
	for _, l := range n.links {
		if i := slices.IndexFunc(l.waiting, func(key []byte) bool { return string(key) == k }); i >= 0 {
			keys := l.waiting
			l.waiting = nil
			l.out = append(l.out, n.pop(l, keys[i])...)
			break
		}
	}
	return size
}

// pop takes the first element of a list, and answers a BLPOP with it.
func (n *simNode) pop(l *simLink, k []byte) []byte {
	v := n.lists[string(k)][0]
	n.lists[string(k)] = n.lists[string(k)][1:]
	n.w.popped(l, v)
	b := &replyBytes{}
	b.array(2)
	b.bulk(string(k), true)
	b.bulk(v, true)
	return b.Bytes()
}

// blpop answers BLPOP, or has the connection wait.
func (n *simNode) blpop(l *simLink, keys, args [][]byte) []byte {
	for _, k := range keys {
		if len(n.lists[string(k)]) > 0 {
			return n.pop(l, k)
		}
	}
	if l.within {
		return l.nothing()
	}
	if l.conn.Addr != n.addr {
		return []byte("-READONLY You can't write against a read only replica.\r\n")
	}
	seconds, _ := strconv.ParseFloat(string(args[len(args)-1]), 64)
	if l.until = n.w.now + int64(seconds*1e9); seconds == 0 {
		l.until = 1 << 62
	}
	for _, k := range keys {
		l.waiting = append(l.waiting, slices.Clone(k))
	}
	return nil
}

// linger has a script run for long, if one is due to. Others are served meanwhile,
// and may so come before what waits behind it.
func (n *simNode) linger(l *simLink, answer []byte) []byte {
	if n.slow == 0 || l.within {
		return answer
	}
	l.waiting, l.until, l.answer = [][]byte{}, n.w.now+n.slow, answer
	n.slow = 0
	n.wrong()
	return nil
}

// nothing is the reply of a BLPOP that has waited in vain.
func (l *simLink) nothing() []byte {
	if l.proto == 3 {
		return []byte("_\r\n")
	}
	return []byte("*-1\r\n")
}

// tire ends the waiting whose time is over.
func (n *simNode) tire(now int64) {
	for _, l := range n.links {
		if l.waiting != nil && now >= l.until {
			answer := l.answer
			if len(answer) == 0 {
				answer = l.nothing()
			} else {
				n.wrong() // what waited for it may have run out of time
			}
			l.waiting, l.answer = nil, nil
			l.out = append(l.out, answer...)
		}
	}
}

// unblock ends the waiting of a connection.
func (n *simNode) unblock(id string) int {
	v, _ := strconv.ParseInt(id, 10, 64)
	l := n.link(v)
	if l == nil || len(l.waiting) == 0 {
		return 0
	}
	l.until = 0
	n.tire(n.w.now)
	return 1
}

// link returns a node's connection by its id there, or nil.
func (n *simNode) link(id int64) *simLink {
	for _, l := range n.links {
		if l.connected && l.id == id {
			return l
		}
	}
	return nil
}

// track answers CLIENT TRACKING.
func (n *simNode) track(l *simLink, args [][]byte) []byte {
	if n.errors > 0 {
		n.errors--
		n.wrong()
		return []byte("-INJECTED \r\n")
	}
	l.tracks, l.redir, l.read = string(args[2]) == "ON", 0, map[string]bool{}
	if len(args) > 4 {
		l.redir, _ = strconv.ParseInt(string(args[4]), 10, 64)
	}
	return []byte("+OK\r\n")
}

// invalidate tells of a key that changes.
func (n *simNode) invalidate(k string) {
	for _, l := range n.links {
		if !l.read[k] {
			continue
		}
		delete(l.read, k)
		b, to := &replyBytes{}, l
		if l.redir != 0 {
			to = n.link(l.redir)
		}
		switch {
		case to == nil || to.proto == 2 && !to.subs[0]["__redis__:invalidate"]:
			continue
		case to.proto == 3:
			b.push(3, "invalidate")
		default:
			b.WriteString("*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n")
		}
		b.array(1)
		b.bulk(k, true)
		to.out = append(to.out, b.Bytes()...)
	}
}
