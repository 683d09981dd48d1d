package topology

import "github.com/shardring/shardring/shard/config"

// Node is one server process. It is comparable, and equal values mean the
// same process, so it may be the key of a map of connections.
type Node struct {
	Network string // "tcp" or "unix"
	Addr    string // host:port, or the path of the socket
}

// String returns the address as a user wrote it: host:port or the path.
func (n Node) String() string { return n.Addr }

// Shard is a named part of the keys and the nodes that hold it. The name is
// its identity: nodes come and go, keys belong to the name.
type Shard struct {
	Name     string
	Weight   int
	Primary  Node
	Replicas []Node
}

func node(a config.Address) Node { return Node{Network: a.Network, Addr: a.Addr} }

func shards(cfg *config.Pool) []Shard {
	out := make([]Shard, len(cfg.Shards))
	for i, s := range cfg.Shards {
		out[i] = Shard{Name: s.Name, Weight: s.Weight, Primary: node(s.Primary)}
		for _, r := range s.Replicas {
			out[i].Replicas = append(out[i].Replicas, node(r))
		}
	}
	return out
}
