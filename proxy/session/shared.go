package session

import (
	"sync/atomic"

	"github.com/shardring/shardring/proxy/acl"
	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/topology"
)

// Shared is what the cores of all loops have in common of a pool. Everything in it
// may be used concurrently.
type Shared struct {
	Topology *topology.Pool
	Zone     string // where the proxy stands, for balance: same_zone; set before a core has the pool

	users   atomic.Pointer[acl.Users] // at least as new as the topology's configuration
	scripts scripts
	table   atomic.Pointer[command.Table]

	clients   atomic.Int64 // that are connected
	postponed atomic.Int64 // of these, that a pause makes wait
	tracking  atomic.Int64 // that have CLIENT TRACKING on

	unknown chan struct{} // holds a token once a command was asked for that nobody knows
}

// Share makes what a pool's cores share. The error names what is wrong with its
// users or its shards.
func Share(cfg *config.Pool) (*Shared, error) {
	users, err := acl.ForPool(cfg)
	if err != nil {
		return nil, err
	}
	topo, err := topology.New(cfg)
	if err != nil {
		return nil, err
	}
	sh := &Shared{Topology: topo, unknown: make(chan struct{}, 1)}
	sh.users.Store(users)
	sh.table.Store(command.Builtin())
	return sh, nil
}

// Config returns the pool's settings as they are now.
func (sh *Shared) Config() *config.Pool { return sh.Topology.Snapshot().Config }

// Update gives the pool other settings, users, shards and nodes; its name stays.
// Every core takes them at the start of its next turn: see Pool.configure. On an error,
// of which [Share] would have the same, nothing has changed.
func (sh *Shared) Update(cfg *config.Pool) error {
	users, err := acl.ForPool(cfg)
	if err != nil {
		return err
	}
	before := sh.users.Swap(users)
	if _, err := sh.Topology.Update(cfg); err != nil {
		sh.users.Store(before)
		return err
	}
	return nil
}

// Learn adds commands of the pool's nodes to those that its clients may use; the
// ones that are known stay as they are. It returns how many are new.
func (sh *Shared) Learn(infos []command.Info) (int, error) {
	t, err := command.Builtin().With(infos)
	if err != nil {
		return 0, err
	}
	sh.table.Store(t)
	return t.Len() - command.Builtin().Len(), nil
}

// Unknown receives when a client has used a command that the pool does not know;
// perhaps its nodes do.
func (sh *Shared) Unknown() <-chan struct{} { return sh.unknown }

func (sh *Shared) wonder() {
	select {
	case sh.unknown <- struct{}{}:
	default:
	}
}
