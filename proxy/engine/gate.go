package engine

import "sync/atomic"

// gate counts a pool's clients over all loops, and refuses those beyond the
// pool's client_connections or the process's descriptors.
type gate struct {
	limit int64 // of the pool; 0: none
	n     atomic.Int64

	most  int64         // of all pools together; 0: none
	total *atomic.Int64 // shared by all gates
}

// tooMany is what a client that is refused reads, Redis's own words.
const tooMany = "-ERR max number of clients reached\r\n"

// spareFiles are the descriptors kept for all but clients and nodes.
const spareFiles = 64

// newGates makes a gate for each pool. Descriptors that connections to nodes
// need are not given to clients: a proxy full of clients that cannot reach a
// node serves nobody.
func newGates(cfg *Config) []*gate {
	nodes := 0
	for _, p := range cfg.Pools {
		c := p.Shared.Config()
		nodes += len(c.Shards) * max(1, c.ServerConnections) * cfg.Loops
	}
	most := int64(0)
	if files := maxFiles(); files > 0 {
		most = max(1, files-int64(nodes)-spareFiles)
	}
	total := new(atomic.Int64)
	var gates []*gate
	for _, p := range cfg.Pools {
		gates = append(gates, &gate{limit: int64(p.Shared.Config().ClientConnections), most: most, total: total})
	}
	return gates
}

// enter counts a client in, or reports that there is no room.
func (g *gate) enter() bool {
	n, total := g.n.Add(1), g.total.Add(1)
	if g.limit > 0 && n > g.limit || g.most > 0 && total > g.most {
		g.leave()
		return false
	}
	return true
}

func (g *gate) leave() {
	g.n.Add(-1)
	g.total.Add(-1)
}
