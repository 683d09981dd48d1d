package topology

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shardring/shardring/ring"
	"github.com/shardring/shardring/shard/config"
)

// Pool holds the current snapshot of one pool of a configuration file, and
// counts failures where the pool is a cache. All methods may be called
// concurrently.
type Pool struct {
	snap atomic.Pointer[Snapshot]

	// failing is the number of shards that are Failing and retryAt the time
	// in Unix nanoseconds at which the first ejected shard is due, or
	// math.MaxInt64. Both repeat what mu protects, so that a request that
	// meets a healthy pool costs one atomic load.
	failing atomic.Int32
	retryAt atomic.Int64

	mu     sync.Mutex // protects the following fields and the order of epochs
	full   *ring.Ring // the ring of all shards
	health []health   // by shard
	rules  rules
}

// rules are twemproxy's settings of a cache.
type rules struct {
	eject bool          // auto_eject_hosts
	limit int           // server_failure_limit
	retry time.Duration // server_retry_timeout
}

// New builds a pool and its first snapshot, epoch 1. The configuration is
// not kept. An error of the ring names the field and the value.
func New(cfg *config.Pool) (*Pool, error) {
	p := &Pool{}
	if _, err := p.Update(cfg); err != nil {
		return nil, err
	}
	return p, nil
}

// Snapshot returns the current state: one atomic load.
func (p *Pool) Snapshot() *Snapshot { return p.snap.Load() }

// Update replaces the configuration and returns the new snapshot. A shard
// keeps its health if its name and primary are as before. On an error
// nothing has changed.
func (p *Pool) Update(cfg *config.Pool) (*Snapshot, error) {
	full, err := ring.New(cfg.Ring)
	if err != nil {
		return nil, fmt.Errorf("pool %s: %w", cfg.Name, err)
	}
	next := shards(cfg)
	if n := len(full.Shards()); n != len(next) {
		return nil, fmt.Errorf("pool %s: %d shards in the ring but %d with nodes", cfg.Name, n, len(next))
	}
	r := rules{eject: cfg.AutoEjectHosts, limit: max(cfg.ServerFailureLimit, 1), retry: cfg.ServerRetryTimeout}

	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range next {
		next[i].Name = full.Name(i) // an unnamed shard of jedis is known by its place
	}
	now := make([]health, len(next))
	if old := p.snap.Load(); old != nil && r.eject {
		for i := range next {
			if j := old.Index(next[i].Name); j >= 0 && old.Shards[j].Primary == next[i].Primary {
				now[i] = p.health[j]
			}
		}
	}
	prevFull, prevHealth, prevRules := p.full, p.health, p.rules
	p.full, p.health, p.rules = full, now, r
	s, err := p.publish(next)
	if err != nil {
		p.full, p.health, p.rules = prevFull, prevHealth, prevRules
		return nil, fmt.Errorf("pool %s: %w", cfg.Name, err)
	}
	return s, nil
}

// publish makes the snapshot of full, health and shards the current one.
// mu is held. On an error the current one stays.
func (p *Pool) publish(shards []Shard) (*Snapshot, error) {
	s := &Snapshot{Epoch: 1, Ring: p.full, Shards: shards}
	if old := p.snap.Load(); old != nil {
		s.Epoch = old.Epoch + 1
	}
	failing, retryAt := int32(0), int64(math.MaxInt64)
	for i, h := range p.health {
		switch h.state {
		case Failing:
			failing++
		case Ejected:
			s.Ejected = append(s.Ejected, i)
			retryAt = min(retryAt, h.retryAt.UnixNano())
		}
	}
	if len(s.Ejected) > 0 && !s.AllEjected() {
		r, err := p.full.Without(s.Ejected)
		if err != nil {
			return nil, err
		}
		s.Ring = r
	}
	p.snap.Store(s)
	p.failing.Store(failing)
	p.retryAt.Store(retryAt)
	return s, nil
}
