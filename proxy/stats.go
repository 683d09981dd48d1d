package proxy

import (
	"time"

	"github.com/shardring/shardring/proxy/backend"
	"github.com/shardring/shardring/proxy/session"
)

// Stats is what a Proxy has counted since it began, all loops added up.
// Counters only grow; the others say how it is now.
type Stats struct {
	Began time.Time
	Pools []PoolStats // as in the file
}

// PoolStats are those of one pool.
type PoolStats struct {
	Name    string
	Clients int // connected now
	session.Stats
	Shards []ShardStats // as in the topology
}

// ShardStats are those of the connections to one shard.
type ShardStats struct {
	Name string
	backend.Stats
	Connections int       // established now
	EjectedAt   time.Time // when it last was; zero: never
	Waiting     int       // requests taken that wait for a connection
	Sent        int       // requests handed to a connection that wait for a reply
	UnsentBytes int       // of requests that have not been written
}

// Stats reads the counters of every loop, on the loop itself: it waits for a
// turn of each, and costs those that serve nothing between calls. It may be
// called from any goroutine while Run is under way, not before; after Run it
// holds no pools.
func (p *Proxy) Stats() Stats {
	s := Stats{Began: p.began}
	p.engine.Each(func(_ int, _ *session.Core, pools []*session.Pool) {
		if s.Pools == nil {
			s.Pools = make([]PoolStats, len(pools))
		}
		for i, pool := range pools {
			s.Pools[i].add(pool)
			s.Pools[i].Clients = p.engine.Clients(pool.Shared())
		}
	})
	return s
}

// add adds one loop's part of a pool.
func (s *PoolStats) add(pool *session.Pool) {
	s.Name = pool.Name
	s.Accepted += pool.Stats.Accepted
	s.Requests += pool.Stats.Requests
	s.Fragments += pool.Stats.Fragments
	s.Errors += pool.Stats.Errors
	s.ClientEOF += pool.Stats.ClientEOF
	s.ClientErr += pool.Stats.ClientErr
	s.Ejects += pool.Stats.Ejects
	s.Hedged += pool.Stats.Hedged
	for i, c := range pool.Conns {
		for len(s.Shards) <= i {
			s.Shards = append(s.Shards, ShardStats{})
		}
		s.Shards[i].add(c)
		if at := pool.EjectedAt[c.Shard]; at != 0 && time.Unix(0, at).After(s.Shards[i].EjectedAt) {
			s.Shards[i].EjectedAt = time.Unix(0, at)
		}
	}
}

// add adds one connection.
func (s *ShardStats) add(c *backend.Conn) {
	s.Name = c.Shard
	s.Requests += c.Stats.Requests
	s.RequestBytes += c.Stats.RequestBytes
	s.Replies += c.Stats.Replies
	s.ReplyBytes += c.Stats.ReplyBytes
	s.Connects += c.Stats.Connects
	s.EOF += c.Stats.EOF
	s.Stats.Errors += c.Stats.Errors
	s.Timeouts += c.Stats.Timeouts
	s.UnsentBytes += c.Unsent()
	switch c.State() {
	case backend.Ready:
		s.Connections++
		s.Sent += c.InFlight()
	case backend.Greeting:
		s.Connections++
		s.Waiting += c.InFlight()
	default:
		s.Waiting += c.InFlight()
	}
}
