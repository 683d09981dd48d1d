package shard

import (
	"errors"
	"fmt"
	"slices"

	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/config/follow"
)

// FileChange is what came of another content of the file that a client follows.
type FileChange struct {
	// Changes say what is different in the pool, as config.Diff does: the client goes
	// by it now.
	Changes []string
	// Ignored are settings that a client has for life: for these a new one is needed.
	Ignored []string
	// Err is why the content was refused and the client goes on as before: a
	// config.Errors with lines and columns, or a *config.MovedError.
	Err error
}

// Follow is Open, and the client goes on with the file when it changes: shards and
// their servers come, go and move without a call that fails for it. A content that
// would place keys on other shards is refused, unless it says shardproxy:
// {accept_moved_keys: true}. Calls that are under way end where they began. Connections
// to servers that left stay until Close, and the client watches the shards that it began
// with: a shard that comes later is where the file says.
//
// told, if it is not nil, is called for every content that is not the same to this pool,
// one after another; it must not call Close.
func Follow(file, pool string, told func(FileChange)) (*Client, error) {
	read, err := config.Load(file)
	if err != nil {
		return nil, err
	}
	p, err := redisPool(read, pool)
	if err != nil {
		return nil, err
	}
	c, err := New(configIn(read, p))
	if err != nil {
		return nil, err
	}
	f := &followed{c: c, pool: p}
	c.follower.Go(func() {
		follow.File(c.life, file, func(data []byte) {
			if change := f.take(file, data); told != nil && change != nil {
				told(*change)
			}
		})
	})
	return c, nil
}

// redisPool returns the pool of a file, if a client can be made of it.
func redisPool(f *config.File, name string) (*config.Pool, error) {
	p, err := f.Pool(name)
	if err == nil && !p.Redis {
		err = &ConfigError{"pool " + name, "redis: false", "this library speaks Redis's protocol; want redis: true"}
	}
	return p, err
}

// followed is a client and the pool that it goes by; the follower owns it.
type followed struct {
	c    *Client
	pool *config.Pool
}

// take has the client go by another content; nil: it says the same.
func (f *followed) take(path string, data []byte) *FileChange {
	next, err := f.judge(path, data)
	if err != nil {
		return &FileChange{Err: err}
	}
	changes := config.Diff(&config.File{Pools: []*config.Pool{f.pool}}, &config.File{Pools: []*config.Pool{next}})
	if len(changes) == 0 {
		return nil
	}
	cfg, err := ConfigOf(next).withDefaults()
	if err != nil {
		return &FileChange{Err: err}
	}
	ignores := ignored(&f.c.cfg, &cfg)
	cfg.AutoEject = f.c.cfg.AutoEject
	pool, err := cfg.pool()
	if err != nil {
		return &FileChange{Err: err}
	}
	if _, err := f.c.topo.Update(pool); err != nil {
		return &FileChange{Err: err}
	}
	f.pool = next
	return &FileChange{Changes: changes, Ignored: ignores}
}

// judge reads a content and finds out whether the client can go by it.
func (f *followed) judge(path string, data []byte) (*config.Pool, error) {
	file, err := config.Parse(path, data)
	if err != nil {
		return nil, err
	}
	next, err := redisPool(file, f.pool.Name)
	if err != nil {
		return nil, err
	}
	moved := config.Moved(f.pool, next)
	switch {
	case moved == nil:
	case next.Database != f.pool.Database:
		return nil, errors.Join(moved, errors.New("a client stays in its database"))
	case !file.Proxy.AcceptMovedKeys:
		return nil, moved
	}
	return next, nil
}

// ignored lists what of a configuration a client has for life.
func ignored(was, is *Config) []string {
	var all []string
	differ := func(name string, a, b any) {
		if a != b {
			all = append(all, fmt.Sprintf("%s %v -> %v", name, a, b))
		}
	}
	differ("timeout", was.Timeout, is.Timeout)
	differ("connect_timeout", was.DialTimeout, is.DialTimeout)
	differ("cross_shard_reads", was.CrossShardReads, is.CrossShardReads)
	differ("read_from", was.ReadFrom, is.ReadFrom)
	differ("balance", was.Balance, is.Balance)
	differ("max_replica_lag", was.MaxReplicaLag, is.MaxReplicaLag)
	differ("max_replica_lag_bytes", was.MaxReplicaLagBytes, is.MaxReplicaLagBytes)
	differ("hedge_reads", was.HedgeReads, is.HedgeReads)
	differ("max_in_flight", was.MaxInFlight, is.MaxInFlight)
	differ("read_your_writes", was.ReadYourWrites, is.ReadYourWrites)
	differ("auto_eject_hosts", was.AutoEject, is.AutoEject)
	differ("health_interval", was.HealthInterval, is.HealthInterval)
	if !slices.Equal(was.Sentinels, is.Sentinels) {
		all = append(all, fmt.Sprintf("sentinels %v -> %v", was.Sentinels, is.Sentinels))
	}
	if was.Username != is.Username || was.Password != is.Password {
		all = append(all, "the login at the servers")
	}
	return all
}
