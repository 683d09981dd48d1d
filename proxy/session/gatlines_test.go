package session

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/shard/config"
)

// TestLongGat: keys that are too many for a line of gat are several lines, one behind the
// other, also if they go to one shard.
func TestLongGat(t *testing.T) {
	w := newTextRig(t, DefaultLimits(), 3, config.Pool{ServerConnections: 1, Timeout: time.Second})
	c := w.client()
	line, want := "gat 0", ""
	for i := range 60 {
		k := fmt.Sprintf("%d:%s", i, strings.Repeat("k", 200))
		line += " " + k
		if i%3 > 0 {
			w.pools[0].nodes[w.pools[0].pool.ring.OwnerString(k)].data[k] = fmt.Sprint(i)
			want += fmt.Sprintf("VALUE %s %s %d\r\n%d\r\n", k, textFlags(k), len(fmt.Sprint(i)), i)
		}
	}
	c.say(line + "\r\nmn\r\n")
	if got := c.hear(); got != want+"END\r\nMN\r\n" {
		t.Fatalf("%q", got)
	}
}
