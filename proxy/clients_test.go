package proxy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/shardtest"
)

// TestSessions: what a client sets for itself, and that it is for itself.
func TestSessions(t *testing.T) {
	converse(t, []conversation{
		{"SELECT", `
			a SET {one}k zero => +OK
			a SELECT 3 => +OK
			a GET {one}k => $-1
			a MSET {one}k three {two}k three => +OK
			a DBSIZE => :2
			b GET {one}k => "zero"
			b DBSIZE => :1
			b SELECT 3 => +OK
			b MGET {one}k {two}k => ["three" "three"]
			b SELECT 16 => -ERR DB index is out of range
			b SELECT -1 => -ERR DB index is out of range
			b SELECT x => -ERR value is not an integer or out of range
			b GET {one}k => "three"
			a MULTI => +OK
			a GET {one}k => +QUEUED
			a EXEC => ["three"]
			a BLPOP {one}l 0
			blocked 1
			b RPUSH {one}l x => :1
			a => ["{one}l" "x"]
			b SWAPDB 0 3 => +OK
			a GET {one}k => "zero"
			a MOVE {one}k 5 => :1
			a SELECT 5 => +OK
			a GET {one}k => "zero"
			a RESET => +RESET
			a GET {one}k => "three"
			a FLUSHDB => +OK
			a SELECT 5 => +OK
			a DBSIZE => :1`},
		{"SELECT amid a transaction and a subscription", `
			a SELECT 2 => +OK
			a WATCH {one}k => +OK
			a SELECT 4 => +OK
			b SELECT 2 => +OK
			b SET {one}k v => +OK
			a MULTI => +OK
			a SET {one}k w => +QUEUED
			a EXEC => *-1
			a HELLO 3 => …
			a SUBSCRIBE {one}c => >["subscribe" "{one}c" :1]
			a SELECT 2 => +OK
			a GET {one}k => "v"
			b PUBLISH {one}c x => :1
			a => >["message" "{one}c" "x"]`},
		{"HELLO 3", `
			a HELLO 3 SETNAME n => %["server" "redis" "version" "7.0.15" "proto" :3 "id" …
			a CLIENT GETNAME => "n"
			a HSET {one}h f v => :1
			a HGETALL {one}h => %["f" "v"]
			a SADD {one}s m => :1
			a SMEMBERS {one}s => ~["m"]
			a ZADD {one}z 1.5 m => :1
			a ZSCORE {one}z m => ,1.5
			a ZRANGE {one}z 0 -1 WITHSCORES => [["m" ,1.5]]
			a GET {one}nosuch => _
			a MGET {one}nosuch {two}nosuch => [_ _]
			a BLPOP {one}nosuch 0.01 => _
			a RANDOMKEY => "…
			a CONFIG GET maxmemory-policy => %["maxmemory-policy" "noeviction"]
			a EVAL "redis.setresp(3) return {true, redis.call('HGETALL', KEYS[1])}" 1 {one}h => [#t %["f" "v"]]
			a MEMORY DOCTOR => %["one" =…
			a CLIENT TRACKINGINFO => %["flags" ~["off"] "redirect" :-1 "prefixes" []]
			a INFO server => ="txt:…
			a HELLO 2 => ["server" "redis" "version" "7.0.15" "proto" :2 "id" …
			a HGETALL {one}h => ["f" "v"]
			b HGETALL {one}h => ["f" "v"]`},
		{"REPLY", `
			a CLIENT REPLY SKIP
			a SET {one}k v
			a GET {one}k => "v"
			a CLIENT REPLY OFF
			a SET {one}k w
			a MSET {one}k x {two}k y
			a NOSUCH
			a MULTI
			a SET {two}k z
			a EXEC
			a CLIENT REPLY SKIP
			a CLIENT REPLY ON => +OK
			a MGET {one}k {two}k => ["x" "z"]`},
		{"SETINFO, NO-EVICT and their like", `
			a CLIENT SETINFO LIB-NAME lib => +OK
			a CLIENT SETINFO LIB-VER 1.2 => +OK
			a CLIENT SETINFO LIB-COLOR red => -ERR Unrecognized option 'LIB-COLOR'
			a CLIENT NO-EVICT ON => +OK
			a CLIENT NO-EVICT maybe => -ERR syntax error
			a CLIENT NO-TOUCH off => +OK
			a CLIENT SETNAME "a b" => -ERR Client names cannot contain spaces, newlines or special characters.
			a CLIENT GETNAME => $-1
			a CLIENT SETNAME a => +OK
			a CLIENT INFO => "id=…
			a CLIENT NOSUCH => -ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP.
			a CLIENT KILL 1.2.3.4:5 => -ERR No such client
			a CLIENT KILL ID 0 => -ERR client-id should be greater than 0
			a CLIENT KILL TYPE nosuch => -ERR Unknown client type 'nosuch'
			a CLIENT LIST TYPE nosuch => -ERR Unknown client type 'nosuch'
			a CLIENT LIST ID x => -ERR Invalid client ID
			a CLIENT GETREDIR => :-1`},
	})
}

// TestClientList: CLIENT LIST and KILL are about the clients of all loops.
func TestClientList(t *testing.T) {
	eachLoops(t, func(t *testing.T, d engine.Driver, loops int) {
		s := serveLoops(t, d, loops, poolOf(shardtest.RedisN(t, 4)))
		clients := map[string]*talker{}
		for _, name := range []string{"plain", "resp3", "listens", "transacts", "waits"} {
			clients[name] = s.talk(t, "CLIENT SETNAME "+name)
		}
		clients["resp3"].do("HELLO 3")
		clients["listens"].do("SUBSCRIBE c")
		clients["transacts"].do("MULTI")
		clients["transacts"].do("SET k v")
		clients["waits"].say("BLPOP l 0")
		blocked(t, s, "1")

		a := s.talk(t, "CLIENT SETNAME asks", "CLIENT SETINFO lib-name lib", "SELECT 2")
		var list []string
		soon(t, "who asked whether somebody waits has gone", func() bool {
			list = linesOf(a.do("CLIENT LIST"))
			return len(list) == 6
		})
		for name, want := range map[string]string{
			"plain":     " flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 cmd=client|setname user=default redir=-1 resp=2 ",
			"resp3":     " flags=N cmd=hello resp=3 ",
			"listens":   " flags=P sub=1 cmd=subscribe ",
			"transacts": " flags=x multi=1 cmd=set ",
			"waits":     " flags=b cmd=blpop ",
			"asks":      " flags=N db=2 cmd=client|list lib-name=lib ",
		} {
			line := lineOf(list, "name="+name)
			for _, field := range strings.Fields(want) {
				if !strings.Contains(line+" ", " "+field+" ") {
					t.Errorf("%s: %q lacks %s", name, line, field)
				}
			}
		}
		if listens := linesOf(a.do("CLIENT LIST TYPE pubsub")); len(listens) != 1 || !strings.Contains(listens[0], "name=listens ") {
			t.Errorf("TYPE pubsub: %q", listens)
		}

		id := func(name string) string {
			return strings.TrimPrefix(strings.Fields(lineOf(list, "name="+name))[0], "id=")
		}
		addr := strings.TrimPrefix(strings.Fields(lineOf(list, "name=resp3"))[1], "addr=")
		if by := linesOf(a.do("CLIENT LIST ID " + id("plain") + " " + id("waits"))); len(by) != 2 {
			t.Errorf("ID: %q", by)
		}
		if got := clients["resp3"].LocalAddr().String(); addr != got {
			t.Errorf("addr=%s, is %s", addr, got)
		}
		a.expect("CLIENT KILL ID "+id("waits"), ":1")
		a.expect("CLIENT KILL ID "+id("waits"), ":0")
		a.expect("CLIENT KILL "+addr, "+OK")
		a.expect("CLIENT KILL TYPE pubsub", ":1")
		a.expect("CLIENT KILL TYPE normal SKIPME yes", ":2")
		for name, c := range clients {
			if got := c.hear(); got != "EOF" && !strings.Contains(got, "reset") {
				t.Errorf("%s was killed and heard %s", name, got)
			}
		}
		soon(t, "nobody waits", func() bool { return a.do("RPUSH l x") == ":1" && a.do("LPOP l") == `"x"` })
		a.expect("CLIENT KILL ID "+a.do("CLIENT ID")[1:]+" SKIPME no", ":1")
		a.hears("EOF")
	})
}

// linesOf are those of a text as reply shows it.
func linesOf(text string) []string {
	return strings.Split(strings.TrimSuffix(strings.Trim(text, `"`), `\n`), `\n`)
}

// lineOf returns the line that has a field.
func lineOf(lines []string, field string) string {
	for _, l := range lines {
		if strings.Contains(l+" ", " "+field+" ") {
			return l
		}
	}
	return ""
}

// TestClientPause: a pause is every client's, whatever its loop.
func TestClientPause(t *testing.T) {
	eachLoops(t, func(t *testing.T, d engine.Driver, loops int) {
		s := serveLoops(t, d, loops, poolOf(shardtest.RedisN(t, 4)))
		a, b := s.talk(t), s.talk(t)
		a.expect(`FUNCTION LOAD "#!lua name=l\nredis.register_function{function_name='r', callback=function() return 'read' end, flags={'no-writes'}}`+
			`\nredis.register_function('w', function(keys) return redis.call('SET', keys[1], 'f') end)"`, `"l"`)
		writes := map[string]string{
			"FCALL w 1 k5": "+OK", "FCALL nosuch 0": "-ERR Function not found",
			"SET k v": "+OK", "EVAL \"return redis.call('SET', KEYS[1], 'w')\" 1 k2": "+OK", "PUBLISH c x": ":0", "PFCOUNT h": ":0", "MSET k3 v k4 v": "+OK",
		}
		paused := map[string]*talker{}

		a.expect("CLIENT PAUSE 100000 WRITE", "+OK")
		b.expect("GET k", "$-1")
		for line := range writes {
			paused[line] = s.talk(t)
			paused[line].say(line)
		}
		for _, c := range paused {
			c.silent(10 * time.Millisecond)
		}
		a.expect("MGET k k2", "[$-1 $-1]")
		b.expect("FCALL r 0", `"read"`)
		a.expect("FCALL r 1 k", `"read"`)
		for _, c := range paused {
			c.silent(10 * time.Millisecond)
		}
		a.expect("CLIENT PAUSE 100000 WRITE", "+OK")
		a.expect("FCALL r 0", `"read"`)
		a.expect("CLIENT UNPAUSE", "+OK")
		for line, c := range paused {
			c.hears(writes[line])
		}

		began := time.Now()
		a.expect("CLIENT PAUSE 150", "+OK")
		b.expect("GET k", `"v"`)
		if took := time.Since(began); took < 140*time.Millisecond {
			t.Errorf("GET amid a pause of 150 ms took %v", took)
		}
		a.expect("CLIENT PAUSE x", "-ERR timeout is not an integer or out of range")
		a.expect("CLIENT PAUSE -1", "-ERR timeout is negative")
		a.expect("CLIENT PAUSE 1 SOME", "-ERR CLIENT PAUSE mode must be WRITE or ALL")
	})
}
