package proxy_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/shardtest"
)

// TestPubSub: channels of all shards, patterns, and what a subscriber may say.
func TestPubSub(t *testing.T) {
	converse(t, []conversation{
		{"channels of several shards", `
			s SUBSCRIBE {one}c {two}c => ["subscribe" "{one}c" :1]
			s => ["subscribe" "{two}c" :2]
			s SUBSCRIBE {three}c => ["subscribe" "{three}c" :3]
			a PUBLISH {one}c 1 => :1
			s => ["message" "{one}c" "1"]
			a PUBLISH {three}c 3 => :1
			s => ["message" "{three}c" "3"]
			a PUBLISH {four}c 4 => :0
			s UNSUBSCRIBE {one}c => ["unsubscribe" "{one}c" :2]
			a PUBLISH {one}c 1 => :0
			s UNSUBSCRIBE {two}c {three}c {four}c => ["unsubscribe" "{two}c" :1]
			s => ["unsubscribe" "{three}c" :0]
			s => ["unsubscribe" "{four}c" :0]
			s UNSUBSCRIBE => ["unsubscribe" $-1 :0]
			s GET k => $-1`},
		{"patterns", `
			s PSUBSCRIBE *c => ["psubscribe" "*c" :1]
			s SUBSCRIBE {one}c => ["subscribe" "{one}c" :2]
			a PUBLISH {two}c x => :1
			s => ["pmessage" "*c" "{two}c" "x"]
			a PUBLISH {one}c x => :2
			s => ["message" "{one}c" "x"]
			s => ["pmessage" "*c" "{one}c" "x"]
			s PUNSUBSCRIBE => ["punsubscribe" "*c" :1]
			a PUBLISH {two}c x => :0`},
		{"shard channels", `
			s SSUBSCRIBE {one}c => ["ssubscribe" "{one}c" :1]
			s SSUBSCRIBE {two}c => ["ssubscribe" "{two}c" :2]
			a SPUBLISH {two}c x => :1
			s => ["smessage" "{two}c" "x"]
			a PUBLISH {two}c x => :0
			a PUBSUB SHARDNUMSUB {one}c {two}c {three}c => ["{one}c" :1 "{two}c" :1 "{three}c" :0]
			s SUNSUBSCRIBE {two}c => ["sunsubscribe" "{two}c" :1]
			a SPUBLISH {two}c x => :0`},
		{"counts", `
			s SUBSCRIBE {one}c {two}c => ["subscribe" "{one}c" :1]
			s => ["subscribe" "{two}c" :2]
			r SUBSCRIBE {two}c => ["subscribe" "{two}c" :1]
			r PSUBSCRIBE p* => ["psubscribe" "p*" :2]
			s PSUBSCRIBE q* => ["psubscribe" "q*" :3]
			a PUBSUB NUMSUB {one}c {two}c {two}d => ["{one}c" :1 "{two}c" :2 "{two}d" :0]
			a PUBSUB NUMPAT => :2
			a PUBSUB CHANNELS {one}* => ["{one}c"]
			a PUBLISH {two}c x => :2`},
		{"what RESP2 may say", `
			s SUBSCRIBE {one}c => ["subscribe" "{one}c" :1]
			s GET k => -ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context
			s PING => ["pong" ""]
			s PING x => ["pong" "x"]
			a PUBLISH {one}c x => :1
			s => ["message" "{one}c" "x"]
			s RESET => +RESET
			s GET k => $-1
			a PUBLISH {one}c x => :0`},
		{"RESP3: pushes beside replies", `
			s HELLO 3 => …
			s SUBSCRIBE {one}c {two}c => >["subscribe" "{one}c" :1]
			s => >["subscribe" "{two}c" :2]
			s SET {one}k v => +OK
			s PUBLISH {one}c x => >["message" "{one}c" "x"]
			s => :1
			s PUBLISH {two}c y => …
			s => …
			s GET {one}k => "v"
			s PING => +PONG
			a PUBLISH {two}c z => :1
			s => >["message" "{two}c" "z"]
			s UNSUBSCRIBE {one}c => >["unsubscribe" "{one}c" :1]
			s MULTI => +OK
			s SET {two}k v => +QUEUED
			s EXEC => [+OK]`},
		{"events of keys", `
			a CONFIG SET notify-keyspace-events KEA => +OK
			s PSUBSCRIBE __keyevent@0__:set => ["psubscribe" "__keyevent@0__:set" :1]
			a SET {one}k v => +OK
			s => ["pmessage" "__keyevent@0__:set" "__keyevent@0__:set" "{one}k"]
			a SET {four}k v => +OK
			s => ["pmessage" "__keyevent@0__:set" "__keyevent@0__:set" "{four}k"]
			r SUBSCRIBE __keyspace@0__:{two}k => ["subscribe" "__keyspace@0__:{two}k" :1]
			a DEL {two}k {one}k => :1
			a RPUSH {two}k x => :1
			r => ["message" "__keyspace@0__:{two}k" "rpush"]
			a CONFIG SET notify-keyspace-events "" => +OK`},
	})
}

// TestPubSubOrder: a subscriber hears all that is published, each publisher's in its
// order, while it subscribes to more.
func TestPubSubOrder(t *testing.T) {
	const messages = 2000
	eachLoops(t, func(t *testing.T, d engine.Driver, loops int) {
		servers := shardtest.RedisN(t, 4)
		s := serveLoops(t, d, loops, poolOf(servers))
		_, tags := ownerOf(t, servers)
		sub := s.talk(t, "HELLO 3")
		for _, tag := range tags {
			sub.expect("SUBSCRIBE {"+tag+"}c", ">…")
		}
		for _, tag := range tags {
			pub := s.talk(t)
			go func() {
				var lines []string
				for i := range messages {
					lines = append(lines, fmt.Sprintf("PUBLISH {%s}c %d", tag, i))
				}
				pub.say(lines...)
			}()
		}
		sub.say(slices.Repeat([]string{"PING"}, 100)...)
		next, pongs := map[string]int{}, 0
		for range len(tags)*messages + 100 {
			got := sub.hear()
			if got == "+PONG" {
				pongs++
				continue
			}
			var tag string
			var n int
			if _, err := fmt.Sscanf(got, `>["message" "{%2s}c" "%d"]`, &tag, &n); err != nil || n != next[tag] {
				t.Fatalf("heard %s, want message %d", got, next[tag])
			}
			next[tag]++
		}
		if pongs != 100 {
			t.Errorf("%d of 100 replies", pongs)
		}
	})
}
