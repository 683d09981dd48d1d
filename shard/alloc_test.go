package shard

import (
	"context"
	"strings"
	"testing"
)

func TestAllocationsOfAGet(t *testing.T) {
	c, _ := start(t, 2, nil)
	k := strings.Repeat("k", 16)
	must(t)(c.Do(bg, "SET", k, strings.Repeat("v", 64)))
	ctx, cancel := context.WithCancel(bg)
	defer cancel()
	for name, ctx := range map[string]context.Context{"background": bg, "cancellable": ctx} {
		// Two are the caller's, for the argument and the list of them; two
		// are redigo's, for the reply.
		if n := testing.AllocsPerRun(2000, func() { must(t)(c.Do(ctx, "GET", k)) }); n > 4 {
			t.Errorf("%s: %v allocations, want 4 at most", name, n)
		}
	}
}

func TestAllocationsOfAPipeline(t *testing.T) {
	c, _ := start(t, 2, nil)
	keys := strings.Fields(strings.Repeat("a b c d e f g h i j ", 10))
	for _, k := range keys[:10] {
		must(t)(c.Do(bg, "SET", k, strings.Repeat("v", 64)))
	}
	n := testing.AllocsPerRun(200, func() {
		p := c.Pipeline()
		for _, k := range keys {
			p.Add("GET", k)
		}
		if _, err := p.Exec(bg); err != nil {
			t.Fatal(err)
		}
	})
	// One is the caller's, for the argument, two are the reply.
	if n > 350 {
		t.Errorf("%v allocations for %d commands, want little more than 3 each", n, len(keys))
	}
}

func BenchmarkDo(b *testing.B) {
	c, _ := start(b, 4, nil)
	k := strings.Repeat("k", 16)
	must(b)(c.Do(bg, "SET", k, strings.Repeat("v", 64)))
	b.Run("GET", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.Do(bg, "GET", k)
		}
	})
	b.Run("GET parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(64)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				c.Do(bg, "GET", k)
			}
		})
	})
	b.Run("MGET of 10", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.Do(bg, "MGET", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j")
		}
	})
	b.Run("pipeline of 100", func(b *testing.B) {
		b.ReportAllocs()
		keys := strings.Fields(strings.Repeat("a b c d e f g h i j ", 10))
		for b.Loop() {
			p := c.Pipeline()
			for _, k := range keys {
				p.Add("GET", k)
			}
			p.Exec(bg)
		}
	})
}
