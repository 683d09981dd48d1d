package proxy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/shardtest"
)

// TestPausedShard stops a server for a while (SIGSTOP), so that its connection
// stays open and hangs. Its keys get errors within the time limit, and the
// replies that come late go to nobody: load checks that each value is its key's.
func TestPausedShard(t *testing.T) {
	// A machine with other work leaves a server that is well without a processor for a
	// quarter of a second now and then.
	const victim, limit = 2, 600 * time.Millisecond
	for _, pause := range []struct {
		name string
		long time.Duration // 0: until a request has failed
	}{
		{"connection kept", 0},             // late replies come on it
		{"connection given up", 3 * limit}, // silent for over twice the limit
	} {
		t.Run(pause.name, func(t *testing.T) {
			each(t, func(t *testing.T, d engine.Driver) {
				servers := shardtest.RedisN(t, 4)
				s := serve(t, d, poolOf(servers, "timeout: "+limit.String()))
				keys := keysOf(t, s, servers, 64)
				load := startLoad(t, s, keys, 4)

				time.Sleep(200 * time.Millisecond)
				servers[victim].Pause()
				paused := time.Now()
				if time.Sleep(pause.long); pause.long == 0 {
					soon(t, "a request times out", func() bool { return load.failed(victim) })
				}
				resuming := time.Now()
				servers[victim].Resume()
				resumed := time.Now()
				time.Sleep(1200 * time.Millisecond)
				ended := time.Now()
				events := load.end()

				onlyShard(t, events, victim)
				hung := summarize(events[victim], paused.Add(-limit), resuming)
				if hung.bad == 0 {
					t.Fatal("no request timed out")
				}
				if !strings.Contains(hung.text, "timeout") && !strings.Contains(hung.text, "no reply") && !strings.Contains(hung.text, "has said nothing") && !strings.Contains(hung.text, "connect") {
					t.Errorf("the error does not say why: %s", hung.text)
				}
				t.Logf("error: %s", hung.text)
				within(t, "slowest error of the paused shard", hung.slowestBad, 2*limit)
				for i := range events {
					if i != victim {
						other := summarize(events[i], paused, resuming)
						within(t, "slowest of "+itoa(other.good)+" pipelines of shard "+names[i]+" meanwhile", other.slowestGood, time.Second)
					}
				}
				servesAgain(t, victim, events[victim], resumed, resumed, ended)
			})
		})
	}
}
