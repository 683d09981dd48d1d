package proxy_test

import (
	"testing"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/shardtest"
)

// TestBlocking: commands that wait, and clients beside them that do not.
func TestBlocking(t *testing.T) {
	converse(t, []conversation{
		{"BLPOP", `
			a BLPOP {one}l {one}m 0
			blocked 1
			b RPUSH {one}m x => :1
			a => ["{one}m" "x"]
			a BLPOP {one}l 0.01 => *-1
			a HELLO 3 => …
			a BLPOP {one}l 0.01 => _
			a BLPOP {one}l {two}l 0 => -CROSSSLOT …
			a PING => +PONG`},
		{"two wait, the first is first", `
			a BRPOP {two}l 0
			blocked 1
			b BRPOP {two}l 0
			blocked 2
			c RPUSH {two}l x => :1
			a => ["{two}l" "x"]
			c RPUSH {two}l y => :1
			b => ["{two}l" "y"]`},
		{"what one says while one waits", `
			a BLPOP {one}l 0
			a SET {one}k v
			a SET {two}k v
			blocked 1
			b MGET {one}k {two}k => [$-1 $-1]
			b RPUSH {one}l x => :1
			a => ["{one}l" "x"]
			a => +OK
			a => +OK`},
		{"BLMOVE and BRPOPLPUSH", `
			a BLMOVE {one}l {one}m LEFT RIGHT 0
			blocked 1
			b RPUSH {one}l x => :1
			a => "x"
			a BRPOPLPUSH {one}m {one}l 0 => "x"
			a BLMPOP 0 2 {one}m {one}l LEFT => ["{one}l" ["x"]]
			a BLMOVE {one}l {one}m LEFT RIGHT 0.01 => *-1`},
		{"BZPOPMIN and BZMPOP", `
			a BZPOPMIN {three}z 0
			blocked 1
			b ZADD {three}z 2 m 1 n => :2
			a => ["{three}z" "n" "1"]
			a BZPOPMAX {three}z 0 => ["{three}z" "m" "2"]
			a BZMPOP 0 1 {three}z MIN
			blocked 1
			b ZADD {three}z 3 o => :1
			a => ["{three}z" [["o" "3"]]]`},
		{"XREAD", `
			a XREAD BLOCK 0 STREAMS {four}s $
			blocked 1
			b XADD {four}s 1-1 f v => "1-1"
			a => [["{four}s" [["1-1" ["f" "v"]]]]]
			a XREAD BLOCK 5 STREAMS {four}s $ => *-1
			a XGROUP CREATE {four}s g $ => +OK
			a XREADGROUP GROUP g c BLOCK 0 STREAMS {four}s >
			blocked 1
			b XADD {four}s 2-1 f w => "2-1"
			a => [["{four}s" [["2-1" ["f" "w"]]]]]`},
		{"WAIT", `
			a SET {one}k v => +OK
			a WAIT 0 0 => :0
			a WAIT 1 20 => :0
			a WAIT 1 20 => :0
			a WAIT x 20 => -ERR …`},
		{"UNBLOCK", `
			a CLIENT SETNAME a => +OK
			a BLPOP {one}l 0
			blocked 1
			a RPUSH {one}l later
			b CLIENT UNBLOCK 999999 => :0
			b CLIENT UNBLOCK x => -ERR value is not an integer or out of range`},
	})
}

// TestUnblock: by TIMEOUT and by ERROR, from a client of whatever loop.
func TestUnblock(t *testing.T) {
	eachLoops(t, func(t *testing.T, d engine.Driver, loops int) {
		s := serveLoops(t, d, loops, poolOf(shardtest.RedisN(t, 4)))
		for range 2 * loops { // on any loop
			a, b := s.talk(t), s.talk(t)
			id := a.do("CLIENT ID")[1:]
			for _, how := range []struct{ word, heard string }{
				{"", "*-1"}, {" TIMEOUT", "*-1"}, {" ERROR", "-UNBLOCKED client unblocked via CLIENT UNBLOCK"},
			} {
				a.say("BLPOP l 0")
				blocked(t, s, "1")
				b.expect("CLIENT UNBLOCK "+id+how.word, ":1")
				a.hears(how.heard)
				blocked(t, s, "0")
				b.expect("CLIENT UNBLOCK "+id+how.word, ":0")
			}
		}
	})
}

// TestBlockedClientLeaves: an element that is pushed after a waiting client has gone is
// nobody's yet.
func TestBlockedClientLeaves(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		s := serve(t, d, poolOf(shardtest.RedisN(t, 4)))
		b := s.talk(t)
		for i := range 20 {
			a := s.talk(t)
			a.say("BLPOP l 0")
			blocked(t, s, "1")
			if i%2 == 0 {
				a.Close()
			} else { // half a close
				a.Conn.(interface{ CloseWrite() error }).CloseWrite()
			}
			blocked(t, s, "0")
			b.expect("RPUSH l "+itoa(i), ":1")
			b.expect("LPOP l", `"`+itoa(i)+`"`)
		}
	})
}

// TestBlockedAndKilled: who waits at a server that dies is told so, and can wait again
// when it is back.
func TestBlockedAndKilled(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		servers := shardtest.RedisN(t, 4)
		s := serve(t, d, poolOf(servers))
		_, tags := ownerOf(t, servers)
		key := "{" + tags[1] + "}l"
		a, b := s.talk(t), s.talk(t)
		a.say("BLPOP " + key + " 0")
		blocked(t, s, "1")
		servers[1].Kill()
		if got := a.hear(); got[:len("-ERR shard 'two'")] != "-ERR shard 'two'" {
			t.Errorf("heard %s", got)
		}
		b.expect("SET {"+tags[0]+"}k v", "+OK")
		if err := servers[1].Restart(); err != nil {
			t.Fatal(err)
		}
		soon(t, "the shard serves", func() bool { return b.do("LLEN "+key) == ":0" })
		a.say("BLPOP " + key + " 0")
		blocked(t, s, "1")
		b.expect("RPUSH "+key+" x", ":1")
		a.hears(`["` + key + `" "x"]`)
	})
}
