package proxy_test

import (
	"testing"
	"time"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/shardtest"
)

// TestKilledShard kills a server under load and starts it again. Its keys get
// an error that names the shard within the time limit, the others go on, and
// it serves again within a second of its return.
func TestKilledShard(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		const victim, limit = 1, 500 * time.Millisecond
		servers := shardtest.RedisN(t, 4)
		s := serve(t, d, poolOf(servers, "timeout: 500ms"))
		keys := keysOf(t, s, servers, 8)
		load := startLoad(t, s, keys, 2)

		time.Sleep(200 * time.Millisecond)
		killed := time.Now()
		servers[victim].Kill()
		gone := time.Now()
		time.Sleep(1500 * time.Millisecond) // so long that the back-off has grown to its most
		restarting := time.Now()
		if err := servers[victim].Restart(); err != nil {
			t.Fatal(err)
		}
		back := time.Now()
		time.Sleep(1500 * time.Millisecond)
		ended := time.Now()
		events := load.end()

		onlyShard(t, events, victim)
		down := summarize(events[victim], gone, restarting)
		if down.good > 0 || down.bad == 0 {
			t.Fatalf("while shard %s was down %d pipelines had replies and %d errors", names[victim], down.good, down.bad)
		}
		t.Logf("error: %s", down.text)
		within(t, "slowest error of the killed shard", summarize(events[victim], killed, restarting).slowestBad, limit+300*time.Millisecond)
		for i := range events {
			if i == victim {
				continue
			}
			other := summarize(events[i], gone, restarting)
			if other.good == 0 {
				t.Errorf("shard %s did not go on", names[i])
			}
			within(t, "slowest of "+itoa(other.good)+" pipelines of shard "+names[i]+" meanwhile", other.slowestGood, time.Second)
		}
		servesAgain(t, victim, events[victim], restarting, back, ended)
	})
}
