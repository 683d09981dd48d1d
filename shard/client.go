package shard

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/topology"
)

// Client is a sharded Redis. Its methods may be called by any number of
// goroutines; one client a process and pool is enough.
type Client struct {
	cfg      Config
	pool     *config.Pool // what cfg says, as the proxy's file would
	table    *command.Table
	topo     *topology.Pool
	gate     gate // calls that use several links
	requests sync.Pool
	batches  sync.Pool
	queries  sync.Pool
	view     atomic.Pointer[view]
	scripts  scripts
	news     news
	from     readFrom // Config.ReadFrom
	writes   writes   // of all calls that are in no session of their own
	born     time.Time
	life     context.Context // ends with Close: for what may wait without an end
	end      context.CancelFunc
	follower sync.WaitGroup // who follows the file, until life ends

	mu     sync.Mutex // protects the following fields and making views
	links  map[linkKey]*link
	closed bool

	watching bool // watcher has been started
	watcher  sync.WaitGroup
}

type linkKey struct {
	shard string
	node  topology.Node
}

// view is a snapshot with the links to its shards, by index.
type view struct {
	*topology.Snapshot
	links   []*link
	readers []readers
}

// index returns where a shard of another view is in this one, -1 if it has left. A file
// that changed may have moved it.
func (v *view) index(shard int, of *view) int {
	if v.Config == of.Config {
		return shard
	}
	return v.Index(of.Shards[shard].Name)
}

// New makes a client. Nothing is dialled before the first command, so it
// fails only for a Config that cannot work: with a *ConfigError, or with the
// *ring.ConfigError of what package ring refuses.
func New(cfg Config) (*Client, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	pool, err := cfg.pool()
	if err != nil {
		return nil, err
	}
	from, err := parseReadFrom(cfg.ReadFrom)
	if err != nil {
		return nil, &ConfigError{"ReadFrom", string(cfg.ReadFrom), err.Error()}
	}
	topo, err := topology.New(pool)
	if err != nil {
		return nil, err
	}
	c := &Client{cfg: cfg, pool: pool, table: command.Builtin(), topo: topo, links: map[linkKey]*link{}, from: from, born: time.Now()}
	c.life, c.end = context.WithCancel(context.Background())
	c.requests.New = func() any { return new(request) }
	c.batches.New = func() any { return new(batch) }
	c.queries.New = func() any { return new(query) }
	return c, nil
}

// Close refuses new calls with ErrClosed, waits until those under way have
// ended, and closes every connection. Blocking commands and subscriptions end
// with ErrClosed at once. Connections that ForEachShard or Get handed out are
// of no use afterwards. The second Close returns ErrClosed.
func (c *Client) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return ErrClosed
	}
	c.closed = true
	links := c.links // does not change any more
	c.mu.Unlock()
	c.gate.shut()
	c.end()
	for _, l := range links {
		l.gate.shut()
	}
	c.gate.wait()
	for _, l := range links {
		l.close()
	}
	c.follower.Wait()
	c.watcher.Wait()
	return nil
}

// current returns the snapshot to use for one request.
func (c *Client) current() (*view, error) {
	if v := c.view.Load(); v != nil && v.Snapshot == c.topo.Snapshot() {
		return v, nil
	}
	return c.look()
}

// look makes the view of the current snapshot.
func (c *Client) look() (*view, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, ErrClosed
	}
	if c.follows() {
		c.watch()
	}
	v := &view{Snapshot: c.topo.Snapshot()}
	for i := range v.Shards {
		s := &v.Shards[i]
		to := func(n topology.Node) *link { return c.link(s.Name, n) }
		v.links = append(v.links, to(s.Primary))
		v.readers = append(v.readers, c.newReaders(s, to))
	}
	if old := c.view.Swap(v); old != nil {
		c.leave(old, v)
	}
	return v, nil
}

// link returns the link to a node of a shard. mu is held.
func (c *Client) link(shard string, n topology.Node) *link {
	key := linkKey{shard, n}
	if c.links[key] == nil {
		l := newLink(shard, n, &c.cfg, c.failed)
		l.topo, l.life = c.topo, c.life
		c.links[key] = l
	}
	return c.links[key]
}

// failed counts a failure of a shard's primary, if the pool is a cache, and has its nodes
// looked at.
func (c *Client) failed(shard string, n topology.Node) {
	c.doubt(shard)
	s := c.topo.Snapshot()
	if i := s.Index(shard); i >= 0 && s.Shards[i].Primary == n {
		c.topo.ReportFailure(i, time.Now())
	}
}

// deadline returns when a call that begins now must end: with its context or
// after timeout (0: none), whichever is first; zero: never.
func (c *Client) deadline(ctx context.Context, now time.Time, timeout time.Duration) time.Time {
	d, ok := ctx.Deadline()
	if timeout > 0 {
		if t := now.Add(timeout); !ok || t.Before(d) {
			return t
		}
	}
	return d
}

// Shards returns the names of the shards, in the order of the configuration.
func (c *Client) Shards() []string {
	s := c.topo.Snapshot()
	names := make([]string, len(s.Shards))
	for i := range s.Shards {
		names[i] = s.Shards[i].Name
	}
	return names
}

// ShardFor returns the name of the shard that owns a key. In a cache it may
// be another one when shards are ejected or let back in.
func (c *Client) ShardFor(key string) string {
	s := c.topo.Snapshot()
	return s.Shards[s.Ring.OwnerString(key)].Name
}
