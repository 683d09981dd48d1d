package main

import (
	"context"
	"testing"
	"time"

	"github.com/shardring/shardring/shard/shardtest"
)

// TestWire: the replies of real servers are as long as a load takes them to be, or the run
// would wait for bytes that do not come.
func TestWire(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for name, addr := range map[string]string{"direct": shardtest.Memcached(t).Addr, overRedis: shardtest.Redis(t).Addr} {
		for i, load := range memcachedLoads() {
			w := wireOf(name, load)
			if i == 0 {
				if err := w.store(ctx, addr); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			n := 4 * load.Clients * load.Pipeline
			if f, err := w.run(ctx, addr, n); err != nil || f.Rate <= 0 || f.P50 <= 0 || f.P99 < f.P50 {
				t.Errorf("%s, %s: %+v, %v", name, load, f, err)
			}
		}
	}
}
