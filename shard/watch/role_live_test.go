package watch_test

import (
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/shardtest"
	"github.com/shardring/shardring/shard/topology"
)

// TestFollowsByHand: no Sentinels; an operator makes a replica the primary. A doubt
// is enough to find it, long before the next probe.
func TestFollowsByHand(t *testing.T) {
	a := shardtest.Redis(t)
	b := shardtest.Replica(t, a)
	w := start(t, pool(a, nil, func(c *config.Pool) { c.HealthInterval = time.Minute }))
	w.untilReadable(5*time.Second, b, true) // found through the primary alone

	do(t, b, "REPLICAOF", "NO", "ONE")
	replicaOf(t, a, b)
	w.topo.Doubt(shardName) // what somebody does who got READONLY
	took := w.untilPrimary(5*time.Second, b)
	t.Logf("followed %v after the doubt", took)
	if took > time.Second {
		t.Errorf("followed %v after the doubt, want much less than a second", took)
	}
	if strings.Contains(w.log.String(), "two nodes") {
		t.Error("a split brain was seen where there was none")
	}
}

// TestChain: the listed one copies one that copies the primary; nobody lists those.
func TestChain(t *testing.T) {
	c := shardtest.Redis(t)
	b := shardtest.Replica(t, c)
	a := shardtest.Replica(t, b)
	w := start(t, pool(a, nil, nil))
	w.untilPrimary(5*time.Second, c)
	w.untilReadable(5*time.Second, b, true)
	w.untilReadable(5*time.Second, a, true) // it has the same history
}

// TestLoop: two replicas of each other are no reason to go round for ever, and nobody
// is the primary who does not say so.
func TestLoop(t *testing.T) {
	a, b := shardtest.Redis(t), shardtest.Redis(t)
	replicaOf(t, a, b)
	replicaOf(t, b, a)
	w := start(t, pool(a, []*shardtest.Server{b}, nil))
	w.steady(500*time.Millisecond, "the listed primary", func(n topology.Nodes) bool { return n.Primary.Addr == a.Addr })
	do(t, b, "REPLICAOF", "NO", "ONE")
	w.untilPrimary(5*time.Second, b)
}

// TestPrimaryDies: the only listed one that says it is a primary is taken; the old
// one that comes back is not.
func TestPrimaryDies(t *testing.T) {
	a := shardtest.Redis(t)
	b := shardtest.Replica(t, a)
	w := start(t, pool(a, []*shardtest.Server{b}, nil))
	w.untilReadable(5*time.Second, b, true)
	a.Kill()
	w.steady(time.Second, "the old primary, while nobody says that he is it", func(n topology.Nodes) bool { return n.Primary.Addr == a.Addr })
	do(t, b, "REPLICAOF", "NO", "ONE")
	w.untilPrimary(5*time.Second, b)
	a.Restart() // and says that it is a primary
	w.steady(time.Second, "the new primary", func(n topology.Nodes) bool { return n.Primary.Addr == b.Addr })
	if !strings.Contains(w.log.String(), "two nodes say that they are the primary") {
		t.Error("the log does not tell of two primaries")
	}
}

// TestReplicaPaused: one that is stopped is not read from once it fails to answer in
// time, and again when it has caught up.
func TestReplicaPaused(t *testing.T) {
	a := shardtest.Redis(t)
	b := shardtest.Replica(t, a)
	w := start(t, pool(a, []*shardtest.Server{b}, nil))
	w.untilReadable(5*time.Second, b, true)
	b.Pause()
	t.Logf("not read from %v after the pause", w.untilReadable(3*time.Second, b, false))
	b.Resume()
	w.untilReadable(5*time.Second, b, true)
}

// TestPassword: probes log in.
func TestPassword(t *testing.T) {
	a := shardtest.Redis(t, shardtest.Password("sesame"))
	b := shardtest.Replica(t, a, shardtest.Password("sesame"), shardtest.Args("--masterauth", "sesame"))
	w := start(t, pool(a, nil, func(c *config.Pool) { c.Auth = config.NewSecret("sesame") }))
	w.untilReadable(5*time.Second, b, true)
	if strings.Contains(w.log.String(), "sesame") {
		t.Error("the log holds the password")
	}
}
