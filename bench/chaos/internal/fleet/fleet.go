package fleet

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shardring/shardring/shard/shardtest"
)

// Spec says what to start.
type Spec struct {
	Shardproxy string // path of the binary
	Shards     int
	Replicas   int // of each shard
	Sentinels  int // 0: none; the nodes stand in the file only

	Hosts      bool     // every server on a host of its own; wants root on Linux
	Links      bool     // primaries are reached through a Link
	Persistent bool     // each write is on disk before it is acknowledged
	Config     []string // further lines of the redis-servers' configuration
	Pool       []string // further lines of the pool in shardproxy's file
	Process    []string // lines under shardproxy: in that file
}

// Shard is a primary and its replicas.
type Shard struct {
	Name  string
	Nodes []*Node // the first began as the primary
	Link  *Link   // the way to the first, nil without Links
}

// Fleet is what was started.
type Fleet struct {
	Spec      Spec
	Shards    []*Shard
	Sentinels []*Node
	Proxy     *shardtest.Server
	Control   *shardtest.Server // a redis-server that is no shard and meets no fault

	network *network // nil without Hosts
	watched *watched // nil without Sentinels
}

// Start starts all, and returns when replicas are in step and Sentinels know each
// other. The caller closes the fleet.
func Start(ctx context.Context, spec Spec) (_ *Fleet, err error) {
	f := &Fleet{Spec: spec}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	if spec.Hosts {
		if f.network, err = newNetwork(ctx); err != nil {
			return nil, err
		}
	}
	for i := range spec.Shards {
		if err := f.startShard(ctx, fmt.Sprintf("p-%d", i+1)); err != nil {
			return nil, err
		}
	}
	for _, s := range f.Shards {
		if err := s.AwaitReplicas(ctx, spec.Replicas); err != nil {
			return nil, err
		}
	}
	if spec.Sentinels > 0 {
		if err := f.startSentinels(ctx); err != nil {
			return nil, err
		}
	}
	if f.Control, err = shardtest.Start(ctx, shardtest.RedisSpec()); err != nil {
		return nil, err
	}
	return f, f.startProxy(ctx)
}

func (f *Fleet) startShard(ctx context.Context, name string) error {
	s := &Shard{Name: name}
	f.Shards = append(f.Shards, s)
	for i := range 1 + f.Spec.Replicas {
		var of *Node
		if i > 0 {
			of = s.Nodes[0]
		}
		n, err := f.startNode(ctx, of)
		if err != nil {
			return err
		}
		s.Nodes = append(s.Nodes, n)
	}
	if f.Spec.Links {
		var err error
		s.Link, err = NewLink(s.Nodes[0].Addr)
		return err
	}
	return nil
}

// File is the pool's file: as shardproxy gets it, with listen and admin to be
// filled in by shardtest.
func (f *Fleet) File() string {
	var b strings.Builder
	b.WriteString("chaos:\n  listen: ${ADDR}\n  redis: true\n")
	for _, line := range f.Spec.Pool {
		b.WriteString("  " + line + "\n")
	}
	if len(f.Sentinels) > 0 {
		var addrs []string
		for _, s := range f.Sentinels {
			addrs = append(addrs, s.Addr)
		}
		fmt.Fprintf(&b, "  sentinels: [%s]\n", quoted(addrs))
	}
	b.WriteString("  shards:\n")
	for _, s := range f.Shards {
		primary, replicas := s.Nodes[0].Addr, []string(nil)
		if s.Link != nil {
			primary = s.Link.Addr
		}
		for _, r := range s.Nodes[1:] {
			replicas = append(replicas, r.Addr)
		}
		fmt.Fprintf(&b, "    - {name: %s, primary: \"%s\", replicas: [%s]}\n", s.Name, primary, quoted(replicas))
	}
	if len(f.Spec.Process) > 0 {
		b.WriteString("shardproxy:\n")
		for _, line := range f.Spec.Process {
			b.WriteString("  " + line + "\n")
		}
	}
	return b.String()
}

func quoted(addrs []string) string {
	var q []string
	for _, a := range addrs {
		q = append(q, `"`+a+`"`)
	}
	return strings.Join(q, ", ")
}

func (f *Fleet) startProxy(ctx context.Context) (err error) {
	f.Proxy, err = shardtest.Start(ctx, shardtest.Spec{
		Name: "shardproxy", Program: f.Spec.Shardproxy,
		Args:   []string{"run", "-c", "${CONFIG}"},
		Config: f.File(),
		Ready:  shardtest.ReadyTCP,
	})
	return err
}

// Nodes are all nodes of all shards.
func (f *Fleet) Nodes() []*Node {
	var all []*Node
	for _, s := range f.Shards {
		all = append(all, s.Nodes...)
	}
	return all
}

// Close ends all that was started.
func (f *Fleet) Close() error {
	var errs []error
	if f.watched != nil {
		f.watched.close()
	}
	for _, s := range []*shardtest.Server{f.Proxy, f.Control} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	for _, n := range append(f.Sentinels, f.Nodes()...) {
		errs = append(errs, n.server.Close())
	}
	for _, s := range f.Shards {
		if s.Link != nil {
			s.Link.Close()
		}
	}
	if f.network != nil {
		errs = append(errs, f.network.close())
	}
	return errors.Join(errs...)
}

// await asks until what returns nil, for limit at most.
func await(ctx context.Context, limit time.Duration, what func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := what()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not within %v: %w", limit, err)
		case <-tick.C:
		}
	}
}
