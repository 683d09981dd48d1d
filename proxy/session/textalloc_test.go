package session

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shardring/shardring/shard/config"
)

// textReply is what a memcached answers that has all keys.
func textReply(sent, value string) []byte {
	var b strings.Builder
	for line := range strings.Lines(sent) {
		switch words := strings.Fields(line); words[0] {
		case "set":
			b.WriteString("STORED\r\n")
		case "mg", "ms":
			b.WriteString("HD\r\n")
		case "get":
			for _, k := range words[1:] {
				fmt.Fprintf(&b, "VALUE %s 0 %d\r\n%s\r\n", k, len(value), value)
			}
			b.WriteString("END\r\n")
		}
	}
	return []byte(b.String())
}

var hotTexts = []struct{ name, request string }{
	{"get", "get key:1\r\n"},
	{"set", "set key:1 0 0 64\r\n" + strings.Repeat("v", 64) + "\r\n"},
	{"get10", "get " + strings.Join(someKeys(10), " ") + "\r\n"},
	{"getP16", "get " + strings.Join(someKeys(16), "\r\nget ") + "\r\n"},
	{"get10P8", strings.Repeat("get "+strings.Join(someKeys(10), " ")+"\r\n", 8)},
	{"noreply", "set key:1 0 0 1 noreply\r\nx\r\nmn\r\n"},
	{"mg", "mg key:1 s v k Oabc\r\n"},
	{"quiet", "ms key:1 1 q\r\nx\r\nmg key:1 q v\r\nmn\r\n"},
	{"get10000", "get " + strings.Join(someKeys(10_000), " ") + "\r\n"},
}

// newHotText is newHotPath for memcached.
func newHotText(t testing.TB, request string) *hotPath {
	h := newHotPathOf(t, &config.Pool{Name: "hot", OnShardError: config.ShardErrorIsMiss})
	h.prepare(t, []byte(request), strings.Repeat("v", 64))
	return h
}

func TestHotTextAllocatesNothing(t *testing.T) {
	for _, r := range hotTexts {
		t.Run(r.name, func(t *testing.T) {
			h := newHotText(t, r.request)
			request := []byte(r.request)
			if n := testing.AllocsPerRun(1000, func() { h.turn(t, request) }); n > 0 {
				t.Errorf("%v allocations for a request", n)
			}
		})
	}
}

// BenchmarkText is BenchmarkCore for memcached.
func BenchmarkText(b *testing.B) {
	for _, r := range hotTexts {
		b.Run(r.name, func(b *testing.B) {
			h := newHotText(b, r.request)
			request := []byte(r.request)
			b.ReportAllocs()
			for b.Loop() {
				h.turn(b, request)
			}
		})
	}
}
