package session

// Peers are the cores of one proxy, each on its own loop. A few commands are about
// the clients of all of them.
type Peers interface {
	Len() int
	// Post has f called with core i, in a turn of its loop. It returns false if
	// the loop has ended.
	Post(i int, f func(*Core)) bool
}

// Join makes c the core of that number among its peers. It is called before c has
// any session.
func (c *Core) Join(index int, peers Peers) {
	c.index, c.peers = index, peers
}

// nextID returns a number for a session that no peer gives.
func (c *Core) nextID() uint64 {
	c.lastID++
	return (c.lastID-1)*uint64(c.cores()) + uint64(c.index) + 1
}

func (c *Core) cores() int {
	if c.peers == nil {
		return 1
	}
	return c.peers.Len()
}

// wakePeers has the others look at the topology at once: their clients may listen
// where nothing is said any more, and a loop without news sleeps.
func (c *Core) wakePeers() {
	for i := range c.cores() {
		if i != c.index {
			c.peers.Post(i, func(*Core) {})
		}
	}
}

// survey calls ask with every core, on its loop, and then done with what they
// said, on the loop of c. A core that has ended says nothing.
func survey[T any](c *Core, ask func(*Core) T, done func([]T)) {
	n := c.cores()
	if n == 1 {
		done([]T{ask(c)})
		return
	}
	all := make([]T, n)
	missing := n
	arrived := func(i int, v T) {
		all[i] = v
		if missing--; missing == 0 {
			done(all)
		}
	}
	var nothing T
	for i := range n {
		if i == c.index {
			arrived(i, ask(c))
			continue
		}
		if !c.peers.Post(i, func(peer *Core) {
			v := ask(peer)
			peer.peers.Post(c.index, func(*Core) { arrived(i, v) })
		}) {
			arrived(i, nothing)
		}
	}
}
