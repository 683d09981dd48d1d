package topology

import (
	"slices"
	"time"

	"github.com/shardring/shardring/shard/config"
)

// Node is one server process. It is comparable, and equal values mean the
// same process, so it may be the key of a map of connections.
type Node struct {
	Network string // "tcp" or "unix"
	Addr    string // host:port, or the path of the socket
}

// String returns the address as a user wrote it: host:port or the path.
func (n Node) String() string { return n.Addr }

// IsZero says that this is no node: nobody knows the primary yet.
func (n Node) IsZero() bool { return n == Node{} }

// Shard is a named part of the keys and the nodes that hold it. The name is
// its identity: nodes come and go, keys belong to the name.
type Shard struct {
	Name   string
	Weight int
	Nodes
}

// Nodes are those of a shard, as far as is known.
type Nodes struct {
	// Primary takes the writes. It is zero while Sentinel has not said who it is.
	Primary Node
	Zone    string        // where the primary stands
	Latency time.Duration // of the primary's answers to probes; 0: not known
	// Replicas are in the order of their addresses.
	Replicas []Replica
	// Frozen: a planned change of the primary is under way. Writes to the old
	// one may be lost, so they wait for the new one.
	Frozen bool
}

// Replica is a node that copies the primary.
type Replica struct {
	Node
	Zone     string
	Weight   int           // its share of reads, at least 1
	Latency  time.Duration // of its answers to probes; 0: not known
	Readable bool          // it is up, linked to its primary and not too far behind
}

func (n Nodes) equal(o Nodes) bool {
	return n.Primary == o.Primary && n.Zone == o.Zone && n.Latency == o.Latency && n.Frozen == o.Frozen &&
		slices.Equal(n.Replicas, o.Replicas)
}

func node(a config.Address) Node { return Node{Network: a.Network, Addr: a.Addr} }

// Listed returns the nodes of a shard that a file lists. Nobody has seen the
// replicas yet, so none is readable.
func Listed(s config.Shard) Nodes {
	n := Nodes{Primary: node(s.Primary), Zone: s.Zone}
	for _, r := range s.Replicas {
		n.Replicas = append(n.Replicas, Replica{Node: node(r.Address), Zone: r.Zone, Weight: r.Weight})
	}
	return n
}

func shards(cfg *config.Pool) []Shard {
	out := make([]Shard, len(cfg.Shards))
	for i, s := range cfg.Shards {
		out[i] = Shard{Name: s.Name, Weight: s.Weight, Nodes: Listed(s)}
	}
	return out
}
