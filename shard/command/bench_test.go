package command

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkLookup stands beside a Go map whose key is made lower case first, the
// usual way to do it.
func BenchmarkLookup(b *testing.B) {
	table := Builtin()
	byName := make(map[string]*Command, table.Len())
	for _, cmd := range table.commands {
		byName[cmd.Name] = cmd
	}
	for _, name := range []string{"GET", "get", "MGET", "EXPIRE", "ZREVRANGEBYSCORE", "NOSUCHCOMMAND"} {
		b.Run("table/"+name, func(b *testing.B) {
			b.ReportAllocs()
			arg := []byte(name)
			for b.Loop() {
				table.Lookup(arg)
			}
		})
		b.Run("map/"+name, func(b *testing.B) {
			b.ReportAllocs()
			arg := []byte(name)
			for b.Loop() {
				var buf [32]byte
				lower := buf[:0]
				for _, c := range arg {
					lower = append(lower, lowerByte(c))
				}
				_ = byName[string(lower)]
			}
		})
	}
	// A mix, so that neither can rely on branches learned from one name.
	mix := make([][]byte, 0, table.Len())
	for _, cmd := range table.commands {
		mix = append(mix, []byte(cmd.Name))
	}
	b.Run("table/every name in turn", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			table.Lookup(mix[i%len(mix)])
		}
	})
	b.Run("map/every name in turn", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			var buf [32]byte
			lower := buf[:0]
			for _, c := range mix[i%len(mix)] {
				lower = append(lower, lowerByte(c))
			}
			_ = byName[string(lower)]
		}
	})
}

// BenchmarkPlan is all that the hot path asks of this package for one request.
func BenchmarkPlan(b *testing.B) {
	table := Builtin()
	mget := words("MGET")
	for i := range 10 {
		mget = append(mget, fmt.Appendf(nil, "key:%012d", i))
	}
	for _, request := range []Slices{
		words("GET", "key:000000000001"),
		mget,
		words("EVAL", "return 1", "2", "a", "b"),
		words("OBJECT", "ENCODING", "k"),
		words("XREAD", "COUNT", "10", "STREAMS", "a", "b", "0", "0"),
	} {
		b.Run(fmt.Sprintf("%s/%d args", request[0], len(request)), func(b *testing.B) {
			b.ReportAllocs()
			keys := make([]int, 0, len(request))
			args := &request
			for b.Loop() {
				cmd, err := table.Resolve(args)
				if err != nil {
					b.Fatal(err)
				}
				if cmd.KeyPos == 0 {
					if keys, err = cmd.Keys(keys[:0], args); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

func BenchmarkNewTable(b *testing.B) {
	for b.Loop() {
		if _, err := NewTable(withNewer(generated)); err != nil {
			b.Fatal(err)
		}
	}
}

// TestBuiltinStartsFast holds what the process pays at its start, with room for a
// busy machine: the best of several runs counts.
func TestBuiltinStartsFast(t *testing.T) {
	best := time.Hour
	for range 20 {
		start := time.Now()
		if _, err := NewTable(withNewer(generated)); err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(start))
	}
	if best > time.Millisecond {
		t.Errorf("building the table takes %v, want at most 1ms", best)
	}
}
