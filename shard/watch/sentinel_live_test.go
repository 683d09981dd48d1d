package watch_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/shardtest"
	"github.com/shardring/shardring/shard/topology"
)

// sentinels starts three that watch a primary, and waits until they know each
// other and its replicas.
func sentinels(t *testing.T, primary *shardtest.Server, replicas int) []*shardtest.Server {
	t.Helper()
	host, port, _ := strings.Cut(primary.Addr, ":")
	lines := fmt.Sprintf("sentinel monitor %[1]s %s %s 2\nsentinel down-after-milliseconds %[1]s 300\nsentinel failover-timeout %[1]s 2000", shardName, host, port)
	var all []*shardtest.Server
	for range 3 {
		all = append(all, shardtest.Sentinel(t, lines))
	}
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		ready := 0
		for _, s := range all {
			m, err := redis.StringMap(s.Do("SENTINEL", "MASTER", shardName))
			if err == nil && m["num-other-sentinels"] == "2" && m["num-slaves"] == fmt.Sprint(replicas) {
				ready++
			}
		}
		if ready == len(all) {
			return all
		}
		if time.Now().After(end) {
			t.Fatal("the Sentinels did not find each other")
		}
	}
}

// forcedFailover asks a Sentinel for one, again while no replica is good enough yet.
func forcedFailover(t *testing.T, s *shardtest.Server) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		_, err := s.Do("SENTINEL", "FAILOVER", shardName)
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("SENTINEL FAILOVER: %v", err)
		}
	}
}

func listing(list ...*shardtest.Server) func(*config.Pool) {
	return func(c *config.Pool) {
		for _, s := range list {
			c.Sentinels = append(c.Sentinels, addr(s))
		}
	}
}

// becomesPrimary returns when a node first said that it is a primary. It dials each
// time, for Sentinels close all connections to a node whose role they change.
func becomesPrimary(s *shardtest.Server) <-chan time.Time {
	out := make(chan time.Time, 1)
	go func() {
		defer close(out)
		for end := time.Now().Add(25 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
			if role, err := redis.Values(s.Do("ROLE")); err == nil && string(role[0].([]byte)) == "master" {
				out <- time.Now()
				return
			}
		}
	}()
	return out
}

// TestPlannedFailover: no primary is listed; the Sentinels name it. While they
// make another one it is frozen, and followed as soon as it is one, which they
// themselves notice later.
func TestPlannedFailover(t *testing.T) {
	a := shardtest.Redis(t)
	b := shardtest.Replica(t, a)
	s := sentinels(t, a, 1)
	w := start(t, pool(nil, nil, listing(s[0]))) // the leader may be one that is found
	w.untilPrimary(5*time.Second, a)
	w.untilReadable(5*time.Second, b, true)
	w.until(5*time.Second, "all three Sentinels", func(topology.Nodes) bool {
		return strings.Count(w.log.String(), "sentinel found") == 2
	})

	promoted := becomesPrimary(b)
	time.Sleep(200 * time.Millisecond) // for the subscriptions
	forcedFailover(t, s[2])
	froze := w.until(5*time.Second, "frozen", func(n topology.Nodes) bool { return n.Frozen })
	w.until(5*time.Second, "new primary", func(n topology.Nodes) bool {
		if !n.Frozen && n.Primary.Addr != b.Addr {
			t.Fatal("thawed before the new primary was found")
		}
		return n.Primary.Addr == b.Addr
	})
	late := time.Since(<-promoted)
	t.Logf("frozen %v after the request, followed %v after the promotion", froze, late)
	if late > 500*time.Millisecond {
		t.Errorf("followed %v after the promotion, want less than 100ms on an idle machine", late)
	}
	// The old one says that it is the primary for seconds, and so do the Sentinels for one.
	w.steady(3*time.Second, "the new primary", func(n topology.Nodes) bool { return n.Primary.Addr == b.Addr && !n.Frozen })
	w.untilReadable(15*time.Second, a, true) // the Sentinels made it a replica
}

// TestPrimaryKilled: Sentinels notice by themselves.
func TestPrimaryKilled(t *testing.T) {
	a := shardtest.Redis(t)
	b := shardtest.Replica(t, a)
	s := sentinels(t, a, 1)
	w := start(t, pool(a, []*shardtest.Server{b}, listing(s...)))
	w.untilReadable(5*time.Second, b, true)
	promoted := becomesPrimary(b)
	time.Sleep(300 * time.Millisecond)
	a.Kill()
	took := w.untilPrimary(20*time.Second, b)
	late := time.Since(<-promoted)
	t.Logf("followed %v after the kill, %v after the promotion", took, late)
	if late > 500*time.Millisecond {
		t.Errorf("followed %v after the promotion, want less than 100ms on an idle machine", late)
	}
	a.Restart() // and says that it is a primary until a Sentinel tells it otherwise
	w.steady(time.Second, "the new primary", func(n topology.Nodes) bool { return n.Primary.Addr == b.Addr })
}

// TestOldWordsAreNotBelieved: the primary and a Sentinel hang while the others promote
// a replica. When they go on both say what was true before; nobody believes them.
func TestOldWordsAreNotBelieved(t *testing.T) {
	a := shardtest.Redis(t)
	b := shardtest.Replica(t, a)
	s := sentinels(t, a, 1)
	w := start(t, pool(a, []*shardtest.Server{b}, listing(s...)))
	w.untilReadable(5*time.Second, b, true)
	s[2].Pause()
	a.Pause()
	w.untilPrimary(20*time.Second, b)
	w.until(5*time.Second, "the others agree", func(topology.Nodes) bool {
		at, err := redis.Strings(s[0].Do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", shardName))
		return err == nil && strings.HasSuffix(b.Addr, ":"+at[1])
	})
	a.Resume()
	s[2].Resume()
	w.steady(2*time.Second, "the new primary", func(n topology.Nodes) bool { return n.Primary.Addr == b.Addr && !n.Frozen })
}

// TestSentinelPassword: Sentinels have a login of their own.
func TestSentinelPassword(t *testing.T) {
	a := shardtest.Redis(t)
	host, port, _ := strings.Cut(a.Addr, ":")
	s := shardtest.Sentinel(t, fmt.Sprintf("requirepass open\nsentinel monitor %s %s %s 1", shardName, host, port))
	with := func(password string) func(*config.Pool) {
		return func(c *config.Pool) {
			listing(s)(c)
			c.SentinelAuth = config.NewSecret(password)
		}
	}
	start(t, pool(nil, nil, with("open"))).untilPrimary(5*time.Second, a)
	wrong := start(t, pool(nil, nil, with("shut")))
	wrong.until(5*time.Second, "a complaint", func(topology.Nodes) bool { return strings.Contains(wrong.log.String(), "WRONGPASS") })
	if strings.Contains(wrong.log.String(), "shut") || !wrong.nodes().Primary.IsZero() {
		t.Errorf("primary %v, log:\n%s", wrong.nodes().Primary, wrong.log)
	}
}

// TestSentinelKilled: the only listed Sentinel dies; those that were found go on.
func TestSentinelKilled(t *testing.T) {
	a := shardtest.Redis(t)
	b := shardtest.Replica(t, a)
	s := sentinels(t, a, 1)
	w := start(t, pool(a, nil, listing(s[0])))
	w.untilReadable(5*time.Second, b, true)
	s[0].Kill()
	w.until(5*time.Second, "notice", func(topology.Nodes) bool {
		return strings.Contains(w.log.String(), "sentinel does not answer")
	})
	a.Kill()
	w.untilPrimary(time.Minute, b) // two are left, who both have to vote for one: that may take another election
}
