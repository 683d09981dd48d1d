package proxy_test

import (
	"testing"
	"time"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/shardtest"
)

// TestProxyThatStalls stops the proxy itself (SIGSTOP) under load, for longer than the
// shards have to answer. They have answered, and no client hears otherwise.
func TestProxyThatStalls(t *testing.T) {
	const limit, stops = 100 * time.Millisecond, 8
	each(t, func(t *testing.T, d engine.Driver) {
		servers := shardtest.RedisN(t, 4)
		s := serveApart(t, d, servers, "timeout: "+limit.String())
		keys := keysOf(t, &s.serving, servers, 64)
		load := startLoad(t, &s.serving, keys, 8)
		resumed := time.Time{}
		for range stops {
			time.Sleep(50 * time.Millisecond)
			s.Pause()
			time.Sleep(3 * limit)
			s.Resume()
			resumed = time.Now()
		}
		time.Sleep(3 * limit)
		events := load.end()
		for i, list := range events {
			all := summarize(list, time.Time{}, time.Now())
			if all.bad > 0 {
				t.Errorf("shard %s: %d of %d pipelines failed: %s", names[i], all.bad, all.bad+all.good, all.text)
			}
			if after := summarize(list, resumed, time.Now()); after.good == 0 {
				t.Errorf("shard %s: nothing was answered after the last of %d stops", names[i], stops)
			}
		}
	})
}
