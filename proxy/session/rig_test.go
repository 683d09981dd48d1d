package session

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/resp"
)

// newRig returns a world with one pool, in which nothing happens by chance.
func newRig(t *testing.T, limits Limits, shards int, cfg config.Pool) *simWorld {
	t.Helper()
	w := newEmptyRig(t, limits)
	w.addPool("p", shards, cfg)
	return w
}

// newTextRig is newRig for memcached.
func newTextRig(t *testing.T, limits Limits, shards int, cfg config.Pool) *simWorld {
	t.Helper()
	w := newEmptyRig(t, limits)
	w.addTextPool("p", shards, cfg)
	return w
}

func newEmptyRig(t *testing.T, limits Limits) *simWorld {
	w := &simWorld{t: t, rng: rand.New(rand.NewPCG(1, 2)), now: 1e15, plain: true, nodes: map[string]*simNode{}}
	w.core = NewCore(limits, func() int64 { return w.now })
	w.core.Begin(w.now)
	return w
}

// client connects to the rig's pool.
func (w *simWorld) client() *simClient {
	c := &simClient{w: w, pool: w.pools[0], s: w.pools[0].pool.Accept(), id: w.lastID + 1, room: 1 << 30}
	w.lastID++
	c.s.Link = c
	w.clients = append(w.clients, c)
	return c
}

// say sends bytes, each argument in a turn of its own.
func (c *simClient) say(pieces ...string) {
	for _, p := range pieces {
		c.w.turn(func() { c.s.Received([]byte(p)) })
	}
}

// elapse lets time go by while the driver has its turns, and the nodes say nothing.
func (w *simWorld) elapse(d time.Duration) {
	for left := int64(d); left > 0; left -= int64(tick) {
		w.now += min(left, int64(tick))
		w.turn(func() {})
	}
}

// hear returns what the client has been told once nothing is under way.
func (c *simClient) hear() string {
	c.w.sweep()
	got := string(c.in)
	c.in = nil
	return got
}

// ask1 sends one request, whole, and returns the reply.
func (c *simClient) ask1(args ...string) string {
	c.say(request(args...))
	return c.hear()
}

func request(args ...string) string { return string(resp.AppendRequest(nil, args...)) }

// keysOn returns n keys of a shard.
func (w *simWorld) keysOn(shard, n int) []string {
	var keys []string
	for i := 0; len(keys) < n; i++ {
		if k := "k" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676)); w.pools[0].pool.ring.OwnerString(k) == shard {
			keys = append(keys, k)
		}
	}
	return keys
}

func sharedOf(tb testing.TB, cfg *config.Pool) *Shared {
	tb.Helper()
	sh, err := Share(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return sh
}
