package audit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/shardring/shardring/ring"
	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/topology"
	"github.com/shardring/shardring/shard/watch"
)

// ErrNoOwner is returned for a pool whose placement gives a key to no shard.
var ErrNoOwner = errors.New("no shard owns a key")

// Auditor knows the servers of a pool. Make it with Open. Between calls it holds
// no connection, so there is nothing to close.
type Auditor struct {
	pool    *config.Pool
	ring    *ring.Ring
	opt     Options
	dial    *dialer
	servers []*server
	at      []int // by shard: an index into servers
}

// Open finds the primary of every shard, from Sentinels or from what the nodes
// say, and asks each what it is. It fails unless all are found. Two shards with
// one server, which a file may have, are scanned once, and a key of either is at
// home there.
func Open(ctx context.Context, pool *config.Pool, opt Options) (*Auditor, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return nil, err
	}
	if !pool.Redis {
		return nil, fmt.Errorf("pool %s: redis: false: memcached cannot list its keys", pool.Name)
	}
	r, err := ownerRing(pool)
	if err != nil {
		return nil, err
	}
	a := &Auditor{pool: pool, ring: r, opt: opt, at: make([]int, len(pool.Shards))}
	a.dial = newDialer(pool, &a.opt)
	return a, a.find(ctx)
}

func ownerRing(pool *config.Pool) (*ring.Ring, error) {
	r, err := ring.New(pool.Ring)
	if err == nil && r.Placement() == ring.Random {
		err = fmt.Errorf("distribution random: %w: each request goes to any live one", ErrNoOwner)
	}
	if err != nil {
		return nil, fmt.Errorf("pool %s: %w", pool.Name, err)
	}
	return r, nil
}

// find fills servers and at. A Watcher follows the nodes meanwhile.
func (a *Auditor) find(ctx context.Context) error {
	topo, err := topology.New(a.pool)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, a.opt.FindTimeout)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		watch.New(a.pool, topo, watch.Options{Log: a.opt.Log, Dial: a.opt.Dial}).Run(ctx)
	}()
	defer func() { cancel(); <-ended }()

	found := make([]*server, len(a.at))
	err = inParallel(ctx, len(a.at), 32, func(ctx context.Context, shard int) error {
		var err error
		found[shard], err = a.primary(ctx, topo, shard)
		return err
	})
	if err != nil {
		return err
	}
	byID := map[string]int{}
	for shard, s := range found {
		i, known := byID[s.info.id]
		if !known {
			i = len(a.servers)
			byID[s.info.id] = i
			a.servers = append(a.servers, s)
		}
		a.servers[i].shards = append(a.servers[i].shards, shard)
		a.at[shard] = i
	}
	if !a.opt.FromReplicas {
		return nil
	}
	return inParallel(ctx, len(a.servers), 32, func(ctx context.Context, i int) error {
		a.servers[i].scan = a.replica(ctx, topo, a.servers[i])
		return nil
	})
}

// primary waits until a shard has one that says so itself.
func (a *Auditor) primary(ctx context.Context, topo *topology.Pool, shard int) (*server, error) {
	s := &server{name: a.ring.Name(shard)}
	why, asked := errors.New("no Sentinel has named its primary"), false
	for {
		s.node = topo.Snapshot().Shards[shard].Primary
		if !s.node.IsZero() {
			c, i, err := a.dial.open(ctx, s.node)
			switch {
			case err != nil:
				if late := net.Error(nil); !asked || !errors.As(err, &late) || !late.Timeout() {
					why, asked = err, true // and not only that the time is over, if there is more to say
				}
			case err == nil:
				c.Close()
				s.info = i
				switch {
				case s.info.loading:
					why = errors.New("is loading its data")
				case !s.info.primary:
					why = fmt.Errorf("is a replica of %s", s.info.of)
				default:
					s.scan = s.node
					return s, nil
				}
			}
			topo.Doubt(s.name)
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return nil, s.wrap(why)
		}
	}
}

// replica is a node that copies the server now, or the server's own.
func (a *Auditor) replica(ctx context.Context, topo *topology.Pool, s *server) topology.Node {
	for _, r := range topo.Snapshot().Shards[s.shards[0]].Replicas {
		c, i, err := a.dial.open(ctx, r.Node)
		if err != nil {
			a.opt.Log.Warn("replica is not asked", "shard", s.name, "node", r.Node, "error", err)
			continue
		}
		c.Close()
		if !i.primary && i.linked && !i.loading {
			return r.Node
		}
	}
	return s.node
}

// databases are those that are looked at: the pool's own or, where clients
// choose, those with keys.
func (a *Auditor) databases(i info) []int {
	if a.pool.Database != 0 {
		return []int{a.pool.Database}
	}
	return i.databases()
}

// again connects to a server that Open has found, or to the replica of it that is
// scanned, and asks it anew.
func (a *Auditor) again(ctx context.Context, s *server, n topology.Node) (*link, info, error) {
	fail := func(err error) error { return &Error{s.name, n.String(), err} }
	l, i, err := a.dial.open(ctx, n)
	switch {
	case err != nil:
		return nil, i, fail(err)
	case n == s.node && i.id != s.info.id:
		// Another process has the address now: it may have another shard.
		l.Close()
		return nil, i, fail(fmt.Errorf("has been restarted or replaced since it was asked first: its run_id was %s and is %s", s.info.id, i.id))
	case n != s.node && (i.primary || !i.linked):
		l.Close()
		return nil, i, fail(fmt.Errorf("is no replica of %s any more, or has lost its link", s.node))
	}
	return l, i, nil
}

// total is the number of keys that the servers had when they were asked.
func (a *Auditor) total() (n int64) {
	for _, s := range a.servers {
		n += s.info.count(a.databases(s.info))
	}
	return n
}
