package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/shardring/shardring/shard/shardtest"
)

// mode is one way to look at the proxy.
type mode struct {
	name    string
	servers int      // behind the proxy
	args    []string // of runtest
}

var modes = []mode{
	// What the suite asks of a Redis Cluster: one database, and keys of one
	// command in one slot where it matters.
	{name: "sharded", servers: 4, args: []string{"--singledb", "--cluster-mode"}},
	// What it asks of any server: a pool of one has no shards to cross.
	{name: "single", servers: 1},
}

// target is what the suite talks to.
type target uint8

const (
	directTarget target = iota // one redis-server
	proxyTarget                // shardproxy before the mode's servers
)

func (t target) String() string {
	if t == directTarget {
		return "direct"
	}
	return "proxy"
}

// fleet is the processes for one unit, front last.
type fleet []*shardtest.Server

// startFleet starts a redis-server, or the servers of m with the proxy, whose
// binary is named, before them. The caller closes the fleet.
func startFleet(ctx context.Context, m mode, t target, proxy string) (f fleet, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, f.close())
		}
	}()
	n := 1
	if t == proxyTarget {
		n = m.servers
	}
	for range n {
		s, err := shardtest.Start(ctx, shardtest.RedisSpec())
		if err != nil {
			return f, err
		}
		f = append(f, s)
	}
	if t == directTarget {
		return f, nil
	}
	p, err := shardtest.Start(ctx, shardtest.Spec{
		Name:    "shardproxy",
		Program: proxy,
		Args:    []string{"run", "-c", "${CONFIG}"},
		Config:  poolConfig(f),
		Ready:   shardtest.ReadyRedis,
	})
	if err != nil {
		return f, err
	}
	return append(f, p), nil
}

// front is where the suite connects to.
func (f fleet) front() (host, port string) {
	host, port, _ = net.SplitHostPort(f[len(f)-1].Addr)
	return host, port
}

// crashes tells of each process that has ended by itself, with its log.
func (f fleet) crashes() []string {
	var all []string
	for _, s := range f {
		if s.State() == shardtest.Exited {
			all = append(all, fmt.Sprintf("the server at %s has ended; --verbose shows its log\n%s", s.Addr, s.Log()))
		}
	}
	return all
}

func (f fleet) close() error {
	var errs []error
	for _, s := range f {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// poolConfig is the proxy's file.
func poolConfig(servers []*shardtest.Server) string {
	var b strings.Builder
	b.WriteString("conformance:\n  listen: ${ADDR}\n  redis: true\n  distribution: murmur3\n  shards:\n")
	for i, s := range servers {
		fmt.Fprintf(&b, "    - {name: shard-%d, primary: %s}\n", i+1, s.Addr)
	}
	return b.String()
}
