package acl

import (
	"strings"
	"testing"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/command"
)

func user(t testing.TB, rules string) *User {
	t.Helper()
	u, err := Parse("app", rules)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// request is a line's words, with the command they resolve to.
func request(t testing.TB, line string) (*command.Command, command.Args) {
	t.Helper()
	var a command.Slices
	for word := range strings.FieldsSeq(line) {
		a = append(a, []byte(word))
	}
	cmd, err := command.Builtin().Resolve(&a)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return cmd, &a
}

const (
	noKey     = "NOPERM this user has no permissions to access one of the keys used as arguments"
	noChannel = "NOPERM this user has no permissions to access one of the channels used as arguments"
)

func noCommand(name string) string {
	return "NOPERM this user has no permissions to run the '" + name + "' command"
}

// checks are requests and what a user is told; "" is allowed. A server tells the
// same, when such a user sends them.
var checks = []struct{ rules, line, want string }{
	{"~* &* +@all", "get a", ""},
	{"~* &* +@all", "flushall", ""},
	{"", "get a", noCommand("get")},
	{"", "config get x", noCommand("config|get")},
	{"", "ping", noCommand("ping")},
	{"", "quit", ""},
	{"", "reset", ""},
	{"+get", "GET a", noKey},
	{"+get ~a", "get a", ""},
	{"+get ~a", "get b", noKey},
	{"+get ~a", "set a 1", noCommand("set")},
	{"+@read ~cache:*", "mget cache:1 cache:2", ""},
	{"+@read ~cache:*", "mget cache:1 other", noKey},
	{"+@all -@dangerous ~*", "keys *", noCommand("keys")},
	{"+@all %R~r* %W~w*", "get r", ""},
	{"+@all %R~r* %W~w*", "get w", noKey},
	{"+@all %R~r* %W~w*", "set w 1", ""},
	{"+@all %R~r* %W~w*", "set w 1 get", noKey},
	{"+@all %R~r* %W~w*", "set r 1", noKey},
	{"+@all %R~r* %W~w*", "exists w", ""},
	{"+@all %R~r* %W~w*", "copy r w", ""},
	{"+@all %R~r* %W~w*", "copy w r", noKey},
	{"+@all %R~r* %W~w*", "bitfield r get u8 0", ""},
	{"+@all %R~r* %W~w*", "bitfield r set u8 0 1", noKey},
	{"+@all %R~r* %W~w*", "sort r store w", ""},
	{"+@all %R~r* %W~w*", "sort r store r", noKey},
	{"+@all %R~r* %W~w*", "zunionstore w 2 r r2", ""},
	{"+@all %R~r* %W~w*", "zunionstore w 2 r w2", noKey},
	{"+@all ~a", "eval 1 1 a", ""},
	{"+@all ~a", "eval 1 01 b", noKey},
	{"+@all ~a", "eval 1 0", ""},
	{"+@all ~a", "xread streams a 0", ""},
	{"+@all ~a", "xread streams a b 0 0", noKey},
	{"+select|0 +config|get", "select 0", ""},
	{"+select|0 +config|get", "select 1", noCommand("select")},
	{"+select|0 +config|get", "config get x", ""},
	{"+select|0 +config|get", "config set maxmemory 0", noCommand("config|set")},
	{"+@all &news:*", "publish news:1 x", ""},
	{"+@all &news:*", "publish other x", noChannel},
	{"+@all &news:*", "spublish other x", noChannel},
	{"+@all &news:*", "subscribe news:1 news:2", ""},
	{"+@all &news:*", "subscribe news:1 other", noChannel},
	{"+@all &news:*", "ssubscribe other", noChannel},
	{"+@all &news:*", "psubscribe news:*", ""},
	{"+@all &news:*", "psubscribe news:1", noChannel},
	{"+@all &news:*", "unsubscribe other", ""},
	{"+@all &news:*", "punsubscribe other", ""},
	{"+get ~a (+set ~b)", "set b 1", ""},
	{"+get ~a (+set ~b)", "set a 1", noKey},
	{"+get ~a (+set ~b)", "get b", noKey},
	{"+get ~a (+set ~b)", "del a", noCommand("del")},
	{"+get ~a (+mget ~*)", "mget x y", ""},
	{"+mget ~a (+mget ~b)", "mget a b", noKey},
	{"(+publish &a) (+publish ~*)", "publish b x", noChannel},
}

func TestCheck(t *testing.T) {
	s := live(t)
	for _, row := range checks {
		u := user(t, row.rules)
		cmd, args := request(t, row.line)
		have := ""
		if err := u.Check(cmd, args, &Scratch{}); err != nil {
			have = err.Error()
		}
		if have != row.want {
			t.Errorf("%q: %s: %q, want %q", row.rules, row.line, have, row.want)
		}
		if told := s.told(row.rules, row.line); told != row.want {
			t.Errorf("%q: %s: the server says %q, want %q", row.rules, row.line, told, row.want)
		}
	}
}

// told sends a line as a user with these rules, and returns a NOPERM reply.
func (s *server) told(rules, line string) string {
	s.t.Helper()
	s.do(append([]string{"ACL", "SETUSER", "app", "reset", "on", "nopass"}, strings.Fields(rules)...)...)
	conn, err := redis.Dial("tcp", s.addr, redis.DialUsername("app"), redis.DialPassword("x"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	words := strings.Fields(line)
	_, err = conn.Do(words[0], redis.Args{}.AddFlat(words[1:])...)
	if err != nil && strings.HasPrefix(err.Error(), "NOPERM") {
		return err.Error()
	}
	return ""
}

// TestVariants: a request that its arguments make another plan of is checked as
// its command.
func TestVariants(t *testing.T) {
	cmd, args := request(t, "sort a by w_*")
	if cmd.Route != command.Refused {
		t.Fatal("SORT by a pattern is no variant any more: take another")
	}
	if err := user(t, "+sort ~*").Check(cmd, args, &Scratch{}); err != nil {
		t.Error(err)
	}
	if err := user(t, "+@all -sort ~a").Check(cmd, args, &Scratch{}); err == nil {
		t.Error("SORT is allowed")
	}
}

func TestUnlimited(t *testing.T) {
	for rules, want := range map[string]bool{
		"~* &* +@all":             true,
		"+get (allkeys &* +@all)": true,
		"~* &* +@all -get":        false,
		"~* &* +@all -get +get":   false, // as in Redis, which looks at each command from then on
		"~* +@all":                false,
		"&* +@all":                false,
		"~* (&* +@all)":           false,
	} {
		if u := user(t, rules); u.Unlimited() != want {
			t.Errorf("%q: unlimited is %v, want %v", rules, u.Unlimited(), want)
		}
	}
}

func TestCheckDoesNotAllocate(t *testing.T) {
	var scratch Scratch
	u := user(t, "~cache:* %R~shared:* &news:* +@read +@write +publish +eval (+del ~tmp:*)")
	for _, line := range []string{
		"get cache:1", "set cache:1 x", "mget cache:1 cache:2 shared:1", "mset cache:1 x cache:2 y", "del tmp:1", "eval return 2 cache:1 cache:2",
		"publish news:1 x", "zunionstore cache:1 2 cache:2 shared:3",
	} {
		cmd, args := request(t, line)
		if err := u.Check(cmd, args, &scratch); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		if n := testing.AllocsPerRun(100, func() { _ = u.Check(cmd, args, &scratch) }); n > 0 {
			t.Errorf("%s: %v allocations", line, n)
		}
	}
}

// BenchmarkCheck stands beside a user who may do everything.
func BenchmarkCheck(b *testing.B) {
	var scratch Scratch
	for _, rules := range []string{"~* &* +@all", "~* +@read +@write", "~cache:* +@read +@write", "~a:* ~b:* ~c:* ~cache:* +@all -@admin"} {
		u := user(b, rules)
		for _, line := range []string{"get cache:user:1000", "mget cache:1 cache:2 cache:3 cache:4 cache:5 cache:6 cache:7 cache:8 cache:9 cache:10"} {
			cmd, args := request(b, line)
			b.Run(rules+"/"+cmd.Name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := u.Check(cmd, args, &scratch); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
