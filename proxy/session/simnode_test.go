package session

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// simNode is a Redis of strings in memory: what it says may be late, in pieces,
// wrong or nothing at all, but what it executes is right, and lasts.
type simNode struct {
	w     *simWorld
	pool  *simPool
	shard int
	name  string
	addr  string
	data  map[string]string
	times map[string]int // by key: how often it was written, for WATCH
	lists map[string][]string
	codes map[string]bool // the digests of the scripts that are loaded
	lost  bool            // somebody flushed them
	info  string          // what INFO says
	seen  map[string]int  // by client: the sequence number of its last write
	links []*simLink

	mode    nodeMode
	until   int64             // the mode lasts
	errors  int               // so many commands will be refused
	slow    int64             // how long the next script runs, ns
	stored  map[string]string // of memcached: what came last, by key
	flushes int               // how often it was told to forget everything
	faulty  int64             // when something was last wrong with it
}

type nodeMode uint8

const (
	serving nodeMode = iota
	stalled          // holds its connections and does nothing
	down             // refuses connections
	locked           // refuses the login
	reading          // refuses writes, as a replica
	filling          // refuses everything
)

// wrong notes a fault.
func (n *simNode) wrong() { n.faulty = n.w.now }

// excuses reports whether something was wrong since a request was sent. A
// connection that failed is not dialled again for up to 500 ms.
func (n *simNode) excuses(sent int64) bool {
	return n.mode != serving || n.faulty >= sent-1e9
}

// enter begins a mode that lasts d ns.
func (n *simNode) enter(m nodeMode, d int64) {
	n.mode, n.until = m, n.w.now+d
	n.wrong()
	if m == down || m == locked {
		for _, l := range slices.Clone(n.links) {
			l.kill()
		}
		n.codes = nil // it starts anew
	}
}

// heal ends the mode when its time is over.
func (n *simNode) heal(now int64) {
	if n.mode != serving && now >= n.until {
		n.mode = serving
		n.wrong()
	}
}

// parseCommand cuts one command off b, whose arguments are views of it.
func parseCommand(b []byte) (args [][]byte, n int, err error) {
	count, n, err := parseHeader(b, '*')
	if n == 0 || err != nil {
		return nil, 0, err
	}
	for range count {
		size, k, err := parseHeader(b[n:], '$')
		if k == 0 || err != nil {
			return nil, 0, err
		}
		n += k
		if len(b) < n+size+2 {
			return nil, 0, nil
		}
		args = append(args, b[n:n+size])
		n += size + 2
		if string(b[n-2:n]) != "\r\n" {
			return nil, 0, fmt.Errorf("no CRLF after an argument: %.60q", b)
		}
	}
	return args, n, nil
}

func parseHeader(b []byte, typ byte) (v, n int, err error) {
	if len(b) > 0 && b[0] != typ {
		return 0, 0, fmt.Errorf("want %c: %.60q", typ, b)
	}
	i := bytes.IndexByte(b[:min(len(b), 32)], '\n')
	if i < 0 {
		return 0, 0, nil
	}
	v, err = strconv.Atoi(string(b[1 : i-1]))
	return v, i + 1, err
}

// execute answers one command. What it returns is empty while l waits.
func (n *simNode) execute(l *simLink, args [][]byte) []byte {
	name := strings.ToLower(string(args[0]))
	if n.w.echo {
		return n.reflect(l, name, args)
	}
	if b, ok := n.connection(l, name, args); ok {
		return b
	}
	keys := keysOf(name, args)
	for _, k := range keys {
		if owner := n.pool.pool.ring.Owner(k); owner != n.shard && !n.pool.eject {
			n.w.t.Errorf("%s: %q is a key of shard %d", n.name, k, owner)
		}
		if db := dbOf(string(k)); db >= 0 && db != l.db && !n.w.plain {
			n.w.t.Errorf("%s: %s: %q is a key of database %d, and the connection's is %d", n.name, name, k, db, l.db)
		}
	}
	if refusal := n.refuses(l, name); refusal != "" {
		return []byte(refusal)
	}
	if n.errors > 0 {
		n.errors--
		n.wrong()
		l.spoiled = true
		first := []byte{}
		if len(keys) > 0 {
			first = keys[0]
		}
		return []byte("-INJECTED " + hex.EncodeToString(first) + "\r\n")
	}
	if l.multi {
		return l.enqueue(args)
	}
	return n.run(l, name, keys, args)
}

// refuses returns how a node refuses a command that it might execute later, or at its
// other address, on a connection that clients share.
func (n *simNode) refuses(l *simLink, name string) string {
	switch {
	case l.conn.Owner != nil || l.multi:
	case n.mode == filling:
		return "-LOADING Redis is loading the dataset in memory\r\n"
	case (n.mode == reading || l.conn.Addr != n.addr) && slices.Contains(simWrites, name):
		return "-READONLY You can't write against a read only replica.\r\n"
	}
	return ""
}

var simWrites = []string{"set", "append", "incrby", "mset", "del", "unlink", "rpush", "eval", "evalsha", "publish"}

// keysOf returns the keys of a command.
func keysOf(name string, args [][]byte) (keys [][]byte) {
	switch name {
	case "mget", "del", "unlink", "exists", "touch", "watch":
		return args[1:]
	case "mset":
		for i := 1; i < len(args); i += 2 {
			keys = append(keys, args[i])
		}
		return keys
	case "eval", "evalsha":
		return args[3 : len(args)-1]
	case "blpop":
		return args[1 : len(args)-1]
	case "dbsize", "scan", "info", "ping", "echo", "script", "time", "wait":
		return nil
	}
	return args[1:min(2, len(args))]
}

// dbOf returns the database that a key of a client belongs to, -1 if it does not
// tell.
func dbOf(key string) int {
	if !strings.Contains(key, ":") {
		return -1
	}
	_, db, ok := strings.Cut(key, "@")
	if !ok {
		return 0
	}
	v, _ := strconv.Atoi(db)
	return v
}

func (n *simNode) run(l *simLink, name string, keys, args [][]byte) []byte {
	b := &replyBytes{proto: l.proto}
	switch name {
	case "get":
		if l.tracks {
			l.read[string(keys[0])] = true
		}
		b.bulk(n.get(keys[0]))
	case "set":
		n.put(l, keys[0], args[2])
		n.write(keys[0], string(args[2]))
		b.WriteString("+OK\r\n")
	case "append":
		n.put(l, keys[0], args[2])
		n.write(keys[0], n.data[string(keys[0])]+string(args[2]))
		b.int(len(n.data[string(keys[0])]))
	case "incrby":
		v, err1 := strconv.Atoi("0" + n.data[string(keys[0])])
		d, err2 := strconv.Atoi(string(args[2]))
		if err1 != nil || err2 != nil {
			n.w.t.Errorf("%s: INCRBY of %q by %q", n.name, n.data[string(keys[0])], args[2])
		}
		n.write(keys[0], strconv.Itoa(v+d))
		b.int(v + d)
	case "strlen":
		b.int(len(n.data[string(keys[0])]))
	case "mget", "eval", "evalsha":
		if name == "evalsha" && !n.codes[strings.ToLower(string(args[1]))] {
			return []byte(noScript)
		}
		if name == "eval" {
			n.learn(args[1])
		}
		all := len(keys)
		if name != "mget" {
			all++
		}
		b.array(all)
		for _, k := range keys {
			b.bulk(n.get(k))
		}
		if name != "mget" {
			b.bulk(string(args[len(args)-1]), true)
			return n.linger(l, b.Bytes())
		}
	case "mset":
		for i := 1; i < len(args); i += 2 {
			n.put(l, args[i], args[i+1])
			n.write(args[i], string(args[i+1]))
		}
		b.WriteString("+OK\r\n")
	case "del", "unlink", "exists", "touch":
		count := 0
		for _, k := range keys {
			if _, ok := n.get(k); ok {
				count++
			}
			if name == "del" || name == "unlink" {
				delete(n.data, string(k))
				n.times[string(k)]++
			}
		}
		b.int(count)
	case "info":
		b.bulk(n.info, true)
	case "dbsize":
		b.int(len(n.data))
	case "scan":
		n.scan(b, string(args[1]))
	case "ping": // with a word from a proxy that thinks a script keeps this node busy
		if len(args) == 1 {
			b.WriteString("+PONG\r\n")
		} else {
			b.bulk(string(args[1]), true)
		}
	case "echo":
		b.bulk(string(args[1]), true)
	case "publish":
		b.int(n.publish(string(args[1]), string(args[2])))
	case "rpush":
		b.int(n.rpush(string(args[1]), string(args[2])))
	case "blpop":
		return n.blpop(l, keys, args)
	case "wait":
		b.int(0)
	case "script":
		n.script(b, args)
	case "getrange": // of two arguments: the proxy leaves it to us
		b.WriteString("-ERR wrong number of arguments for 'getrange' command\r\n")
	default:
		n.w.t.Errorf("%s: %q should not come here", n.name, args)
		b.WriteString("-ERR unknown\r\n")
	}
	return b.Bytes()
}

// write changes a key.
func (n *simNode) write(k []byte, v string) {
	n.data[string(k)] = v
	n.times[string(k)]++
	n.invalidate(string(k))
}

// script answers SCRIPT LOAD.
func (n *simNode) script(b *replyBytes, args [][]byte) { b.bulk(n.learn(args[2]), true) }

// learn keeps a script and returns its digest.
func (n *simNode) learn(body []byte) string {
	sum := sha1.Sum(body)
	digest := hex.EncodeToString(sum[:])
	if n.codes == nil {
		n.codes = map[string]bool{}
	}
	n.codes[digest] = true
	return digest
}

func (n *simNode) get(k []byte) (string, bool) {
	v, ok := n.data[string(k)]
	return v, ok
}

// put checks that what a client writes to a key is for that key, that no write of
// it came after a later one, and that what belongs into a transaction is in one. A
// write whose time is over may come at any time.
func (n *simNode) put(l *simLink, k, v []byte) {
	if bytes.Contains(k, []byte(":tx")) && !l.within {
		n.w.t.Errorf("%s: key %q is written outside of a transaction", n.name, k)
	}
	if len(v) == 0 || n.w.plain {
		return
	}
	f := strings.SplitN(string(v[:min(len(v), 600)]), "|", 4)
	if len(f) != 4 || f[0] != hex.EncodeToString(k) {
		n.w.t.Errorf("%s: key %q is given %.80q", n.name, k, v)
		return
	}
	seq, _ := strconv.Atoi(f[2])
	if seq < n.seen[f[1]] && l.conn.Stats.Timeouts == l.timeouts {
		n.w.t.Errorf("%s: client %s: write %d came after write %d", n.name, f[1], seq, n.seen[f[1]])
	}
	n.seen[f[1]] = seq
}

// scan answers with three keys, in the order of their bytes.
func (n *simNode) scan(b *replyBytes, cursor string) {
	at, err := strconv.Atoi(cursor)
	if err != nil {
		if len(n.pool.pool.snap.Shards) > 1 { // a pool of one leaves it to us
			n.w.t.Errorf("%s: SCAN %q", n.name, cursor)
		}
		b.WriteString("-ERR invalid cursor\r\n")
		return
	}
	keys := make([]string, 0, len(n.data))
	for k := range n.data {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	at = min(at, len(keys))
	next := at + 3
	page := keys[at:min(next, len(keys))]
	if next >= len(keys) {
		next = 0
	}
	b.array(2)
	b.bulk(strconv.Itoa(next), true)
	b.array(len(page))
	for _, k := range page {
		b.bulk(k, true)
	}
}

// replyBytes is a reply being written.
type replyBytes struct {
	bytes.Buffer
	proto int // 3 has nulls of its own
}

func (b *replyBytes) int(v int)   { fmt.Fprintf(b, ":%d\r\n", v) }
func (b *replyBytes) array(n int) { fmt.Fprintf(b, "*%d\r\n", n) }

func (b *replyBytes) bulk(s string, there bool) {
	switch {
	case there:
	case b.proto == 3:
		b.WriteString("_\r\n")
		return
	default:
		b.WriteString("$-1\r\n")
		return
	}
	fmt.Fprintf(b, "$%d\r\n", len(s))
	b.WriteString(s)
	b.WriteString("\r\n")
}
