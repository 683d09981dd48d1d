package audit

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/ring"
)

// TestAgainst holds what is reckoned to what would really move, by a sample of
// all keys and of some.
func TestAgainst(t *testing.T) {
	const n = 30_000
	f := newFleet(t, 3)
	f.fill(n, 3)
	text := "cache:\n  redis: true\n  shards:\n"
	for i, s := range f.servers {
		text += fmt.Sprintf("    - {name: cache-%d, primary: %s}\n", i+1, s.Addr)
	}
	next := parse(t, text+"    - {name: cache-4, primary: 127.0.0.1:1, weight: 2}\n")
	after, err := ring.New(next.Ring)
	if err != nil {
		t.Fatal(err)
	}
	// What really is, key by key.
	keys, bytes, total := map[[2]string]float64{}, map[[2]string]float64{}, 0
	for i, c := range f.conns {
		names, err := redis.ByteSlices(c.Do("KEYS", "*"))
		if err != nil {
			t.Fatal(err)
		}
		total += len(names)
		for _, name := range names {
			if err := c.Send("MEMORY", "USAGE", name); err != nil {
				t.Fatal(err)
			}
		}
		sizes, err := redis.Int64s(c.Do(""))
		if err != nil {
			t.Fatal(err)
		}
		for j, name := range names {
			pair := [2]string{f.ring.Name(i), after.Name(after.Owner(name))}
			keys[pair]++
			bytes[pair] += float64(sizes[j])
		}
	}

	for _, samples := range []int{2 * n, 2000} {
		var last Progress
		a := f.open(Options{Samples: samples, Progress: func(p Progress) { last = p }})
		c, err := a.Against(t.Context(), next)
		if err != nil {
			t.Fatal(err)
		}
		want, err := ring.Diff(f.ring, after)
		if err != nil || c.Difference.Moved != want.Moved || c.Total != int64(total) {
			t.Errorf("%d samples: moved %v, total %d; want %v, %d, %v", samples, c.Difference.Moved, c.Total, want.Moved, total, err)
		}
		all := samples > n
		if all && c.Sampled != int64(total) || !all && (c.Sampled < 6000 || c.Sampled > 9000) || last.Done != c.Sampled {
			t.Errorf("%d samples: %d looked at, progress %+v", samples, c.Sampled, last)
		}
		moved := 0.0
		for _, fl := range c.Flows {
			pair := [2]string{fl.From, fl.To}
			// Three times the margin is nearly six standard deviations.
			if math.Abs(fl.Keys.Value-keys[pair]) > 3*fl.Keys.Margin || math.Abs(fl.Bytes.Value-bytes[pair]) > 3*fl.Bytes.Margin+1 {
				t.Errorf("%d samples: %+v, want %.0f keys and %.0f bytes", samples, fl, keys[pair], bytes[pair])
			}
			if all != (fl.Keys.Margin == 0) || fl.Keys.Margin > 0.2*float64(n) {
				t.Errorf("%d samples: margin of %+v", samples, fl)
			}
			moved += fl.Keys.Value
		}
		if math.Abs(moved-c.Keys.Value) > 0.01 {
			t.Errorf("flows have %.1f keys, all together %.1f", moved, c.Keys.Value)
		}
		if len(c.Shards) != 4 || c.Shards[3].Name != "cache-4" || c.Shards[3].KeysBefore != 0 || math.Abs(c.Shards[3].KeysAfter/float64(total)-c.Shards[3].ShareAfter) > 0.03 {
			t.Errorf("shards %+v", c.Shards)
		}
	}

	// Other hashes: no exact share, but keys and bytes.
	other := parse(t, strings.Replace(text, "redis: true\n", "redis: true\n  distribution: ketama\n", 1))
	c, err := f.open(Options{}).Against(t.Context(), other)
	if err != nil || c.Difference != nil || !errors.Is(c.Incomparable, ring.ErrNotComparable) || c.Keys.Value < n/3 {
		t.Errorf("%+v, %v", c, err)
	}
}
