package proxy_test

import (
	"strings"
	"testing"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/shardtest"
)

// TestTracking: clients hear of keys that change, on whatever shard.
func TestTracking(t *testing.T) {
	converse(t, []conversation{
		{"pushes", `
			a HELLO 3 => …
			a CLIENT TRACKING on => +OK
			a MGET {one}k {two}k => [_ _]
			b MSET {one}k 1 {three}k 1 => +OK
			a => >["invalidate" ["{one}k"]]
			b SET {two}k 1 => +OK
			a => >["invalidate" ["{two}k"]]
			b SET {two}k 2 => +OK
			a PING => +PONG
			a GET {two}k => "2"
			a CLIENT TRACKING off => +OK
			b SET {two}k 3 => +OK
			a PING => +PONG`},
		{"one's own writing, and NOLOOP", `
			a HELLO 3 => …
			a CLIENT TRACKING on => +OK
			a GET {one}k => _
			a SET {one}k 1 => +OK
			a => >["invalidate" ["{one}k"]]
			a CLIENT TRACKING off => +OK
			a CLIENT TRACKING on NOLOOP => +OK
			a GET {one}k => "1"
			a SET {one}k 2 => +OK
			a PING => +PONG
			a GET {one}k => "2"
			b SET {one}k 3 => +OK
			a => >["invalidate" ["{one}k"]]`},
		{"BCAST", `
			a HELLO 3 => …
			a CLIENT TRACKING on BCAST PREFIX {one} PREFIX {two} => +OK
			b SET {one}k 1 => +OK
			a => >["invalidate" ["{one}k"]]
			b SET {two}k 1 => +OK
			a => >["invalidate" ["{two}k"]]
			b SET {three}k 1 => +OK
			a PING => +PONG
			a CLIENT TRACKINGINFO => %["flags" ~["on" "bcast"] "redirect" :0 "prefixes" ["{one}" "{two}"]]`},
		{"OPTIN and OPTOUT", `
			a HELLO 3 => …
			a CLIENT TRACKING on OPTIN => +OK
			a GET {one}k => _
			a CLIENT CACHING yes => +OK
			a GET {two}k => _
			b MSET {one}k 1 {two}k 1 => +OK
			a => >["invalidate" ["{two}k"]]
			a CLIENT CACHING no => -ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.
			a CLIENT CACHING yes => +OK
			a MULTI => +OK
			a GET {one}k => +QUEUED
			a GET {one}j => +QUEUED
			a EXEC => ["1" _]
			b SET {one}j 2 => +OK
			a => >["invalidate" ["{one}j"]]
			a CLIENT TRACKING off => +OK
			a CLIENT TRACKING on OPTOUT => +OK
			a CLIENT CACHING no => +OK
			a GET {four}k => _
			a GET {four}j => _
			b SET {four}k 1 => +OK
			b SET {four}j 1 => +OK
			a => >["invalidate" ["{four}j"]]`},
		{"what cannot be", `
			a CLIENT TRACKING on REDIRECT 999999 => -ERR The client ID you want redirect to does not exist
			a CLIENT TRACKING on PREFIX a => -ERR PREFIX option requires BCAST mode to be enabled
			a CLIENT TRACKING on OPTIN OPTOUT => -ERR You can't specify both OPTIN mode and OPTOUT mode
			a CLIENT TRACKING maybe => -ERR syntax error
			a CLIENT CACHING yes => -ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled
			a CLIENT GETREDIR => :-1`},
		{"FLUSHALL", `
			a HELLO 3 => …
			a CLIENT TRACKING on => +OK
			a GET {one}k => _
			one| FLUSHALL => +OK
			a => >["invalidate" _]`},
	})
}

// TestTrackingRedirect: another client, of RESP2 and of whatever loop, is told.
func TestTrackingRedirect(t *testing.T) {
	eachLoops(t, func(t *testing.T, d engine.Driver, loops int) {
		servers := shardtest.RedisN(t, 4)
		s := serveLoops(t, d, loops, poolOf(servers))
		_, tags := ownerOf(t, servers)
		b := s.talk(t)
		for range loops {
			told := s.talk(t)
			id := told.do("CLIENT ID")[1:]
			told.expect("SUBSCRIBE __redis__:invalidate", `["subscribe" "__redis__:invalidate" :1]`)
			a := s.talk(t)
			a.expect("CLIENT TRACKING on REDIRECT "+id, "+OK")
			a.expect("CLIENT GETREDIR", ":"+id)
			for _, tag := range tags {
				key := "{" + tag + "}k"
				a.do("GET " + key)
				b.expect("SET "+key+" v", "+OK")
				told.hears(`["message" "__redis__:invalidate" ["` + key + `"]]`)
			}

			c := s.talk(t, "HELLO 3")
			c.expect("CLIENT TRACKING on REDIRECT "+id, "+OK")
			told.Close()
			soon(t, "it has gone", func() bool { return !strings.Contains(b.do("CLIENT LIST"), "id="+id+" ") })
			key := "{" + tags[0] + "}k"
			c.do("GET " + key)
			b.expect("SET "+key+" w", "+OK")
			c.hears(`>["tracking-redir-broken" :` + id + `]`)
			c.expect("GET "+key, `"w"`)
			a.expect("GET "+key, `"w"`)
		}
	})
}

// TestTrackingClients: INFO counts clients that track, each once.
func TestTrackingClients(t *testing.T) {
	eachLoops(t, func(t *testing.T, d engine.Driver, loops int) {
		s := serveLoops(t, d, loops, poolOf(shardtest.RedisN(t, 4)))
		a, b, c := s.talk(t, "HELLO 3"), s.talk(t, "HELLO 3"), s.talk(t)
		count := func(n int) {
			t.Helper()
			want := "\\r\\ntracking_clients:" + itoa(n) + "\\r\\n"
			soon(t, want, func() bool { return strings.Contains(c.do("INFO clients"), want) })
		}
		count(0)
		a.expect("CLIENT TRACKING on", "+OK")
		b.expect("CLIENT TRACKING on BCAST", "+OK")
		count(2)
		b.expect("CLIENT TRACKING on BCAST PREFIX x", "-ERR …")
		a.expect("CLIENT TRACKING on", "+OK")
		count(2)
		a.expect("CLIENT TRACKING off", "+OK")
		a.expect("CLIENT TRACKING off", "+OK")
		count(1)
		a.expect("CLIENT TRACKING on", "+OK")
		a.expect("RESET", "+RESET")
		count(1)
		b.Close()
		count(0)
	})
}
