package main

import (
	"context"
	"strings"
)

// singleSection is what a proxy costs where one redis-server would do.
type singleSection struct{ comparison }

func singleLoads() []Load {
	return []Load{
		{"GET", 1, 64, 50, 1},
		{"GET", 1, 64, 50, 16},
	}
}

// singleTargets are the redis-server alone, the sharding proxies before it, and
// ours before four.
func singleTargets(chosen []target) []target {
	list := []target{targets("")[0]}
	for _, t := range sharders(chosen) {
		list = append(list, over(t, 1))
		if t.ours {
			list = append(list, over(t, 4))
		}
	}
	return list
}

func measureSingle(ctx context.Context, p plan, chosen []target) (singleSection, error) {
	list := singleTargets(chosen)
	p.loads = singleLoads()
	s := singleSection{comparison{targets: list, plan: p}}
	f, err := startFleet(ctx, 4, list)
	if err != nil {
		return s, err
	}
	defer f.close()
	s.results, err = f.run(ctx, p)
	return s, err
}

func (s singleSection) write(b *strings.Builder) {
	if len(s.results) == 0 {
		return
	}
	b.WriteString("## Before one redis-server\n\n" +
		"What a proxy costs where one redis-server would do, to the clients that ask it directly; and shardproxy over four. " +
		"The CPU of direct is redis-server's.\n\n")
	s.writeRatios(b, s.targets[0].name)
	s.writeFigures(b)
	s.writeFailed(b)
}
