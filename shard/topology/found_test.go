package topology

import (
	"reflect"
	"testing"

	"github.com/shardring/shardring/shard/config"
)

// TestFound: what is found replaces what is listed, is published once, and
// outlives a configuration that lists the shard as before.
func TestFound(t *testing.T) {
	c := pool(false, "a", "b")
	p := mustNew(t, c)
	first := p.Snapshot()
	other := Node{"tcp", "10.0.0.9:6379"}
	found := Nodes{Primary: other, Replicas: []Replica{
		{Node: Node{"tcp", "10.0.0.8:6379"}, Weight: 1, Readable: true},
		{Node: Node{"tcp", "10.0.0.2:6379"}, Weight: 1},
	}}
	if !p.Found("b", found) || p.Found("b", found) {
		t.Error("found: want news the first time only")
	}
	s := p.Snapshot()
	if s.Epoch != 2 || s.Shards[1].Primary != other || s.Shards[1].Replicas[0].Addr != "10.0.0.2:6379" {
		t.Errorf("epoch %d, shard %+v; want 2, the found nodes by address", s.Epoch, s.Shards[1])
	}
	if first.Shards[1].Primary == other || !reflect.DeepEqual(s.Shards[0], first.Shards[0]) || s.Ring != first.Ring {
		t.Error("more than one shard's nodes changed")
	}
	if p.Found("c", found) {
		t.Error("nodes of a shard that the pool does not have are news")
	}

	c.Shards = append([]config.Shard{}, c.Shards...)
	c.Shards[0].Primary.Addr = "10.0.0.7:6379"
	if _, err := p.Update(c); err != nil {
		t.Fatal(err)
	}
	if s := p.Snapshot(); s.Shards[0].Primary.Addr != "10.0.0.7:6379" || s.Shards[1].Primary != other {
		t.Errorf("after an update of a alone: %+v", s.Shards)
	}
	c.Shards[1].Primary.Addr = "10.0.0.6:6379"
	if _, err := p.Update(c); err != nil {
		t.Fatal(err)
	}
	if s := p.Snapshot(); s.Shards[1].Primary.Addr != "10.0.0.6:6379" {
		t.Errorf("b is at %v after the file moved it", s.Shards[1].Primary)
	}
}

// TestDoubts: doubts are kept until they are taken, each shard once.
func TestDoubts(t *testing.T) {
	p := mustNew(t, pool(false, "a", "b"))
	for range 3 {
		p.Doubt("b")
		p.Doubt("a")
	}
	<-p.Doubts()
	if got := p.TakeDoubts(); !reflect.DeepEqual(got, []string{"a", "b"}) {
		t.Errorf("doubts %v, want a and b", got)
	}
	select {
	case <-p.Doubts():
		t.Error("doubts were taken and are there still")
	default:
	}
}
