package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/shardring/shardring/shard/shardtest"
)

// memcachedSection is shardproxy before four memcached servers, beside nutcracker and one of
// these; and beside shardproxy before Redis, for what the protocol costs.
type memcachedSection struct{ comparison }

// overRedis is the target that speaks Redis.
const overRedis = "shardproxy, Redis"

func memcachedLoads() []Load {
	return []Load{
		{"GET", 1, 64, 50, 1},
		{"SET", 1, 64, 50, 1},
		{"MGET", 10, 64, 50, 1},
		{"GET", 1, 64, 50, 16},
		{"MGET", 10, 64, 50, 8},
	}
}

// memcachedTargets are chosen's that speak memcached, each from the file it has for Redis,
// without redis: true.
func memcachedTargets(chosen []target) []target {
	list := []target{{name: "direct", note: "one memcached"}}
	for _, t := range sharders(chosen) {
		spec := t.spec
		t.spec = func(shards []string) shardtest.Spec {
			s := spec(shards)
			s.Config = strings.Replace(s.Config, "  redis: true\n", "", 1)
			if s.Ready != nil {
				s.Ready = shardtest.ReadyMemcached
			}
			return s
		}
		list = append(list, t)
	}
	return list
}

func measureMemcached(ctx context.Context, p plan, chosen []target) (s memcachedSection, err error) {
	if p.rounds, p.seconds = max(p.rounds, 5), max(p.seconds, 1); len(chosen) == 0 {
		return s, errors.New("--memcached: no target")
	}
	p.loads = memcachedLoads()
	f := &fleet{}
	defer f.close()
	start := func(spec shardtest.Spec, to *[]*shardtest.Server) (*shardtest.Server, error) {
		server, err := shardtest.Start(ctx, spec)
		if err == nil {
			*to = append(*to, server)
		}
		return server, err
	}
	var caches, stores []string
	for range 4 {
		cache, err := start(shardtest.MemcachedSpec(shardtest.Args("-t", "1")), &f.shards)
		if err != nil {
			return s, err
		}
		store, err := start(shardtest.RedisSpec(), &f.shards)
		if err != nil {
			return s, err
		}
		caches, stores = append(caches, cache.Addr), append(stores, store.Addr)
	}
	list := memcachedTargets(chosen)
	for _, t := range chosen {
		if t.name == "shardproxy" {
			t.name = overRedis
			list = append(list, t)
		}
	}
	for _, t := range list {
		server, over := f.shards[0], caches
		if t.name == overRedis {
			over = stores
		}
		if t.spec != nil {
			if server, err = start(t.spec(over), &f.proxies); err != nil {
				return s, err
			}
		}
		f.targets = append(f.targets, running{t, server.Addr, server})
	}
	s = memcachedSection{comparison{targets: list, plan: p}}
	for _, t := range f.targets {
		w := wireOf(t.name, p.loads[0])
		if err := w.store(ctx, t.addr); err != nil {
			return s, fmt.Errorf("%s: %w", t.name, err)
		}
	}
	for i, load := range p.loads {
		fmt.Fprintf(p.progress, "[%d/%d] memcached, %s:", i+1, len(p.loads), load)
		r := result{load: load}
		measure := func(i, n int) Sample {
			t := f.targets[i]
			return f.sample(ctx, t, n, p.limit(), func(ctx context.Context) (clientFigures, error) {
				return wireOf(t.name, load).run(ctx, t.addr, n)
			})
		}
		counts := make([]int, len(f.targets))
		for i := range counts {
			// A pipelining client's first few requests tell little of the rate.
			n := requestsFor(load, measure(i, load.probe()).Rate, p.seconds/10)
			counts[i] = requestsFor(load, measure(i, n).Rate, p.seconds)
		}
		r.samples = takeTurns(p.rounds, len(f.targets), func(i int) Sample { return measure(i, counts[i]) })
		for t, target := range f.targets {
			if rate := medianOf(r.samples[t], rateOf); math.IsNaN(rate) {
				fmt.Fprintf(p.progress, " %s failed: %v", target.name, r.samples[t][0].Err)
			} else {
				fmt.Fprintf(p.progress, " %s %s/s", target.name, thousands(int(rate)))
			}
		}
		fmt.Fprintln(p.progress)
		if s.results = append(s.results, r); ctx.Err() != nil {
			return s, ctx.Err()
		}
	}
	return s, nil
}

func (s memcachedSection) write(b *strings.Builder) {
	if len(s.results) == 0 {
		return
	}
	b.WriteString("## memcached\n\n" +
		"GET, SET and MGET are memcached's get, set and get of several keys; the load is this program's own, a closed loop. " +
		"\"" + overRedis + "\" asks shardproxy before four redis-servers for the same. The CPU of direct is memcached's.\n\n")
	for _, base := range []string{baseline, overRedis} {
		if s.index(base) >= 0 {
			fmt.Fprintf(b, "### Ratios to %s\n\n", base)
			s.writeRatios(b, base)
		}
	}
	s.writeFigures(b)
	s.writeFailed(b)
}
