package session

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/topology"
)

// Ten thousand keys of one MGET are each where they were asked for.
func TestLargeMGet(t *testing.T) {
	w := newRig(t, DefaultLimits(), 7, config.Pool{ServerConnections: 2})
	ring := w.pools[0].pool.ring
	args, want := []string{"MGET"}, &replyBytes{}
	want.array(10_000)
	for i := range 10_000 {
		k := fmt.Sprintf("key:%d", i*7919%9973) // some twice
		args = append(args, k)
		if i%3 == 0 {
			w.pools[0].nodes[ring.OwnerString(k)].data[k] = "value of " + k
		}
	}
	for _, k := range args[1:] {
		v, ok := w.pools[0].nodes[ring.OwnerString(k)].data[k]
		want.bulk(v, ok)
	}
	c := w.client()
	w.turn(func() { c.feed(request(args...)) })
	if got := c.hear(); got != want.String() {
		t.Fatalf("%d bytes of reply, want %d", len(got), want.Len())
	}
}

// A scan through the proxy returns every key once, whatever the shards hold.
func TestFullScan(t *testing.T) {
	for _, shards := range []int{1, 2, 7} {
		for _, keys := range []int{0, 1, 3, 200} {
			w := newRig(t, DefaultLimits(), shards, config.Pool{})
			var want []string
			for i := range keys {
				k := fmt.Sprintf("key:%d", i)
				w.pools[0].nodes[w.pools[0].pool.ring.OwnerString(k)].data[k] = "v"
				want = append(want, k)
			}
			c := w.client()
			var got []string
			cursor := "0"
			for i := 0; ; i++ {
				r, n, _, err := decodeReply([]byte(c.ask1("SCAN", cursor, "COUNT", "3")))
				if err != nil || n == 0 || len(r.elems) != 2 || i > keys+shards {
					t.Fatalf("call %d of a scan of %d keys: %v %v", i, keys, r, err)
				}
				for _, e := range r.elems[1].elems {
					got = append(got, e.text)
				}
				if cursor = r.elems[0].text; cursor == "0" {
					break
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%d shards: scanned %d keys, want %d", shards, len(got), keys)
			}
		}
	}
}

// A shard that answers its part with an error makes the whole reply an error
// that keeps the code and names the shard; one that is down likewise. No key of
// it ever looks missing.
func TestSplitNamesTheShardThatFailed(t *testing.T) {
	w := newRig(t, DefaultLimits(), 4, config.Pool{})
	var keys []string
	for shard := range 4 {
		keys = append(keys, w.keysOn(shard, 2)...)
	}
	bad := w.pools[0].nodes[2]
	for _, args := range [][]string{append([]string{"MGET"}, keys...), append([]string{"DEL"}, keys...), append([]string{"MSET"}, keys...), {"DBSIZE"}} {
		c := w.client()
		bad.errors = 1
		if got := c.ask1(args...); !strings.HasPrefix(got, "-INJECTED shard 'p-2': ") || strings.Count(got, "\r\n") != 1 {
			t.Errorf("%s with an error from a shard: %q", args[0], got)
		}
		bad.enter(down, 1e18)
		for range 2 { // refused, then not dialled again at once
			c.say(request(args...))
			w.turn(func() {
				for _, l := range slices.Clone(bad.links) {
					l.kill()
				}
			})
			if got := c.hear(); !strings.HasPrefix(got, "-ERR shard 'p-2' at p-2.example:6379: down: ") || !strings.HasSuffix(got, "; other shards may have executed their part\r\n") {
				t.Errorf("%s with a shard down: %q", args[0], got)
			}
		}
		bad.mode = serving
		w.now += 1e9
		if got := c.ask1(args...); got[0] == '-' {
			t.Errorf("%s with all shards up: %q", args[0], got)
		}
	}
}

// INFO is one text about all shards; a shard that sends something else is named.
func TestInfo(t *testing.T) {
	w := newRig(t, DefaultLimits(), 3, config.Pool{})
	w.pools[0].nodes[0].info = "# Keyspace\r\ndb0:keys=3,expires=0,avg_ttl=0\r\n"
	w.pools[0].nodes[1].info = "# Keyspace\r\ndb0:keys=4,expires=0,avg_ttl=0\r\n"
	w.pools[0].nodes[2].info = ""
	c := w.client()
	r, _, _, err := decodeReply([]byte(c.ask1("INFO")))
	if err != nil || !strings.Contains(r.text, "db0:keys=7,expires=0,avg_ttl=0\r\n") || !strings.Contains(r.text, "shards:3\r\nshard0:name=p-0,addr=p-0.example:6379") {
		t.Fatalf("got %v, %v", r, err)
	}
	if got, want := c.ask1("PING"), "+PONG\r\n"; got != want {
		t.Fatalf("after INFO: %q", got)
	}
}

// What is asked of all shards at once is answered by all, in a pipeline too.
func TestAllShards(t *testing.T) {
	w := newRig(t, DefaultLimits(), 4, config.Pool{})
	for i, n := range w.pools[0].nodes {
		for j := range i {
			n.data[strconv.Itoa(j)] = "v"
		}
	}
	c := w.client()
	c.say(strings.Repeat(request("DBSIZE")+request("PING"), 50))
	if got, want := c.hear(), strings.Repeat(":6\r\n+PONG\r\n", 50); got != want {
		t.Fatalf("got %.100q", got)
	}
}

// A shard without a name, as ShardedJedis knows them, is called by its address.
func TestErrorNamesUnnamedShard(t *testing.T) {
	w := newRig(t, DefaultLimits(), 1, config.Pool{})
	conn := w.pools[0].pool.newConn(w.pools[0].pool.lanes[0], nodeKey{"", topology.Node{Network: "tcp", Addr: "10.0.0.1:6379"}}, false)
	call := &Request{core: w.core}
	call.call.To = call
	conn.Retire()
	if _, err := conn.Begin(&call.call, w.now); err == nil || err.Error() != "shard '10.0.0.1:6379' at 10.0.0.1:6379: down: the node left the topology" {
		t.Fatalf("got %v", err)
	}
}

// TestAllEjected: a cache without a live shard answers at once, and tries again
// when the first shard's time is up.
func TestAllEjected(t *testing.T) {
	w := newRig(t, DefaultLimits(), 2, config.Pool{AutoEjectHosts: true, ServerFailureLimit: 1, ServerRetryTimeout: time.Second})
	for _, n := range w.all {
		n.enter(down, 1e15)
	}
	client := w.client()
	keys := []string{w.keysOn(0, 1)[0], w.keysOn(1, 1)[0]}
	for _, k := range keys { // each failure ejects a shard
		client.say(request("GET", k))
		for _, l := range slices.Clone(w.links) {
			w.turn(l.kill)
		}
		if got := client.hear(); !strings.Contains(got, "down: connect: connection refused") {
			t.Errorf("GET %s: %q", k, got)
		}
	}
	for _, args := range [][]string{{"GET", "a"}, {"MGET", "a", "b", "c", "d"}, {"DBSIZE"}} {
		if got := client.ask1(args...); !strings.Contains(got, "every shard is ejected") {
			t.Errorf("%v: %q", args, got)
		}
	}
	if got := client.ask1("PING"); got != "+PONG\r\n" {
		t.Errorf("PING: %q", got)
	}
	for _, n := range w.all {
		n.mode = serving
	}
	w.now += int64(2 * time.Second)
	client.ask1("PING")
	if got := client.ask1("SET", "a", "1"); got != "+OK\r\n" {
		t.Errorf("after the retry time: %q", got)
	}
}
