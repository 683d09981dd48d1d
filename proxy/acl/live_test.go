package acl

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/ring/randtest"
	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/shardtest"
)

// server is a redis-server, and the table of its own commands.
type server struct {
	t     *testing.T
	addr  string
	conn  redis.Conn
	table *command.Table
}

func live(t *testing.T) *server {
	t.Helper()
	s := &server{t: t, addr: shardtest.Redis(t).Addr}
	conn, err := redis.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	s.conn = conn
	infos := []command.Info{}
	for _, reply := range s.do("COMMAND").([]any) {
		info, err := command.ParseInfo(reply)
		if err != nil {
			t.Fatal(err)
		}
		infos = append(infos, info)
	}
	if s.table, err = command.NewTable(infos); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *server) do(request ...string) any {
	s.t.Helper()
	s.send(request)
	return s.receive()
}

func (s *server) send(request []string) {
	s.t.Helper()
	if err := s.conn.Send(request[0], redis.Args{}.AddFlat(request[1:])...); err != nil {
		s.t.Fatal(err)
	}
}

// receive returns the next reply; an error reply is a redis.Error.
func (s *server) receive() any {
	s.t.Helper()
	if err := s.conn.Flush(); err != nil {
		s.t.Fatal(err)
	}
	return decode(s.t, s.conn)
}

func decode(t *testing.T, conn redis.Conn) any {
	t.Helper()
	reply, err := conn.Receive()
	if refused := redis.Error(""); errors.As(err, &refused) {
		return refused
	}
	if err != nil {
		t.Fatalf("receive: %v", err)
	}
	return plain(reply)
}

// plain turns byte slices into strings, for comparing and printing.
func plain(v any) any {
	switch v := v.(type) {
	case []byte:
		return string(v)
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	}
	return v
}

// reply decodes a reply of ours as a server's is decoded.
func reply(t *testing.T, users *Users, request ...string) any {
	t.Helper()
	raw := users.AppendReply(nil, command.Strings(request), users.Default(), false)
	return decode(t, redis.NewConn(&canned{Reader: bytes.NewReader(raw)}, 0, 0))
}

// canned is a connection on which a reply has come.
type canned struct {
	net.Conn
	*bytes.Reader
}

func (c *canned) Read(p []byte) (int, error) { return c.Reader.Read(p) }

func (c *canned) SetReadDeadline(time.Time) error { return nil }

var (
	patterns = []string{
		"*", "cache:*", "a", "b*", "?", "[ab]*", "[^a]", "user:[0-9]*", "\\a", "*:*:*", "", "[a", "h*llo", "**x", "k", "dest", "a\\", "[a-", "[]b", "(x",
	}
	words = []string{
		"a", "b", "cache:1", "cache:", "user:7:x", "k", "dest", "hello", "0", "1", "2", "3", "-1", "01", "x", "b9", "", ">", "$", "[a", "(x", "a\\",
		"store", "STORE", "streams", "get", "GET", "set", "overflow", "incrby", "u8", "by", "limit", "keys", "left", "channel", "block", "count", "group",
	}
)

func pick(rng *rand.Rand, from []string) string { return from[rng.IntN(len(from))] }

// randomRule returns a rule that may stand in a selector; some are wrong.
func (s *server) randomRule(rng *rand.Rand) string {
	commands := slices.Collect(s.table.All())
	name := commands[rng.IntN(len(commands))].Name
	sign := pick(rng, []string{"+", "+", "-"})
	switch rng.IntN(24) {
	case 0, 1, 2:
		return sign + name
	case 3, 4, 5, 6:
		return sign + "@" + categories[rng.IntN(len(categories))].name
	case 7:
		return pick(rng, []string{"+@all", "-@all", "allcommands", "NOCOMMANDS"})
	case 8:
		return "+" + name + "|" + pick(rng, words)
	case 9:
		return "+" + pick(rng, []string{"select|0", "SELECT|1", "get|A", "get|a", "ping|x", "config|GET", "set|"})
	case 10, 11, 12:
		return "~" + pick(rng, patterns)
	case 13, 14:
		return pick(rng, []string{"%R~", "%W~", "%rw~", "%Wr~"}) + pick(rng, patterns[1:])
	case 15, 16, 17:
		return "&" + pick(rng, patterns)
	case 18:
		return pick(rng, []string{"allkeys", "resetkeys", "ResetKeys"})
	case 19:
		return pick(rng, []string{"allchannels", "resetchannels"})
	case 20:
		return sign + strings.ToUpper(name)
	case 21:
		return pick(rng, []string{"+nosuch", "-nosuch", "+@nosuch", "-@", "+", "-", "-select|0", "+config|nosuch", "-config|nosuch", "+config|get|x", "bogus", "%X~a", "+|get"})
	}
	return "+@" + pick(rng, []string{"read", "write", "fast", "SLOW"})
}

// randomRules returns rules of a user, one an element.
func (s *server) randomRules(rng *rand.Rand) []string {
	var rules []string
	for range 1 + rng.IntN(6) {
		switch rng.IntN(12) {
		case 0:
			rules = append(rules, pick(rng, []string{
				"on", "off", "OFF", "nopass", "resetpass", ">one", ">two", "<one", "#" + strings.Repeat("0a", 32), "!" + strings.Repeat("0a", 32),
				"#" + strings.Repeat("0A", 32), "#0", "skip-sanitize-payload", "sanitize-payload", "reset", "clearselectors",
			}))
		case 1:
			selector := []string{}
			for range rng.IntN(4) {
				selector = append(selector, s.randomRule(rng))
			}
			text := pick(rng, []string{"(", "( "}) + strings.Join(selector, " ") + pick(rng, []string{")", ")", ")", " )", ""})
			rules = append(rules, strings.Fields(text)...)
		default:
			rules = append(rules, s.randomRule(rng))
		}
	}
	return rules
}

func (s *server) randomRequest(rng *rand.Rand) []string {
	commands := slices.Collect(s.table.All())
	cmd := commands[rng.IntN(len(commands))]
	for rng.IntN(3) > 0 && len(cmd.Specs) == 0 && cmd.Flags&command.PubSub == 0 {
		cmd = commands[rng.IntN(len(commands))] // rather one with arguments to check
	}
	request := strings.Split(cmd.Name, "|")
	n := max(cmd.Arity, -cmd.Arity)
	if cmd.Arity < 0 {
		n += rng.IntN(5)
	}
	if rng.IntN(30) == 0 {
		n--
	}
	for len(request) < n {
		request = append(request, pick(rng, words))
	}
	return request
}

// TestIsTheServers compares random users and requests with a server: which rules
// it takes and what it says of the others, how it describes the user, and what
// ACL DRYRUN says of each request.
func TestIsTheServers(t *testing.T) {
	const rounds, requests = 400, 60
	s := live(t)
	rng := randtest.New(t)
	verdicts := map[string]int{}
	for range rounds {
		rules := s.randomRules(rng)
		s.do("ACL", "DELUSER", "u")
		made := s.do(append([]string{"ACL", "SETUSER", "u", "on"}, rules...)...)
		u, err := parse(s.table, "u", strings.Join(rules, " "))
		if refused, ok := made.(redis.Error); ok {
			verdicts["wrong rule"]++
			var wrong *RuleError
			if !errors.As(err, &wrong) || wrong.Err != errNested && !strings.Contains(string(refused), wrong.Err.Error()) {
				t.Errorf("%q: %v, the server says %v", rules, err, refused)
			}
			continue
		}
		if err != nil {
			if !knownDifference(err, rules) {
				t.Errorf("%q: %v, the server takes it", rules, err)
			}
			continue
		}
		users, err := NewUsers(u)
		if err != nil {
			t.Fatal(err)
		}
		s.compareDescriptions(rules, users)
		var all [][]string
		for range requests {
			request := append([]string{"ACL", "DRYRUN", "u"}, s.randomRequest(rng)...)
			all = append(all, request)
			s.send(request)
		}
		for _, request := range all {
			want := s.receive()
			if have := reply(t, users, request...); have != want {
				t.Errorf("%q\n %q: %v, the server says %v", u.Rules(), request, have, want)
			}
			for _, kind := range []string{"OK", "command", "key", "channel"} {
				if text, ok := want.(string); ok && strings.HasSuffix(text, kind) {
					verdicts[kind]++
				}
			}
		}
	}
	t.Log(verdicts)
	for _, kind := range []string{"OK", "command", "key", "channel", "wrong rule"} {
		if verdicts[kind] < 20 {
			t.Errorf("%d of the verdicts were %q: too few to tell", verdicts[kind], kind)
		}
	}
}

// knownDifference reports whether rules are refused that the server takes: with
// parentheses in a selector, of which it forgets what stands before them, and
// patterns after %RW~*.
func knownDifference(err error, rules []string) bool {
	all := func(r string) bool { return len(r) > 2 && r[0] == '%' && strings.HasSuffix(r, "~*") }
	return errors.Is(err, errNested) || errors.Is(err, errParen) || errors.Is(err, errAfterAllKeys) && slices.ContainsFunc(rules, all)
}

// compareDescriptions compares ACL GETUSER and ACL LIST.
func (s *server) compareDescriptions(rules []string, users *Users) {
	s.t.Helper()
	for _, request := range [][]string{{"ACL", "GETUSER", "u"}, {"ACL", "LIST"}} {
		have, want := sorted(reply(s.t, users, request...)), sorted(s.do(request...))
		if !equal(have, want) {
			s.t.Errorf("%q: %q\n  have %q\nserver %q", rules, request, have, want)
		}
	}
}

// sorted puts the commands of each text in order: a server's have none.
func sorted(v any) any {
	switch v := v.(type) {
	case string:
		fields := strings.Fields(strings.ReplaceAll(v, " (", " ( "))
		isCommand := func(f string) bool { return strings.ContainsAny(f[:1], "+-") && !strings.HasPrefix(f[1:], "@") }
		for i := 0; i < len(fields); i++ {
			n := i
			for n < len(fields) && isCommand(fields[n]) {
				n++
			}
			if n > i {
				// The one at the end of a selector has its parenthesis.
				last := fields[n-1]
				fields[n-1] = strings.TrimSuffix(last, ")")
				slices.Sort(fields[i:n])
				if strings.HasSuffix(last, ")") {
					fields[n-1] += ")"
				}
				i = n
			}
		}
		return strings.Join(fields, " ")
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = sorted(v[i])
		}
		return out
	}
	return v
}

func equal(a, b any) bool {
	x, ok := a.([]any)
	y, ok2 := b.([]any)
	if !ok || !ok2 {
		return !ok && !ok2 && a == b
	}
	return slices.EqualFunc(x, y, equal)
}
