package shard

import (
	"context"
	"time"

	"github.com/shardring/shardring/shard/topology"
	"github.com/shardring/shardring/shard/watch"
)

// follows says that somebody has to look at the nodes all the time, and not only when
// one of them fails.
func (c *Client) follows() bool {
	if len(c.pool.Sentinels) > 0 || c.cfg.AutoEject || c.from != fromPrimary {
		return true
	}
	for _, s := range c.pool.Shards {
		if len(s.Replicas) > 0 {
			return true
		}
	}
	return false
}

// watch starts to look at the nodes, once. mu is held.
func (c *Client) watch() {
	if c.watching || c.closed {
		return
	}
	c.watching = true
	w := watch.New(c.pool, c.topo, watch.Options{Log: c.cfg.Log, Dial: c.cfg.Dial, Changed: func() {
		c.current() // nodes that lost their place are left, also while nobody asks anything
		c.news.tell()
	}})
	c.watcher.Go(func() { w.Run(c.life) })
}

// doubt says that a shard's node was lost, or refused what its role should take.
func (c *Client) doubt(shard string) {
	c.mu.Lock()
	c.watch()
	c.mu.Unlock()
	c.topo.Doubt(shard)
}

// lookEvery is how often the topology is asked for a primary that nobody knows.
const lookEvery = 5 * time.Millisecond

// where returns the node that a link leads to. For one that was made while nobody
// knew the primary it waits until somebody does, or life ends.
func (l *link) where(life context.Context) (topology.Node, error) {
	if !l.node.IsZero() {
		return l.node, nil
	}
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		s := l.topo.Snapshot()
		if i := s.Index(l.shard); i >= 0 && !s.Shards[i].Primary.IsZero() {
			return s.Shards[i].Primary, nil
		}
		select {
		case <-life.Done():
			return topology.Node{}, ErrClosed
		case <-ticker.C:
		}
	}
}
