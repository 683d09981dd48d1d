package session

import (
	"crypto/sha1"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/shardring/shardring/proxy/backend"
	"github.com/shardring/shardring/ring"
	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/resp"
)

// hotPath is one session over four nodes whose replies are made beforehand, so
// that what is measured is the core alone.
type hotPath struct {
	core    *Core
	session *Session
	conns   []*backend.Conn
	replies [][]byte // by connection
	taken   []*backend.Conn
	touched []*Session
	now     int64
}

func newHotPath(t testing.TB) *hotPath {
	return newHotPathOf(t, &config.Pool{Name: "hot", Redis: true})
}

func newHotPathOf(t testing.TB, cfg *config.Pool) *hotPath {
	for i := range 4 {
		name := fmt.Sprintf("s%d", i)
		cfg.Ring.Shards = append(cfg.Ring.Shards, ring.Shard{Name: name, Weight: 1})
		cfg.Shards = append(cfg.Shards, config.Shard{Name: name, Weight: 1, Primary: config.Address{Network: "tcp", Addr: name}})
	}
	h := &hotPath{core: NewCore(DefaultLimits(), func() int64 { return 0 }), replies: make([][]byte, 4)}
	pool := h.core.AddPool(sharedOf(t, cfg))
	for _, c := range pool.Conns {
		c.Open(0)
		c.Connected(0)
		h.conns = append(h.conns, c)
		c.Scripts = map[[40]byte]bool{evalDigest: true}
	}
	pool.shared.scripts.add([]byte(evalBody), maxScripts)
	h.session = pool.Accept()
	return h
}

// prepare makes the replies to a request: each shard's part of it, by asking
// the core what it would send.
func (h *hotPath) prepare(t testing.TB, request []byte, value string) {
	for b := range slices.Chunk(request, 64<<10) {
		h.session.Received(b)
	}
	h.take()
	for i, c := range h.conns {
		sent := make([]byte, c.Out.Len())
		c.Out.Peek(sent)
		c.Wrote(len(sent))
		h.replies[i] = nil
		switch keys := strings.Count(string(sent), "key:"); {
		case keys == 0:
		case !h.session.pool.cfg.Redis:
			h.replies[i] = textReply(string(sent), value)
		case strings.Contains(string(sent), "MGET"):
			h.replies[i] = resp.AppendArray(nil, keys)
			fallthrough
		default:
			for range keys {
				h.replies[i] = resp.AppendBulk(h.replies[i], value)
			}
		}
	}
	h.answer(t)
}

// take does what a driver does at the end of a turn.
func (h *hotPath) take() {
	h.taken = h.core.TakeConns(h.taken)
	for _, c := range h.taken {
		c.Flushed()
	}
	h.touched = h.core.TakeSessions(h.touched)
	for _, s := range h.touched {
		s.Flushed()
	}
}

func (h *hotPath) answer(t testing.TB) {
	for i, c := range h.conns {
		if h.replies[i] != nil {
			c.Received(h.replies[i], h.now)
		}
	}
	h.take()
	n := h.session.Out.Len()
	if n == 0 {
		t.Fatal("no reply")
	}
	h.session.Out.Discard(h.core.Buffers(), n)
}

// turn serves one request from its bytes to its reply's.
func (h *hotPath) turn(t testing.TB, request []byte) {
	h.now++
	h.core.Begin(h.now)
	for b := range slices.Chunk(request, 64<<10) {
		h.session.Received(b)
	}
	h.core.End()
	h.take()
	for _, c := range h.conns {
		c.Wrote(c.Out.Len())
	}
	h.answer(t)
}

var hotRequests = []struct {
	name string
	args []string
}{
	{"GET", []string{"GET", "key:1"}},
	{"SET", []string{"SET", "key:1", strings.Repeat("v", 64)}},
	{"EVALSHA", []string{"EVALSHA", string(evalDigest[:]), "1", "key:1", "x"}},
	{"MGET10", append([]string{"MGET"}, someKeys(10)...)},
	{"MGET10000", append([]string{"MGET"}, someKeys(10_000)...)},
	{"SET200K", []string{"SET", "key:1", strings.Repeat("v", 200<<10)}}, // one: the chunk that holds its buffer
}

// evalBody is a script that every node knows.
const evalBody = "return redis.call('GET', KEYS[1])"

var evalDigest, _ = digestOf(fmt.Appendf(nil, "%x", sha1.Sum([]byte(evalBody))))

func someKeys(n int) (keys []string) {
	for i := range n {
		keys = append(keys, fmt.Sprintf("key:%d", i))
	}
	return keys
}

func TestHotPathAllocatesNothing(t *testing.T) {
	for _, r := range hotRequests {
		t.Run(r.name, func(t *testing.T) {
			h := newHotPath(t)
			request := resp.AppendRequest(nil, r.args...)
			h.prepare(t, request, strings.Repeat("v", 64))
			if n := testing.AllocsPerRun(1000, func() { h.turn(t, request) }); n > 0 && (n > 1 || len(request) < adoptFrom) {
				t.Errorf("%v allocations for a request", n)
			}
		})
	}
}

// BenchmarkCore is what the proxy itself does for one request; the rest of a
// request's cost is the kernel's.
func BenchmarkCore(b *testing.B) {
	for _, r := range hotRequests {
		b.Run(r.name, func(b *testing.B) {
			h := newHotPath(b)
			request := resp.AppendRequest(nil, r.args...)
			h.prepare(b, request, strings.Repeat("v", 64))
			b.ReportAllocs()
			for b.Loop() {
				h.turn(b, request)
			}
		})
	}
}
