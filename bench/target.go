package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/shardring/shardring/shard/shardtest"
	"github.com/shardring/shardring/shard/shardtest/program"
)

// target is something that answers Redis clients: a proxy in front of the
// redis-servers, or one of these itself.
type target struct {
	name string
	note string // what a reader of its figures has to know
	ours bool   // a failure of it fails the whole run
	legs int    // connections it holds for each client, its own included

	sharding bool // spreads keys over the redis-servers; the others use the first

	// spec describes the proxy's process; nil: the first redis-server itself.
	spec func(shards []string) shardtest.Spec
}

// targets are all that can be chosen, in the order of the tables.
// shardproxy is the path of our binary, empty if it was not asked for.
func targets(shardproxy string) []target {
	ours := func(args ...string) func([]string) shardtest.Spec {
		return func(shards []string) shardtest.Spec {
			return shardtest.Spec{
				Name:    "shardproxy",
				Program: shardproxy,
				Args:    append([]string{"run", "-c", "${CONFIG}"}, args...),
				Config:  poolConfig(shards),
				Ready:   shardtest.ReadyRedis,
			}
		}
	}
	return []target{
		{
			name: "direct",
			note: "no proxy: straight to one redis-server, whose CPU time and memory are shown",
		},
		{
			name:     "nutcracker",
			note:     "ketama over four redis-servers, mbufs of 16 KiB as it comes",
			legs:     1,
			sharding: true,
			spec:     func(shards []string) shardtest.Spec { return shardtest.NutcrackerSpec(poolConfig(shards)) },
		},
		{
			name: "haproxy",
			note: "TCP mode, one thread: parses nothing, and forwards to ONE redis-server, as it cannot shard",
			legs: 2,
			spec: func(shards []string) shardtest.Spec { return shardtest.HAProxySpec(haproxyConfig(shards[0])) },
		},
		{
			name:     "shardproxy",
			note:     "ketama over the same four, from the same file as nutcracker",
			ours:     true,
			legs:     1,
			sharding: true,
			spec:     ours(),
		},
		{
			name:     "goroutine",
			note:     "shardproxy with --driver goroutine",
			ours:     true,
			legs:     1,
			sharding: true,
			spec:     ours("--driver", "goroutine"),
		},
	}
}

// baseline is what ratios are taken to, if it is among the targets.
const baseline = "nutcracker"

// chooseTargets picks targets by the names in list, separated by commas, and
// keeps the order of all.
func chooseTargets(all []target, list string) ([]target, error) {
	return program.Choose("--targets", "target", all, func(t target) string { return t.name }, list)
}

// sharders are those of the targets that spread keys.
func sharders(chosen []target) []target {
	return slices.DeleteFunc(slices.Clone(chosen), func(t target) bool { return !t.sharding })
}

// over is the target with only the first count redis-servers behind it.
func over(t target, count int) target {
	spec := t.spec
	t.name = fmt.Sprintf("%s over %d", t.name, count)
	t.spec = func(shards []string) shardtest.Spec { return spec(shards[:count]) }
	return t
}

// poolConfig is the one file that both nutcracker and shardproxy run.
func poolConfig(shards []string) string {
	var b strings.Builder
	b.WriteString("bench:\n  listen: ${ADDR}\n  redis: true\n  hash: fnv1a_64\n  distribution: ketama\n" +
		"  preconnect: true\n  backlog: 4096\n  servers:\n")
	for i, addr := range shards {
		fmt.Fprintf(&b, "   - %s:1 shard-%d\n", addr, i+1)
	}
	return b.String()
}

func haproxyConfig(backend string) string {
	return `global
  nbthread 1
defaults
  mode tcp
  timeout connect 5s
  timeout client 10m
  timeout server 10m
listen bench
  bind ${ADDR} backlog 4096
  server one ` + backend + `
`
}

// running is a started target.
type running struct {
	target
	addr   string
	server *shardtest.Server // its process; for direct, the redis-server
}

func (r running) pid() int { return r.server.Pid() }

// fleet is the redis-servers and the targets before them.
type fleet struct {
	shards  []*shardtest.Server
	proxies []*shardtest.Server
	targets []running
}

// startFleet starts count redis-servers and every target. The caller closes
// the fleet.
func startFleet(ctx context.Context, count int, chosen []target) (*fleet, error) {
	f := &fleet{}
	var addrs []string
	for range count {
		s, err := shardtest.Start(ctx, shardtest.RedisSpec(shardtest.Args("--maxclients", "30000", "--tcp-backlog", "4096")))
		if err != nil {
			return nil, f.closeWith(err)
		}
		f.shards = append(f.shards, s)
		addrs = append(addrs, s.Addr)
	}
	for _, t := range chosen {
		server := f.shards[0]
		if t.spec != nil {
			var err error
			if server, err = shardtest.Start(ctx, t.spec(addrs)); err != nil {
				return nil, f.closeWith(err)
			}
			f.proxies = append(f.proxies, server)
		}
		f.targets = append(f.targets, running{t, server.Addr, server})
	}
	return f, nil
}

// restartProxies begins a load with fresh proxies: some keep for ever the memory
// that an earlier load made them take.
func (f *fleet) restartProxies() error {
	for _, s := range f.proxies {
		if err := s.Restart(); err != nil {
			return err
		}
	}
	return nil
}

// closeWith closes the fleet after err and returns err.
func (f *fleet) closeWith(err error) error {
	f.close()
	return err
}

func (f *fleet) close() {
	for _, s := range append(f.proxies, f.shards...) {
		if err := s.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
	}
}

// shardPids are the processes of the redis-servers.
func (f *fleet) shardPids() []int {
	var pids []int
	for _, s := range f.shards {
		pids = append(pids, s.Pid())
	}
	return pids
}
