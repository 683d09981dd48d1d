package topology

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
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

	doubt chan struct{} // has one element while doubted is not empty

	mu     sync.Mutex // protects the following fields and the order of epochs
	cfg    *config.Pool
	listed []Nodes // by shard, as the configuration lists them
	// doubted are the shards, by name, of which somebody heard that not all is
	// as the snapshot says.
	doubted map[string]bool
	full    *ring.Ring // the ring of all shards
	ofRing  *ring.Ring // full, when the snapshot's ring was made from it
	health  []health   // by shard
	rules   rules
}

// rules are twemproxy's settings of a cache.
type rules struct {
	eject bool          // auto_eject_hosts
	limit int           // server_failure_limit
	retry time.Duration // server_retry_timeout
}

// New builds a pool and its first snapshot, epoch 1. The configuration goes with
// the snapshots: it is not changed any more. An error of the ring names the field and the value.
func New(cfg *config.Pool) (*Pool, error) {
	p := &Pool{doubt: make(chan struct{}, 1), doubted: map[string]bool{}}
	if _, err := p.Update(cfg); err != nil {
		return nil, err
	}
	return p, nil
}

// Snapshot returns the current state: one atomic load.
func (p *Pool) Snapshot() *Snapshot { return p.snap.Load() }

// Update replaces the configuration and returns the new snapshot. A shard of
// the same name that is listed as before keeps what was found of its nodes and its
// health. On an error nothing has changed.
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
	if p.cfg != nil && p.cfg.Ring.Equal(&cfg.Ring) {
		full = p.full // so that who compares snapshots sees that no key has moved
	}
	for i := range next {
		next[i].Name = full.Name(i) // an unnamed shard of jedis is known by its place
	}
	now := make([]health, len(next))
	listed := make([]Nodes, len(next))
	old := p.snap.Load()
	for i := range next {
		listed[i] = next[i].Nodes
		if old == nil {
			continue
		}
		if j := old.Index(next[i].Name); j >= 0 && p.listed[j].equal(listed[i]) {
			next[i].Nodes = old.Shards[j].Nodes
			if r.eject {
				now[i] = p.health[j]
			}
		}
	}
	prevCfg, prevFull, prevHealth, prevRules := p.cfg, p.full, p.health, p.rules
	p.cfg, p.full, p.health, p.rules = cfg, full, now, r
	s, err := p.publish(next)
	if err != nil {
		p.cfg, p.full, p.health, p.rules = prevCfg, prevFull, prevHealth, prevRules
		return nil, fmt.Errorf("pool %s: %w", cfg.Name, err)
	}
	p.listed = listed
	return s, nil
}

// Found says which nodes a shard has now; whoever asks Sentinels and nodes
// calls it. It reports whether that was news: then the next snapshot has them. A shard
// that the pool does not have (any more) is none.
func (p *Pool) Found(shard string, nodes Nodes) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.snap.Load()
	i := old.Index(shard)
	if i < 0 || old.Shards[i].Nodes.equal(nodes) {
		return false
	}
	nodes.Replicas = slices.Clone(nodes.Replicas)
	slices.SortFunc(nodes.Replicas, func(a, b Replica) int { return strings.Compare(a.Addr, b.Addr) })
	if old.Shards[i].Nodes.equal(nodes) {
		return false
	}
	next := slices.Clone(old.Shards)
	next[i].Nodes = nodes
	p.publishNodes(next)
	return true
}

// Doubt says that a shard may not be as the snapshot has it: a node refused
// what its role should take, or went away. Whoever finds nodes looks at once. It
// never blocks.
func (p *Pool) Doubt(shard string) {
	p.mu.Lock()
	p.doubted[shard] = true
	p.mu.Unlock()
	select {
	case p.doubt <- struct{}{}:
	default:
	}
}

// Doubts has an element when there are doubts that nobody has taken.
func (p *Pool) Doubts() <-chan struct{} { return p.doubt }

// TakeDoubts returns the names of the doubted shards, and forgets them.
func (p *Pool) TakeDoubts() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	names := slices.Sorted(maps.Keys(p.doubted))
	clear(p.doubted)
	return names
}

// publishNodes makes a snapshot that differs in nodes only. mu is held.
func (p *Pool) publishNodes(shards []Shard) {
	s := *p.snap.Load()
	s.Epoch++
	s.Shards = shards
	p.snap.Store(&s)
}

// publish makes the snapshot of full, health and shards the current one.
// mu is held. On an error the current one stays.
func (p *Pool) publish(shards []Shard) (*Snapshot, error) {
	s := &Snapshot{Epoch: 1, Config: p.cfg, Ring: p.full, Shards: shards}
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
	switch old := p.snap.Load(); {
	case old != nil && p.full == p.ofRing && slices.Equal(old.Ejected, s.Ejected):
		s.Ring = old.Ring
	case len(s.Ejected) > 0 && !s.AllEjected():
		r, err := p.full.Without(s.Ejected)
		if err != nil {
			return nil, err
		}
		s.Ring = r
	}
	p.snap.Store(s)
	p.ofRing = p.full
	p.failing.Store(failing)
	p.retryAt.Store(retryAt)
	return s, nil
}
