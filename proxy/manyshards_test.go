package proxy_test

import (
	"fmt"
	"math"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/shardtest"
)

// TestAllShards: what is about a server is about all of them.
func TestAllShards(t *testing.T) {
	converse(t, []conversation{
		{"keys", `
			a MSET {one}k 1 {two}k 2 {three}k 3 {four}k 4 => +OK
			a MGET {four}k {one}k nosuch {three}k {four}k => ["4" "1" $-1 "3" "4"]
			a EXISTS {one}k {two}k {two}k nosuch => :3
			a TOUCH {one}k {two}k => :2
			a DBSIZE => :4
			one| DBSIZE => :1
			a DEL {one}k {two}k nosuch => :2
			a UNLINK {three}k {four}k => :2
			a RANDOMKEY => $-1
			a MSETNX {one}k 1 {two}k 2 => -CROSSSLOT …
			a SUNION {one}s {two}s => -CROSSSLOT …
			a SORT {one}l BY w_* => -ERR shardring: 'sort' is not supported through a sharded pool with a BY or GET pattern…
			a MONITOR => -ERR shardring: 'monitor' is not supported …
			a DEBUG SLEEP 0 => -ERR shardring: 'debug' is not supported …
			a CLUSTER INFO => -ERR shardring: 'cluster|info' is not supported …
			a CONFIG NOSUCH => -ERR unknown subcommand 'NOSUCH'. Try CONFIG HELP.`},
		{"settings", `
			a CONFIG SET maxmemory-samples 7 slowlog-max-len 99 => +OK
			a CONFIG GET maxmemory-samples => ["maxmemory-samples" "7"]
			one| CONFIG GET maxmemory-samples => ["maxmemory-samples" "7"]
			four| CONFIG GET slowlog-max-len => ["slowlog-max-len" "99"]
			a CONFIG SET nosuch 1 => -ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'
			a CONFIG RESETSTAT => +OK
			a CONFIG REWRITE => -ERR The server is running without a config file`},
		{"the slow log", `
			a SLOWLOG RESET => +OK
			a CONFIG SET slowlog-log-slower-than 0 => +OK
			a SET {one}k v => +OK
			a SET {three}k v => +OK
			a CONFIG SET slowlog-log-slower-than 10000 => +OK
			a SLOWLOG LEN => :6
			three| SLOWLOG LEN => :2
			a SLOWLOG GET 1 => [[:…
			a SLOWLOG RESET => +OK
			a SLOWLOG LEN => :0
			a SLOWLOG GET => []`},
		{"latency", `
			a CONFIG RESETSTAT => +OK
			a SET {one}k v => +OK
			a SET {two}k v => +OK
			a LATENCY HISTOGRAM set => ["set" ["calls" :2 "histogram_usec" [:…
			a LATENCY HISTOGRAM config|resetstat => ["config|resetstat" ["calls" :1 "histogram_usec" [:…
			a DBSIZE => :2
			a DBSIZE => :2
			a LATENCY HISTOGRAM dbsize => ["dbsize" ["calls" :2 "histogram_usec" [:…
			a LATENCY HISTOGRAM nosuch => []
			a LATENCY RESET => :0
			a LATENCY LATEST => []
			a LATENCY HISTORY command => []
			a LATENCY DOCTOR => ["one" "…`},
		{"memory", `
			a MEMORY PURGE => +OK
			a MEMORY DOCTOR => ["one" "Hi Sam…
			a SET {two}k v => +OK
			a MEMORY USAGE {two}k => :…
			a MEMORY STATS => ["one" ["peak.allocated" :…`},
	})
}

// TestSlowlog: one log, in which a command that went to all shards is one entry and
// stands where the client sent it.
func TestSlowlog(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		servers := shardtest.RedisN(t, 4)
		s := serve(t, d, poolOf(servers, "health_interval: 1h"))
		for _, server := range servers { // only the first probe is to be in nobody's log
			soon(t, "the first probe of "+server.Addr, func() bool {
				stats, _ := redis.String(server.Do("INFO", "commandstats"))
				return strings.Contains(stats, "cmdstat_role:")
			})
		}
		_, tags := ownerOf(t, servers)
		keys := make([]string, len(tags))
		for i, tag := range tags {
			keys[i] = "{" + tag + "}k"
		}
		c := s.dial(t)
		for _, words := range [][]any{
			{"CONFIG", "SET", "slowlog-log-slower-than", "0"}, {"SLOWLOG", "RESET"},
			{"SET", keys[3], "a"}, {"SET", keys[3], "b"}, {"DBSIZE"}, {"DBSIZE"}, {"SET", keys[2], "c"}, {"KEYS", "*"}, {"SET", keys[1], "d"},
			{"SELECT", "0"}, {"FLUSHALL"}, {"FLUSHALL"}, {"SET", keys[0], "e"},
			{"CONFIG", "SET", "slowlog-log-slower-than", "-1"},
		} {
			if _, err := c.Do(words[0].(string), words[1:]...); err != nil {
				t.Fatal(err)
			}
		}
		want := []string{
			"SET " + keys[0] + " e", "FLUSHALL", "FLUSHALL", "SET " + keys[1] + " d", "KEYS *", "SET " + keys[2] + " c", "DBSIZE", "DBSIZE",
			"SET " + keys[3] + " b", "SET " + keys[3] + " a", "SLOWLOG RESET",
		}
		for _, ask := range []struct {
			count []any
			want  int
		}{{[]any{"-1"}, 11}, {[]any{"100"}, 11}, {nil, 10}, {[]any{"3"}, 3}, {[]any{"0"}, 0}} {
			check := func(reply any, err error) {
				t.Helper()
				entries, err := redis.Values(reply, err)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, e := range entries {
					argv, err := redis.Strings(e.([]any)[3], nil)
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, strings.Join(argv, " "))
				}
				if !slices.Equal(got, want[:ask.want]) {
					t.Errorf("SLOWLOG GET %v:\n got %q\nwant %q", ask.count, got, want[:ask.want])
				}
			}
			words := append([]any{"GET"}, ask.count...)
			check(c.Do("SLOWLOG", words...))
			c.Send("MULTI")
			c.Send("SLOWLOG", words...)
			all, err := redis.Values(c.Do("EXEC"))
			if err != nil {
				t.Fatal(err)
			}
			check(all[0], nil)
		}
	})
}

// TestListeningSettings: where the server listens is, to clients, where the proxy does;
// and they cannot move it, nor the servers behind it.
func TestListeningSettings(t *testing.T) {
	for _, shards := range []int{1, 4} {
		t.Run(itoa(shards)+" shards", func(t *testing.T) {
			each(t, func(t *testing.T, d engine.Driver) {
				servers := shardtest.RedisN(t, shards)
				s := serve(t, d, poolOf(servers))
				host, port, err := net.SplitHostPort(s.addr)
				if err != nil {
					t.Fatal(err)
				}
				a := s.talk(t)
				a.expect("CONFIG GET port", `["port" "`+port+`"]`)
				a.expect("CONFIG GET p?rt", `["port" "`+port+`"]`)
				a.expect("CONFIG GET tls-port", `["tls-port" "0"]`)
				a.expect("CONFIG GET bind", `["bind" "`+host+`"]`)
				s.talk(t, "HELLO 3").expect("CONFIG GET port", `%["port" "`+port+`"]`)

				a.expect("CONFIG SET port "+port, "+OK")
				a.expect("CONFIG SET maxmemory-samples 6 PORT "+port+" bind "+host+" tls-port 0 hz 20", "+OK")
				refused := "-ERR CONFIG SET failed (possibly related to argument 'port') - "
				a.expect("CONFIG SET maxmemory-samples 7 port 1 hz 30", refused+"Unable to listen on this port: …")
				a.expect("CONFIG SET maxmemory-samples 7 port 65536", refused+"argument must be between 0 and 65535 inclusive")
				a.expect("CONFIG SET maxmemory-samples 7 port x", refused+"argument couldn't be parsed into an integer")
				a.expect("CONFIG SET maxmemory-samples 7 port "+port+" port "+port, refused+"duplicate parameter")
				a.expect("CONFIG SET maxmemory-samples 7 bind 127.0.0.9", "-ERR CONFIG SET failed (possibly related to argument 'bind') - Failed to bind to specified addresses: …")
				a.expect("CONFIG SET maxmemory-samples 7 port", "-ERR syntax error")

				a.expect("MULTI", "+OK")
				a.expect("CONFIG GET port", "+QUEUED")
				a.expect("EXEC", `[["port" "`+port+`"]]`)
				a.expect("MULTI", "+OK")
				a.expect("CONFIG SET port "+port, "-ERR shardring: 'config|set' is not supported in a transaction …")
				a.expect("CONFIG SET maxmemory-samples 7", "+QUEUED")
				a.expect("EXEC", "-EXECABORT …")
				for _, server := range servers {
					_, port, _ := net.SplitHostPort(server.Addr)
					b := talkTo(t, "tcp", server.Addr)
					b.expect("CONFIG GET port", `["port" "`+port+`"]`)
					b.expect("CONFIG GET maxmemory-samples", `["maxmemory-samples" "6"]`)
					b.expect("CONFIG GET hz", `["hz" "20"]`)
				}
			})
		})
	}
}

// TestInfoOfShards: one INFO about the pool, its sums those of the servers.
func TestInfoOfShards(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		servers := shardtest.RedisN(t, 4)
		s := serve(t, d, poolOf(servers))
		keysOf(t, s, servers, 4)
		c := s.dial(t)
		info, err := redis.String(c.Do("INFO"))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"redis_version:7.0.15", "role:master", "# Keyspace", "db0:keys=64,", "connected_slaves:0"} {
			if !strings.Contains(info, "\n"+want) {
				t.Errorf("INFO lacks %s", want)
			}
		}
		if n := strings.Count(info, "redis_version:"); n != 1 {
			t.Errorf("%d versions of the pool", n)
		}
		some, err := redis.String(c.Do("INFO", "keyspace"))
		if err != nil || strings.Contains(some, "redis_version") || !strings.Contains(some, "db0:keys=64,") {
			t.Errorf("INFO keyspace: %q, %v", some, err)
		}
	})
}

// TestRandomKey: each key is as likely as any other, wherever it is.
func TestRandomKey(t *testing.T) {
	const keys, asked = 40, 8000
	each(t, func(t *testing.T, d engine.Driver) {
		servers := shardtest.RedisN(t, 4)
		s := serve(t, d, poolOf(servers))
		_, tags := ownerOf(t, servers)
		c := s.dial(t)
		for i := range keys { // 31, 3, 3 and 3 on the shards
			tag := tags[max(0, i-27)%4]
			if _, err := c.Do("SET", fmt.Sprintf("{%s}%d", tag, i), ""); err != nil {
				t.Fatal(err)
			}
		}
		first := 0
		for range asked {
			c.Send("RANDOMKEY")
		}
		c.Flush()
		for range asked {
			key, err := redis.String(c.Receive())
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(key, "{"+tags[0]+"}") {
				first++
			}
		}
		size, err := redis.Int(servers[0].Do("DBSIZE"))
		if err != nil {
			t.Fatal(err)
		}
		p := float64(size) / keys
		want, sigma := p*asked, math.Sqrt(p*(1-p)*asked)
		if math.Abs(float64(first)-want) > 6*sigma {
			t.Errorf("a shard with %d of %d keys was chosen %d times of %d, want %.0f ± %.0f", size, keys, first, asked, want, sigma)
		}
	})
}

// TestOneShard: a pool of one shard forwards what it can, as if it were not there.
func TestOneShard(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		servers := shardtest.RedisN(t, 1, shardtest.Args("--enable-debug-command", "yes"))
		s := serve(t, d, poolOf(servers))
		a, direct := s.talk(t), talkTo(t, "tcp", servers[0].Addr)
		for _, line := range []string{"RPUSH l 3 1 2", "MSET w_1 30 w_2 20 w_3 10", "SADD s1 m", "CONFIG SET maxmemory-policy allkeys-lfu"} {
			direct.expect(line, "…")
		}
		for _, line := range []string{
			"SORT l BY w_*", "SORT l GET # GET w_*", "MSETNX w_1 1 b 2", "SUNION s1 s2", "DEBUG SLEEP 0", "DEBUG JMAP", "CLUSTER INFO", "ROLE", "LASTSAVE",
			"LATENCY DOCTOR", "MEMORY DOCTOR", "SLOWLOG LEN", "CONFIG GET maxmemory-policy", "FUNCTION STATS", "SCRIPT EXISTS x", "KEYS nosuch*", "DBSIZE",
			"SCAN 0 COUNT 100 MATCH w_1", "PUBSUB NUMSUB c", "OBJECT FREQ l", "EVAL x 2 k", "ACL NOSUCH",
		} {
			a.expect(line, direct.do(line))
		}
		for _, line := range []string{"MULTI", "SORT l BY w_*", "SORT_RO l GET # GET w_*", "MSET b 2 c", "SCAN 0 COUNT 100 MATCH w_1", "ROLE", "SUNION s1 s2", "EXEC"} {
			a.expect(line, direct.do(line))
		}
		a.expect("MONITOR", "-ERR shardring: 'monitor' is not supported …")
	})
}
