package session

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/shardring/shardring/shard/config"
)

// FUNCTION LIST, of RESP2: which functions only read. A part of it says nothing.
func TestReaders(t *testing.T) {
	const list = "*2\r\n" +
		"*6\r\n$12\r\nlibrary_name\r\n$1\r\na\r\n$6\r\nengine\r\n$3\r\nLUA\r\n$9\r\nfunctions\r\n*2\r\n" +
		"*6\r\n$4\r\nname\r\n$2\r\nr1\r\n$11\r\ndescription\r\n$-1\r\n$5\r\nflags\r\n*2\r\n+allow-stale\r\n+no-writes\r\n" +
		"*6\r\n$4\r\nname\r\n$1\r\nw\r\n$11\r\ndescription\r\n$9\r\nno-writes\r\n$5\r\nflags\r\n*0\r\n" +
		"*6\r\n$12\r\nlibrary_name\r\n$9\r\nfunctions\r\n$3\r\nnew\r\n*1\r\n:1\r\n$9\r\nfunctions\r\n*1\r\n" +
		"*4\r\n$4\r\nname\r\n$2\r\nr2\r\n$5\r\nflags\r\n*1\r\n$9\r\nno-writes\r\n"
	if got, want := readers([]byte(list)), map[string]bool{"r1": true, "r2": true}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for i := range list {
		if got := readers([]byte(list[:i])); got != nil {
			t.Fatalf("the first %d bytes: %v", i, got)
		}
	}
	if got := readers([]byte("*0\r\n")); got == nil || len(got) != 0 {
		t.Errorf("no library: %v", got)
	}
	if got := readers([]byte("-NOPERM no\r\n")); got != nil {
		t.Errorf("an error: %v", got)
	}
}

// A shard that is lost says nothing of its functions: they are held, and the next
// FCALL asks again.
func TestFunctionsNotKnown(t *testing.T) {
	w := newRig(t, DefaultLimits(), 1, config.Pool{})
	w.all[0].enter(stalled, 1e15)
	w.client().ask1("CLIENT", "PAUSE", "60000", "WRITE")
	var waiting []*simClient
	for range 2 {
		c := w.client()
		waiting = append(waiting, c)
		if got := c.ask1("FCALL", "f", "0"); got != "" {
			t.Fatalf("amid the pause: %q", got)
		}
		for _, l := range slices.Clone(w.links) { // the second finds the connection gone
			w.turn(func() { l.kill() })
		}
		if w.pools[0].pool.pause.functions != nil {
			t.Fatal("the next FCALL would not ask")
		}
	}
	if n := w.core.Buffers().Used(); n != 0 {
		t.Errorf("%d bytes of buffers are left", n)
	}
	w.client().ask1("CLIENT", "UNPAUSE")
	for _, c := range waiting {
		if got := c.hear(); !strings.HasPrefix(got, "-ERR shard 'p-0' ") {
			t.Errorf("after the pause: %q", got)
		}
	}
}
