package engine

import "sync/atomic"

// gate counts a pool's clients over all loops, and refuses those beyond the
// pool's client_connections or the process's descriptors.
type gate struct {
	limit atomic.Int64 // of the pool; 0: none
	n     atomic.Int64
	room  *room
}

// room is what all pools together have.
type room struct {
	most  atomic.Int64 // clients; 0: no limit
	total atomic.Int64
}

// tooMany is what a client that is refused reads, Redis's own words.
const tooMany = "-ERR max number of clients reached\r\n"

// spareFiles are the descriptors kept for all but clients and nodes.
const spareFiles = 64

// measure sets the limits of pools. Descriptors that connections to nodes need are
// not given to clients: a proxy full of clients that cannot reach a node serves
// nobody. Who is inside stays there.
func (e *Engine) measure(pools []*served) {
	nodes := 0
	for _, p := range pools {
		c := p.shared.Config()
		p.gate.limit.Store(int64(c.ClientConnections))
		nodes += len(c.Shards) * max(1, c.ServerConnections) * e.cfg.Loops
	}
	most := int64(0)
	if files := maxFiles(); files > 0 {
		most = max(1, files-int64(nodes)-spareFiles)
	}
	e.room.most.Store(most)
}

// enter counts a client in, or reports that there is no room.
func (g *gate) enter() bool {
	n, total := g.n.Add(1), g.room.total.Add(1)
	if limit := g.limit.Load(); limit > 0 && n > limit {
		g.leave()
		return false
	}
	if most := g.room.most.Load(); most > 0 && total > most {
		g.leave()
		return false
	}
	return true
}

func (g *gate) leave() {
	g.n.Add(-1)
	g.room.total.Add(-1)
}
