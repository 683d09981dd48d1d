package proxy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/shardtest"
)

// TestScripts: scripts and functions are on every shard.
func TestScripts(t *testing.T) {
	converse(t, []conversation{
		{"EVAL", `
			a EVAL "return KEYS[1]" 1 {one}k => "{one}k"
			a EVAL "return redis.call('GET', KEYS[1])" 2 {one}k {two}k => -CROSSSLOT …
			a EVAL "return ARGV[1]" 0 x => "x"
			a EVAL_RO "return redis.call('GET', KEYS[1])" 1 {two}k => $-1
			a EVAL_RO "return redis.call('SET', KEYS[1], 1)" 1 {two}k => -ERR Write commands are not allowed from read-only scripts…
			a EVALSHA ffffffffffffffffffffffffffffffffffffffff 1 {one}k => -NOSCRIPT No matching script. Please use EVAL.
			a SCRIPT EXISTS ffffffffffffffffffffffffffffffffffffffff => [:0]
			a SCRIPT LOAD "return ARGV[1]" => "098e0f0d1448c0a81dafe820f66d460eb09263da"
			a SCRIPT EXISTS 098e0f0d1448c0a81dafe820f66d460eb09263da => [:1]
			one| SCRIPT FLUSH => +OK
			a SCRIPT EXISTS 098e0f0d1448c0a81dafe820f66d460eb09263da => [:1]
			a EVALSHA 098e0f0d1448c0a81dafe820f66d460eb09263da 1 {one}k x => "x"
			a EVALSHA 098E0F0D1448C0A81DAFE820F66D460EB09263DA 1 {two}k x => "x"
			a SCRIPT KILL => -NOTBUSY No scripts in execution right now.`},
		{"functions", `
			a FUNCTION LOAD "#!lua name=lib\nredis.register_function('echo', function(keys, args) return args[1] end)" => "lib"
			a FCALL echo 1 {one}k x => "x"
			a FCALL echo 1 {two}k x => "x"
			a FCALL echo 0 x => "x"
			a FCALL nosuch 0 => -ERR Function not found
			a FUNCTION LIST LIBRARYNAME lib => [["library_name" "lib" …
			a FUNCTION STATS => ["running_script" $-1 "engines" ["LUA" ["libraries_count" :1 "functions_count" :1]]]
			a FUNCTION LOAD "#!lua name=lib\nredis.register_function('echo', function(keys, args) return args[1] end)" => -ERR Library 'lib' already exists
			four| FUNCTION STATS => ["running_script" $-1 "engines" ["LUA" ["libraries_count" :1 "functions_count" :1]]]
			a FUNCTION KILL => -NOTBUSY No scripts in execution right now.
			a FUNCTION DELETE lib => +OK
			one| FUNCTION LIST => []
			a FUNCTION DELETE lib => -ERR Library not found`},
	})
}

// TestScriptsComeBack: a script that was loaded through the proxy runs after the
// restart of a server. One that was flushed through the proxy does not come back.
func TestScriptsComeBack(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		servers := shardtest.RedisN(t, 4)
		s := serve(t, d, poolOf(servers))
		_, tags := ownerOf(t, servers)
		a := s.talk(t)
		sha := strings.Trim(a.do("SCRIPT LOAD \"return ARGV[1]\""), `"`)
		all := func(when string) {
			t.Helper()
			for i, tag := range tags {
				line := "EVALSHA " + sha + " 1 {" + tag + "}k x"
				a.expect(line, `"x"`)
				s.talk(t).expect(line, `"x"`)
				a.expect("MULTI", "+OK")
				a.expect(line, "+QUEUED")
				if got := a.do("EXEC"); got != `["x"]` {
					t.Errorf("%s, in a transaction on shard %s: %s", when, names[i], got)
				}
			}
		}
		all("loaded")
		a.expect("SCRIPT EXISTS "+sha, "[:1]")
		servers[1].Kill()
		if err := servers[1].Restart(); err != nil {
			t.Fatal(err)
		}
		soon(t, "the shard serves", func() bool { return s.talk(t).do("GET {"+tags[1]+"}k") == "$-1" })
		all("after a restart")
		a.expect("SCRIPT FLUSH", "+OK")
		a.expect("EVALSHA "+sha+" 1 {"+tags[0]+"}k x", "-NOSCRIPT No matching script. Please use EVAL.")
	})
}

// TestLostScriptInTransaction: a transaction runs a script that its shard has lost, be
// its request the first with a key, one after it, or one that has none. What a
// transaction itself brings is known afterwards, and what it flushes is not.
func TestLostScriptInTransaction(t *testing.T) {
	converse(t, []conversation{
		{"loaded before", `
			a SCRIPT LOAD "return ARGV[1]" => "098e0f0d1448c0a81dafe820f66d460eb09263da"
			a EVALSHA 098e0f0d1448c0a81dafe820f66d460eb09263da 1 {one}k x => "x"
			one| SCRIPT FLUSH => +OK
			a MULTI => +OK
			a EVALSHA 098e0f0d1448c0a81dafe820f66d460eb09263da 0 x => +QUEUED
			a EVALSHA 098E0F0D1448C0A81DAFE820F66D460EB09263DA 1 {one}k y => +QUEUED
			a EVALSHA_RO 098e0f0d1448c0a81dafe820f66d460eb09263da 1 {one}k z => +QUEUED
			a EXEC => ["x" "y" "z"]
			one| SCRIPT FLUSH => +OK
			a WATCH {one}k => +OK
			a MULTI => +OK
			a EVALSHA 098e0f0d1448c0a81dafe820f66d460eb09263da 1 {one}k => +QUEUED
			a EXEC => [$-1]`},
		{"read only stays so", `
			a SCRIPT LOAD "return redis.call('INCR', KEYS[1])" => "61636018f4e6b5817b89791bbed242f93fa089e3"
			a MULTI => +OK
			a EVALSHA_RO 61636018f4e6b5817b89791bbed242f93fa089e3 1 {one}k => +QUEUED
			a EVALSHA 61636018f4e6b5817b89791bbed242f93fa089e3 1 {one}k => +QUEUED
			a EXEC => [-ERR Write commands are not allowed from read-only scripts. …`},
		{"brought by a transaction", `
			a MULTI => +OK
			a EVAL "return 'evaluated'" 1 {one}k => +QUEUED
			a EVALSHA 93663fd5ef955e8a2ca7f51ae1e3b766238304a7 1 {one}k => +QUEUED
			a EXEC => ["evaluated" "evaluated"]
			a EVALSHA 93663fd5ef955e8a2ca7f51ae1e3b766238304a7 1 {two}k => "evaluated"`},
		{"flushed by a transaction", `
			a SCRIPT LOAD "return 5" => "4ca238f611c9d0ae4e9a75a5dbac22aedc379801"
			a MULTI => +OK
			a SCRIPT FLUSH => +QUEUED
			a EVALSHA 4ca238f611c9d0ae4e9a75a5dbac22aedc379801 1 {one}k => +QUEUED
			a EXEC => [+OK -NOSCRIPT No matching script. Please use EVAL.]
			a EVALSHA 4ca238f611c9d0ae4e9a75a5dbac22aedc379801 1 {two}k => -NOSCRIPT No matching script. Please use EVAL.`},
	})
}

// TestLostScript: a script that its shard has lost, over a connection that carried it, is
// run all the same, also for a client that hears no replies; in order with what the client
// says to the shard afterwards. An error that a script itself calls NOSCRIPT is the client's.
func TestLostScript(t *testing.T) {
	converse(t, []conversation{
		{"flushed at the server", `
			a SCRIPT LOAD "return redis.call('INCR', KEYS[1])" => "61636018f4e6b5817b89791bbed242f93fa089e3"
			a EVALSHA 61636018f4e6b5817b89791bbed242f93fa089e3 1 {one}k => :1
			one| SCRIPT FLUSH => +OK
			a EVALSHA 61636018f4e6b5817b89791bbed242f93fa089e3 1 {one}k => :2
			one| SCRIPT FLUSH => +OK
			b EVALSHA 61636018f4e6b5817b89791bbed242f93fa089e3 1 {one}k => :3
			one| SCRIPT FLUSH => +OK
			a CLIENT REPLY OFF
			a EVALSHA 61636018f4e6b5817b89791bbed242f93fa089e3 1 {one}k
			a CLIENT REPLY ON => +OK
			a GET {one}k => "4"
			one| SCRIPT FLUSH => +OK
			a EVALSHA_RO 61636018f4e6b5817b89791bbed242f93fa089e3 1 {one}k => -ERR Write commands are not allowed from read-only scripts. …
			one| SCRIPT FLUSH => +OK
			a WATCH {one}k => +OK
			a EVALSHA 61636018f4e6b5817b89791bbed242f93fa089e3 1 {one}k => :5
			a MULTI => +OK
			a EVALSHA 61636018f4e6b5817b89791bbed242f93fa089e3 1 {one}k => +QUEUED
			a EXEC => *-1
			a GET {one}k => "5"`},
		{"tracked by choice", `
			a HELLO 3 => %[…
			a CLIENT TRACKING ON OPTIN => +OK
			a SCRIPT LOAD "return redis.call('GET', KEYS[1])" => "d3c21d0c2b9ca22f82737626a27bcaf5d288f99f"
			a EVALSHA d3c21d0c2b9ca22f82737626a27bcaf5d288f99f 1 {one}k => _
			one| SCRIPT FLUSH => +OK
			a CLIENT CACHING YES => +OK
			a EVALSHA d3c21d0c2b9ca22f82737626a27bcaf5d288f99f 1 {one}k => _
			b SET {one}k v => +OK
			a => >["invalidate" ["{one}k"]]`},
		{"a script's own error", `
			a SCRIPT LOAD "redis.call('INCR', KEYS[1]) return redis.error_reply('NOSCRIPT is what I say')" => "68756e387cc8839535de44548532ddc6f0b502dc"
			a EVALSHA 68756e387cc8839535de44548532ddc6f0b502dc 1 {one}k => -NOSCRIPT is what I say
			a GET {one}k => "1"`},
	})
}

// TestBusyScript: while a script runs without end on one shard, who asks that shard
// hears BUSY, the others are served, and SCRIPT KILL ends it.
func TestBusyScript(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		servers := shardtest.RedisN(t, 4, shardtest.Args("--busy-reply-threshold", "100"))
		s := serve(t, d, poolOf(servers))
		_, tags := ownerOf(t, servers)
		a, b, c := s.talk(t), s.talk(t), s.talk(t)
		for range 2 {
			a.say("EVAL \"while true do end\" 1 {" + tags[2] + "}k")
			time.Sleep(300 * time.Millisecond) // who asks at once waits with the script
			b.expect("GET {"+tags[2]+"}k", "-BUSY …")
			b.expect("SET {"+tags[1]+"}k v", "+OK")
			c.expect("SCRIPT KILL", "+OK")
			if got := a.hear(); !strings.Contains(got, "Script killed by user with SCRIPT KILL") {
				t.Errorf("the script's client heard %s", got)
			}
			b.expect("SET {"+tags[2]+"}k v", "+OK")
			c.expect("SCRIPT KILL", "-NOTBUSY No scripts in execution right now.")
			a.expect("PING", "+PONG")
		}
	})
}
