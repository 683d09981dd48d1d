package session

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shardring/shardring/shard/config"
)

// echo answers with a reply of the command's type that tells the request: what
// a client hears is then a function of what it said.
func (n *simNode) echo(name string, args [][]byte) []byte {
	b := &replyBytes{}
	if len(args) > 1 && name == "script" {
		name += " " + strings.ToLower(string(args[1]))
	}
	switch name {
	case "mget":
		b.array(len(args) - 1)
		for _, k := range args[1:] {
			b.bulk(fmt.Sprintf("%s of %q", n.name, k), len(k)%3 > 0)
		}
	case "script exists":
		b.array(len(args) - 2)
		for _, k := range args[2:] {
			b.int(len(k) % 2)
		}
	case "del", "unlink", "exists", "touch", "dbsize":
		b.int(100*n.shard + len(args))
	case "mset", "flushall", "flushdb", "script flush":
		b.WriteString("+OK\r\n")
	case "scan":
		b.array(2)
		b.bulk(string(args[1]), true)
		b.array(1)
		b.bulk(n.name, true)
	case "keys":
		b.array(1)
		b.bulk(n.name, true)
	case "script load":
		b.bulk(fmt.Sprintf("%q", args), true)
	default:
		b.bulk(fmt.Sprintf("%s: %q", n.name, args), true)
	}
	return b.Bytes()
}

// converse says in to a new session, in pieces of these lengths and then the
// rest, ends, and returns what it hears.
func converse(t *testing.T, limits Limits, password string, in, pieces []byte) string {
	w := newRig(t, limits, 4, config.Pool{Auth: config.NewSecret(password)})
	w.echo = true
	c := w.client()
	at := 0
	for _, p := range pieces {
		n := min(1+int(p), len(in)-at)
		if n <= 0 {
			break
		}
		w.turn(func() { c.s.Received(append([]byte(nil), in[at:at+n]...)) })
		at += n
		if p%2 == 0 || !c.s.WantsRead() {
			w.sweep()
		}
	}
	w.turn(func() { c.s.Received(in[at:]) })
	w.turn(func() { c.s.EOF() })
	got := c.hear()
	if !c.ended {
		t.Fatalf("not closed after the end: %v", c.s.phase)
	}
	if used := w.core.Buffers().Used(); used != 0 {
		t.Fatalf("%d bytes of buffers are left", used)
	}
	return got
}

// FuzzSession: what a client is told does not depend on how its bytes are cut,
// nor on how much may be under way at once, and is whole replies.
func FuzzSession(f *testing.F) {
	for _, in := range []string{
		request("GET", "k") + request("MGET", "a", "b", "c", "") + "ping\r\nget \"a\\x00\"\r\n",
		request("MSET", "a", "1", "b", "2") + request("DEL", "a", "b", "c") + request("SCAN", "6", "COUNT", "1") + request("DBSIZE"),
		request("EVAL", "return 1", "2", "{a}x", "{a}y") + request("EVAL", "x", "0") + request("RENAME", "a", "b") + request("NO"),
		request("AUTH", "pw") + request("SET", "k", strings.Repeat("v", 20_000)) + request("QUIT") + request("GET", "k"),
		request("INFO") + request("SCRIPT", "EXISTS", "a", "b") + request("SCRIPT", "LOAD", "x") + request("KEYS", "*") + "*1\r\n+",
		request("HELLO", "2", "AUTH", "default", "pw", "SETNAME", "n") + request("CLIENT", "GETNAME") + request("RESET") + "\r\n*0\r\n*-1\r\n*x",
	} {
		f.Add([]byte(in), []byte{0, 1, 2, 30, 3, 255, 4, 5}, uint8(1))
		f.Add([]byte(in), []byte(strings.Repeat("\x00", 300)), uint8(200))
	}
	f.Fuzz(func(t *testing.T, in, pieces []byte, window uint8) {
		if len(in) > 32<<10 {
			return // a header line that is too long is told by what has come of it
		}
		limits := DefaultLimits()
		password := ""
		if window > 127 {
			password = "pw"
		}
		want := converse(t, limits, password, in, nil)
		limits.InFlight = 1 + int(window%8)
		limits.Output = 16 << (window % 16)
		limits.Stream = 1 + int(window)
		if got := converse(t, limits, password, in, pieces); got != want {
			t.Fatalf("cut:   %q\nwhole: %q", got, want)
		}
		for rest := []byte(want); len(rest) > 0; {
			_, n, _, err := decodeReply(rest)
			if n == 0 {
				t.Fatalf("no reply: %q, %v", rest, err)
			}
			rest = rest[n:]
		}
	})
}
