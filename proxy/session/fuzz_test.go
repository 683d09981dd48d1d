package session

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/resp"
)

// reflect keeps what is the connection's, as any node does, and answers all else with
// an echo: nothing waits.
func (n *simNode) reflect(l *simLink, name string, args [][]byte) []byte {
	switch name {
	case "auth", "hello", "select", "multi", "exec", "discard", "watch", "unwatch", "subscribe", "psubscribe", "unsubscribe", "punsubscribe":
		b, _ := n.connection(l, name, args)
		return b
	case "ssubscribe", "sunsubscribe":
		return l.subscribe(name, args[1:])
	case "client":
		if isWord(args[1], "id") {
			return fmt.Appendf(nil, ":%d\r\n", l.id)
		}
	}
	if l.multi {
		return l.enqueue(args)
	}
	return n.echo(name, args)
}

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
	case "del", "unlink", "exists", "touch", "dbsize", "wait", "publish":
		b.int(100*n.shard + len(args))
	case "mset", "flushall", "flushdb", "script flush", "client":
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

// converse says in to a new session, in pieces of these lengths and then the rest,
// ends when all is answered, or at once, and returns what it hears.
func converse(t *testing.T, limits Limits, password string, in, pieces []byte, atOnce bool) string {
	return newRig(t, limits, 4, config.Pool{Auth: config.NewSecret(password)}).converse(in, pieces, atOnce)
}

func (w *simWorld) converse(in, pieces []byte, atOnce bool) string {
	w.core.rand = rand.New(rand.NewPCG(1, 2))
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
	if !atOnce {
		w.sweep()
	}
	w.turn(func() { c.s.EOF() })
	got := c.hear()
	if !c.ended {
		w.t.Fatalf("not closed after the end: %v", c.s.phase)
	}
	if used := w.core.Buffers().Used(); used != 0 {
		w.t.Fatalf("%d bytes of buffers are left", used)
	}
	return got
}

// moody are requests whose replies depend on the time, on chance, or on what has come.
var moody = regexp.MustCompile(`(?i)time|pause|genpass|client\W+(\d+\W+)?(list|info)`)

// FuzzSession: what a client is told does not depend on how its bytes are cut,
// nor on how much may be under way at once, and is whole replies. Who ends amid a
// command that waits is not told more.
func FuzzSession(f *testing.F) {
	for _, requests := range []string{
		`get k; mget a b c ""; mset a 1 b 2; del a b c; scan 6 count 1; dbsize; rename a b; no; info; keys *`,
		`eval "return 1" 2 {a}x {a}y; eval x 0; script exists a b; script load "return 1"; evalsha e0e1f9fabfc9d4800c877a703b823ac0578ff8db 1 a; script flush; script kill`,
		`hello 2 auth default pw setname n; client getname; client id; reset; auth pw; select 3; set a 1; select x; mset a 1 b 2; select 0; get a`,
		`multi; set a 1; mget a a; get b; exec; watch a; multi; dbsize; publish c x; ping; get a; exec; multi; get; exec; watch a b; unwatch; multi; get a; discard; exec`,
		`blpop a 0; get a; xread block 0 streams a 0; wait 0 0; bzpopmin a a 0; ping; blpop a b 0; watch a; blmove {a}b a left left 0`,
		`hello 3; get a; mget a b c; info; keys *; multi; get a; exec; hello 2; get a; hello 4; blpop a 0; hello 3; watch a; hello 2; multi; exec`,
		`client reply skip; get a; client reply off; mget a b; multi; get a; exec; client reply on; client kill id 99; client unblock 1; client no-evict on; get a`,
		`subscribe a b; get a; ping; psubscribe p*; unsubscribe; unsubscribe a; punsubscribe; get a; ssubscribe c; sunsubscribe c; hello 3; subscribe a; get a; publish a x; reset; get a`,
		`client tracking on; hello 3; client tracking on optin; client caching yes; get a; mget a b; client trackinginfo; client getredir; multi; get a; exec; client tracking off; client tracking on redirect 9`,
		`randomkey; slowlog get 3; pubsub numsub a; function stats; config get x; latency histogram; acl whoami; command count; memory usage a; sort a by w_*; monitor`,
	} {
		var in string
		for _, line := range strings.Split(requests, "; ") {
			frame, err := resp.AppendInline(nil, []byte(line))
			if err != nil {
				f.Fatalf("%s: %v", line, err)
			}
			in += string(frame)
		}
		for _, end := range []string{"", request("QUIT") + request("GET", "k"), "*1\r\n+", "ping\r\nget \"a\\x00\"\r\n\r\n*0\r\n*-1\r\n*x"} {
			f.Add([]byte(in+end), []byte{0, 1, 2, 30, 3, 255, 4, 5}, uint8(1))
			f.Add([]byte(request("AUTH", "pw")+in+end), []byte(strings.Repeat("\x00", 300)), uint8(200))
		}
	}
	f.Add([]byte(request("AUTH", "pw")+request("SET", "k", strings.Repeat("v", 20_000))), []byte{255, 255, 0}, uint8(200))
	f.Fuzz(func(t *testing.T, in, pieces []byte, window uint8) {
		if len(in) > 32<<10 || moody.Match(in) {
			return // a header line that is too long is told by what has come of it
		}
		limits := DefaultLimits()
		password := ""
		if window > 127 {
			password = "pw"
		}
		want := converse(t, limits, password, in, nil, false)
		if got := converse(t, limits, password, in, nil, true); !strings.HasPrefix(want, got) {
			t.Fatalf("ended at once: %q\nlater:         %q", got, want)
		}
		limits.InFlight = 1 + int(window%8)
		limits.Output = 16 << (window % 16)
		limits.Stream = 1 + int(window)
		got := converse(t, limits, password, in, pieces, false)
		if strings.Contains(got, "too much in a transaction") {
			return // by the smaller limit
		}
		if got != want {
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
