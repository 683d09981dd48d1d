package backend

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/proxy/iobuf"
)

// script drives one Conn by lines "event => what came of it". Events:
//
//	begin A       a call, whose request is the letter; A/r only reads, A/2 and A/2r are
//	              session 2's
//	get A KEYS    a call A to a memcached
//	heir          another Conn takes the node's place; to: the lines that follow are its
//	freeze, thaw
//	own           the connection gets an owner
//	ask A         what pushes answer, whose request is the letter; answered
//	connected     the dial has succeeded
//	recv TEXT     bytes from the node, as in a Go string
//	eof, reset    the connection's end; closed: the driver has closed it
//	wait D        time goes by, and time limits are looked at
//	stall D       time goes by in which the proxy does not run
//	write [N]     the driver writes N bytes, or all
//	open, retire
//
// What came of it is what the callers and the host were told, in order, and the
// state.
type script struct {
	t    *testing.T
	c    *Conn
	pool *iobuf.Pool
	now  int64
	rand float64
	told []string
}

func newScript(t *testing.T, cfg Config) *script {
	s := &script{t: t, pool: iobuf.NewPool(1 << 20), now: 1e15}
	cfg.Shard, cfg.Network, cfg.Addr = "s", "tcp", "host:1"
	s.c = NewConn(cfg, s, s.pool)
	return s
}

// play plays lines and compares what comes of each.
func (s *script) play(lines ...string) {
	s.t.Helper()
	for i, line := range lines {
		event, want, _ := strings.Cut(line, " => ")
		name, arg, _ := strings.Cut(event, " ")
		s.told = nil
		s.do(name, arg)
		s.told = append(s.told, s.c.State().String())
		if got := strings.Join(s.told, " "); got != want {
			s.t.Fatalf("line %d: %s => %s\nwant %s", i+1, event, got, want)
		}
	}
}

func (s *script) do(name, arg string) {
	switch name {
	case "begin":
		name, how, _ := strings.Cut(arg, "/")
		call := &namedCall{name: name, s: s}
		call.To = call
		call.ReadOnly = strings.HasSuffix(how, "r")
		call.Key, _ = strconv.ParseUint(strings.TrimSuffix(how, "r"), 10, 64)
		arg = name
		q, err := s.c.Begin(&call.Call, s.now)
		if err != nil {
			s.say("refused(%v)", err)
			return
		}
		q.AppendString(s.pool, arg)
	case "get":
		name, keys, _ := strings.Cut(arg, " ")
		call := &namedCall{name: name, s: s}
		call.To, call.ReadOnly = call, true
		s.get(call, keys)
	case "heir":
		heir := NewConn(s.c.Config, s, s.pool)
		s.c.Bequeath(heir, s.now)
		s.c.Retire()
	case "to":
		s.c = s.c.Heir()
	case "freeze", "thaw":
		s.c.Freeze(name == "freeze", s.now)
	case "own":
		s.c.Owner = ownerOf{s}
	case "ask":
		q, err := s.c.Ask(s.now)
		if err != nil {
			s.say("refused(%v)", err)
			return
		}
		q.AppendString(s.pool, arg)
	case "answered":
		s.c.Answered()
	case "open":
		s.c.Open(s.now)
	case "retire":
		s.c.Retire()
	case "connected":
		s.c.Connected(s.now)
	case "recv":
		text, err := strconv.Unquote(`"` + arg + `"`)
		if err != nil {
			s.t.Fatalf("recv %s: %v", arg, err)
		}
		b := []byte(text)
		s.c.Received(b, s.now)
		clear(b)
	case "eof":
		s.c.Broken(io.EOF, s.now)
	case "reset":
		s.c.Broken(errors.New("reset by peer"), s.now)
	case "closed":
		s.c.Broken(nil, s.now)
		s.c.Flushed()
	case "wait":
		d, err := time.ParseDuration(arg)
		if err != nil {
			s.t.Fatal(err)
		}
		s.now += int64(d)
		s.c.Expire(s.now)
	case "stall":
		d, err := time.ParseDuration(arg)
		if err != nil {
			s.t.Fatal(err)
		}
		s.now += int64(d)
		s.c.Excuse(d, s.now)
	case "write":
		n, err := strconv.Atoi(arg)
		if err != nil {
			n = s.c.Out.Len()
		}
		b := make([]byte, n)
		s.c.Out.Peek(b)
		s.c.Wrote(n)
		if n > 60 {
			s.say("wrote(%d)", n)
		} else {
			s.say("wrote(%s)", strings.ReplaceAll(string(b), "\r\n", "|"))
		}
		s.c.Flushed()
	default:
		s.t.Fatalf("no event %q", name)
	}
}

// get begins a call for keys.
func (s *script) get(call *namedCall, keys string) {
	request := "get " + keys + "\r\n"
	call.Get = len(request)
	q, err := s.c.Begin(&call.Call, s.now)
	if err != nil {
		s.say("refused(%v)", err)
		return
	}
	if call.Joined() {
		request = strings.TrimPrefix(request, "get")
	}
	q.AppendString(s.pool, request)
}

func (s *script) say(format string, args ...any) {
	s.told = append(s.told, fmt.Sprintf(format, args...))
}

func (s *script) Wake(*Conn)               { s.say("wake") }
func (s *script) Failed(_ *Conn, e *Error) { s.say("failed(%v)", e.Kind) }
func (s *script) Recovered(*Conn)          { s.say("recovered") }
func (s *script) Drained(*Conn)            { s.say("drained") }
func (s *script) Doubted(*Conn)            { s.say("doubted") }
func (s *script) Rand() float64            { return s.rand }

// ownerOf says what the connection's owner is told.
type ownerOf struct{ s *script }

func (o ownerOf) Ready(*Conn) { o.s.say("made") }
func (o ownerOf) Pushed(_ *Conn, part []byte, _ bool) {
	o.s.say("push:%s", strings.ReplaceAll(string(part), "\r\n", "|"))
}
func (o ownerOf) Lost(_ *Conn, err *Error) { o.s.say("lost(%v)", err) }

type namedCall struct {
	Call
	name string
	s    *script
}

func (c *namedCall) Reply(call *Call, part []byte, done bool) {
	if call != &c.Call {
		c.s.t.Errorf("%s is told of another call", c.name)
	}
	text := strings.ReplaceAll(string(part), "\r\n", "|")
	if !done {
		text += "…"
	}
	c.s.say("%s:%s", c.name, text)
}

func (c *namedCall) Fail(_ *Call, err *Error) {
	sent := "unsent"
	if err.Sent {
		sent = "sent"
	}
	c.s.say("%s:%v/%s", c.name, err.Kind, sent)
}
