package fleet

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/shardring/shardring/shard/shardtest"
	"github.com/shardring/shardring/shard/shardtest/program"
)

func start(t *testing.T, spec Spec) *Fleet {
	t.Helper()
	binary, err := program.Build(context.Background(), t.TempDir(), program.Shardproxy)
	if err != nil {
		t.Fatal(err)
	}
	spec.Shardproxy = binary
	f, err := Start(context.Background(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func TestSentinelsReplaceAPrimary(t *testing.T) {
	f := start(t, Spec{Shards: 1, Replicas: 2, Sentinels: 3})
	s, begun := f.Shards[0], time.Now()
	if err := s.Settled(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Switch(context.Background(), s, begun, 100*time.Millisecond); err == nil {
		t.Error("a switch without a fault")
	}
	if err := s.Nodes[0].Kill(); err != nil {
		t.Fatal(err)
	}
	at, err := f.Switch(context.Background(), s, begun, 20*time.Second)
	if err != nil || at.Sub(begun) < DownAfter {
		t.Fatalf("switched after %v, %v", at.Sub(begun), err)
	}
	p, err := s.Primary()
	if err != nil || p == s.Nodes[0] {
		t.Errorf("the primary is %v, %v", p, err)
	}
}

// TestUnpluggedHostIsABlackHole needs root on Linux; elsewhere it sees that the error
// says so.
func TestUnpluggedHostIsABlackHole(t *testing.T) {
	if err := TryHosts(context.Background()); err != nil {
		t.Logf("only that Start says so, too: %v", err)
		if _, got := Start(context.Background(), Spec{Shards: 1, Hosts: true}); got == nil {
			t.Error("Start found hosts where there are none")
		}
		return
	}
	f := start(t, Spec{Shards: 1, Replicas: 1, Hosts: true})
	primary, replica := f.Shards[0].Nodes[0], f.Shards[0].Nodes[1]
	answers := func(n *Node) bool { return shardtest.ReadyRedis(n.Addr) == nil }
	if err := primary.Host.Unplug(); err != nil {
		t.Fatal(err)
	}
	if _, err := net.DialTimeout("tcp", primary.Addr, 200*time.Millisecond); err == nil || !err.(net.Error).Timeout() {
		t.Errorf("a connect to it got %v, want silence", err)
	}
	if !answers(replica) {
		t.Error("another host is cut off too")
	}
	if err := primary.Host.Plug(); err != nil {
		t.Fatal(err)
	}
	if err := f.Shards[0].AwaitReplicas(context.Background(), 1); err != nil {
		t.Error(err)
	}
	if err := primary.Host.Shun(replica.Host); err != nil {
		t.Fatal(err)
	}
	if !answers(primary) || !answers(replica) {
		t.Error("one who shuns another host answers others, too")
	}
	c, err := primary.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Do("SET", "k", "v"); err != nil {
		t.Fatal(err)
	}
	if have, err := c.Do("WAIT", 1, 300); err != nil || have != int64(0) {
		t.Errorf("%v replicas have a write that does not reach them, %v", have, err)
	}
	if err := primary.Host.Rejoin(replica.Host); err != nil {
		t.Fatal(err)
	}
	if have, err := c.Do("WAIT", 1, 1900); err != nil || have != int64(1) {
		t.Errorf("%v replicas have a write after the others joined again, %v", have, err)
	}
}

func TestLinkDelays(t *testing.T) {
	s := shardtest.Redis(t)
	l, err := NewLink(s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := shardtest.ReadyRedis(l.Addr); err != nil {
		t.Fatal(err)
	}
	if err := l.Add("latency", FromServer, map[string]int{"latency": 300}); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if err := shardtest.ReadyRedis(l.Addr); err != nil || time.Since(begun) < 300*time.Millisecond {
		t.Errorf("%v after %v, want 300 ms", err, time.Since(begun))
	}
	if err := l.Add("no such", FromServer, nil); err == nil {
		t.Error("a toxic that does not exist was added")
	}
}
