package proxy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/shardtest"
)

// TestSubscribersFollowTheRing: a shard that hangs is ejected, and comes back. Each
// time those end who listen to a channel that has moved, on whatever loop they are,
// though nothing is said to them; they hear again once they have subscribed again.
func TestSubscribersFollowTheRing(t *testing.T) {
	eachLoops(t, func(t *testing.T, d engine.Driver, loops int) {
		const victim = 1
		servers := shardtest.RedisN(t, 4)
		s := serveLoops(t, d, loops, poolOf(servers, "timeout: 100ms", "auto_eject_hosts: true", "server_failure_limit: 1", "server_retry_timeout: 1000"))
		_, tags := ownerOf(t, servers)
		moved, stays := "{"+tags[victim]+"}c", "{"+tags[0]+"}c"
		subscribe := func(verb, channel string) *talker {
			c := s.talk(t)
			c.expect(verb+" "+channel, `["`+strings.ToLower(verb)+`" "`+channel+`" :1]`)
			return c
		}
		ends := func(what string, c *talker) {
			t.Helper()
			if got := c.hear(); got != "EOF" {
				t.Errorf("%s: heard %s, want the end", what, got)
			}
		}
		a, b, other := subscribe("SUBSCRIBE", moved), subscribe("SSUBSCRIBE", moved), subscribe("SUBSCRIBE", stays)
		pub := s.talk(t)
		if err := servers[victim].Pause(); err != nil {
			t.Fatal(err)
		}
		pub.expect("PUBLISH "+moved+" lost", "-ERR shard 'two' at "+servers[victim].Addr+": timeout: …")
		ends("ejected, channel", a)
		ends("ejected, shard channel", b)
		a = subscribe("SUBSCRIBE", moved)
		pub.expect("PUBLISH "+moved+" x", ":1")
		a.hears(`["message" "` + moved + `" "x"]`)
		if err := servers[victim].Resume(); err != nil {
			t.Fatal(err)
		}
		ends("back, channel", a)
		a = subscribe("SUBSCRIBE", moved)
		pub.expect("PUBLISH "+moved+" y", ":1")
		a.hears(`["message" "` + moved + `" "y"]`)
		pub.expect("PUBLISH "+stays+" z", ":1")
		other.hears(`["message" "` + stays + `" "z"]`)
		other.silent(10 * time.Millisecond)
	})
}
