package topology

import (
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shardring/shardring/ring"
	"github.com/shardring/shardring/shard/config"
)

var t0 = time.Unix(1_700_000_000, 0)

func pool(cache bool, names ...string) *config.Pool {
	c := &config.Pool{
		Name: "cache", Redis: true, AutoEjectHosts: cache,
		ServerFailureLimit: 3, ServerRetryTimeout: 30 * time.Second,
		Ring: ring.Config{Placement: ring.Ketama, Hash: "fnv1a_64"},
	}
	for i, n := range names {
		c.Ring.Shards = append(c.Ring.Shards, ring.Shard{Name: n, Weight: 1})
		c.Shards = append(c.Shards, config.Shard{Name: n, Weight: 1,
			Primary: config.Address{Network: "tcp", Addr: fmt.Sprintf("10.0.0.%d:6379", i+1)}})
	}
	return c
}

func mustNew(t *testing.T, c *config.Pool) *Pool {
	t.Helper()
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// owners returns how many of n keys each shard owns.
func owners(s *Snapshot, n int) map[string]int {
	m := map[string]int{}
	for i := range n {
		m[s.Shards[s.Ring.OwnerString(fmt.Sprintf("key:%d", i))].Name]++
	}
	return m
}

func TestSnapshotOfConfig(t *testing.T) {
	c := pool(false, "a", "b")
	c.Shards[1].Replicas = []config.Replica{{Address: config.Address{Network: "unix", Addr: "/run/b2.sock"}, Weight: 1}}
	s := mustNew(t, c).Snapshot()
	want := []Shard{
		{Name: "a", Weight: 1, Nodes: Nodes{Primary: Node{"tcp", "10.0.0.1:6379"}}},
		{Name: "b", Weight: 1, Nodes: Nodes{Primary: Node{"tcp", "10.0.0.2:6379"},
			Replicas: []Replica{{Node: Node{"unix", "/run/b2.sock"}, Weight: 1}}}},
	}
	if s.Epoch != 1 || !reflect.DeepEqual(s.Shards, want) || s.Ejected != nil {
		t.Errorf("got epoch %d shards %+v ejected %v, want 1, %+v, none", s.Epoch, s.Shards, s.Ejected, want)
	}
	if s.Index("b") != 1 || s.Index("c") != -1 {
		t.Errorf("Index(b), Index(c) = %d, %d; want 1, -1", s.Index("b"), s.Index("c"))
	}
}

func TestEjectionFollowsTwemproxy(t *testing.T) {
	p := mustNew(t, pool(true, "a", "b", "c"))
	first := p.Snapshot()

	// Two failures, a success, two failures: never three in a row.
	for _, ok := range []bool{false, false, true, false, false} {
		if ok {
			p.ReportSuccess(1)
		} else {
			p.ReportFailure(1, t0)
		}
		if p.Snapshot() != first {
			t.Fatal("a new snapshot before the limit was reached")
		}
	}
	if got := p.State(1); got != Failing {
		t.Errorf("state %v before the limit, want failing", got)
	}
	p.ReportFailure(1, t0)

	s := p.Snapshot()
	if s.Epoch != 2 || !reflect.DeepEqual(s.Ejected, []int{1}) || p.State(1) != Ejected {
		t.Fatalf("after the limit: epoch %d, ejected %v, state %v", s.Epoch, s.Ejected, p.State(1))
	}
	if got := owners(s, 3000); got["b"] != 0 || got["a"] == 0 || got["c"] == 0 {
		t.Errorf("owners with b ejected: %v", got)
	}
	if first.Ejected != nil || owners(first, 3000)["b"] == 0 {
		t.Error("the old snapshot changed")
	}

	// What old requests still report neither counts nor extends the time.
	p.ReportFailure(1, t0.Add(29*time.Second))
	p.ReportSuccess(1)
	if p.Readmit("b", t0.Add(30*time.Second-1)) || p.DueShards(t0.Add(30*time.Second-1)) != nil {
		t.Error("let back in before server_retry_timeout")
	}
	if got := p.DueShards(t0.Add(30 * time.Second)); !reflect.DeepEqual(got, []string{"b"}) {
		t.Errorf("due %v, want b", got)
	}
	if p.Readmit("a", t0.Add(30*time.Second)) || p.Readmit("z", t0.Add(30*time.Second)) || !p.Readmit("b", t0.Add(30*time.Second)) {
		t.Fatal("not let back in after server_retry_timeout")
	}
	if s := p.Snapshot(); s.Epoch != 3 || s.Ejected != nil || !reflect.DeepEqual(owners(s, 3000), owners(first, 3000)) {
		t.Errorf("after the return: epoch %d, ejected %v", s.Epoch, s.Ejected)
	}

	// Back in, it has the whole limit again.
	p.ReportFailure(1, t0)
	p.ReportFailure(1, t0)
	if p.Snapshot().Epoch != 3 {
		t.Error("ejected again before the limit")
	}
	if p.Readmit("b", t0.Add(time.Hour)) {
		t.Error("Readmit changed something with no shard ejected")
	}
}

func TestAllEjected(t *testing.T) {
	p := mustNew(t, pool(true, "a", "b"))
	for i, at := range []time.Time{t0, t0.Add(10 * time.Second)} {
		for range 3 {
			p.ReportFailure(i, at)
		}
	}
	s := p.Snapshot()
	if !s.AllEjected() || s.Ring == nil {
		t.Fatalf("ejected %v, ring %v", s.Ejected, s.Ring)
	}
	if p.Due(t0.Add(29 * time.Second)) {
		t.Error("due before the first is")
	}
	if !p.Readmit("a", t0.Add(31*time.Second)) || p.Readmit("b", t0.Add(31*time.Second)) || !reflect.DeepEqual(p.Snapshot().Ejected, []int{1}) {
		t.Errorf("after the first's time: ejected %v, want [1]", p.Snapshot().Ejected)
	}
	if got := owners(p.Snapshot(), 100); got["a"] != 100 {
		t.Errorf("owners %v, want all on a", got)
	}
	if !p.Readmit("b", t0.Add(41*time.Second)) || p.Snapshot().Ejected != nil {
		t.Errorf("after both: ejected %v", p.Snapshot().Ejected)
	}
}

func TestExtendKeepsAShardOut(t *testing.T) {
	p := mustNew(t, pool(true, "a", "b"))
	for range 3 {
		p.ReportFailure(0, t0)
	}
	epoch := p.Snapshot().Epoch
	p.Extend("a", t0.Add(30*time.Second))
	p.Extend("b", t0) // not ejected: nothing to extend
	if p.Due(t0.Add(59*time.Second)) || p.Readmit("a", t0.Add(59*time.Second)) || p.Snapshot().Epoch != epoch {
		t.Error("let back in although it was extended")
	}
	if !p.Due(t0.Add(60*time.Second)) || !p.Readmit("a", t0.Add(60*time.Second)) {
		t.Error("not let back in after the extension")
	}
}

func TestStoreNeverEjects(t *testing.T) {
	p := mustNew(t, pool(false, "a", "b"))
	for range 100 {
		p.ReportFailure(0, t0)
	}
	if s := p.Snapshot(); s.Epoch != 1 || s.Ejected != nil || p.State(0) != Healthy {
		t.Errorf("a store changed: epoch %d, ejected %v, state %v", s.Epoch, s.Ejected, p.State(0))
	}
	p.ReportFailure(-1, t0)
	p.ReportFailure(2, t0)
	p.ReportSuccess(7)
}

func TestUpdateCarriesHealthByName(t *testing.T) {
	p := mustNew(t, pool(true, "a", "b", "c"))
	for i := range 2 {
		for range 3 {
			p.ReportFailure(i, t0)
		}
	}
	next := pool(true, "c", "b", "a", "d")
	next.Shards[2].Primary = config.Address{Network: "tcp", Addr: "10.0.9.9:1"} // a moved to a new server
	next.Shards[1].Primary = config.Address{Network: "tcp", Addr: "10.0.0.2:6379"}
	s, err := p.Update(next)
	if err != nil {
		t.Fatal(err)
	}
	if s != p.Snapshot() || s.Epoch != 4 || !reflect.DeepEqual(s.Ejected, []int{1}) {
		t.Errorf("epoch %d, ejected %v; want 4 and b only", s.Epoch, s.Ejected)
	}

	bad := pool(true)
	if _, err := p.Update(bad); err == nil {
		t.Error("a pool without shards was taken")
	}
	if p.Snapshot() != s || p.State(1) != Ejected {
		t.Error("a refused update changed the pool")
	}
	if _, err := New(bad); err == nil {
		t.Error("New took a pool without shards")
	}
}

func TestConcurrentReadersSeeWholeSnapshots(t *testing.T) {
	p := mustNew(t, pool(true, "a", "b", "c", "d"))
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var last uint64
			for !stop.Load() {
				s := p.Snapshot()
				if s.Epoch < last {
					t.Errorf("epoch went from %d back to %d", last, s.Epoch)
					return
				}
				last = s.Epoch
				o := s.Ring.OwnerString("some key")
				for _, e := range s.Ejected {
					if o == e && !s.AllEjected() {
						t.Errorf("epoch %d: ejected shard %d owns a key", s.Epoch, o)
						return
					}
				}
				p.ReportSuccess(o)
			}
		})
	}
	now := t0
	for i := range 400 {
		for range 3 {
			p.ReportFailure(i%4, now)
		}
		now = now.Add(20 * time.Second)
		for _, name := range p.DueShards(now) {
			p.Readmit(name, now)
		}
	}
	stop.Store(true)
	wg.Wait()
	if p.Snapshot().Epoch < 100 {
		t.Errorf("epoch %d after 400 rounds", p.Snapshot().Epoch)
	}
}

func BenchmarkSnapshot(b *testing.B) {
	p, err := New(pool(true, "a", "b", "c", "d"))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		s := p.Snapshot()
		p.ReportSuccess(s.Ring.OwnerString("user:1"))
	}
}
