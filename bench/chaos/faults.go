package main

import (
	"context"
	"net"
	"time"

	"github.com/shardring/shardring/bench/chaos/internal/fleet"
)

func nothing(ctx context.Context, r *run) error { return sleep(ctx, r.env.stretch) }

func downAndBack(ctx context.Context, r *run) error {
	for _, n := range r.victim().Nodes {
		if err := n.Kill(); err != nil {
			return err
		}
	}
	if err := sleep(ctx, r.env.beyond()); err != nil {
		return err
	}
	for _, n := range r.victim().Nodes {
		if err := n.Restart(); err != nil {
			return err
		}
	}
	return nil
}

func pauseAndResume(ctx context.Context, r *run) error {
	p := r.victim().Nodes[0]
	if err := p.Pause(); err != nil {
		return err
	}
	if err := sleep(ctx, r.env.beyond()); err != nil {
		return err
	}
	return p.Resume()
}

// toxic is a fault on the way to the victim.
func toxic(d fleet.Direction, kind string, attributes map[string]int) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) error {
		if err := r.victim().Link.Add(kind, d, attributes); err != nil {
			return err
		}
		if err := sleep(ctx, r.env.beyond()); err != nil {
			return err
		}
		r.victim().Link.Clear()
		return nil
	}
}

func unplugged(ctx context.Context, r *run) error {
	h := r.victim().Nodes[0].Host
	if err := h.Unplug(); err != nil {
		return err
	}
	if err := sleep(ctx, r.env.beyond()); err != nil {
		return err
	}
	return h.Plug()
}

func killReplica(ctx context.Context, r *run) error {
	return r.killed(ctx, r.victim().Nodes[1])
}

func killSentinel(ctx context.Context, r *run) error {
	return r.killed(ctx, r.fleet.Sentinels[0])
}

func (r *run) killed(ctx context.Context, n *fleet.Node) error {
	if err := n.Kill(); err != nil {
		return err
	}
	if err := sleep(ctx, r.env.beyond()); err != nil {
		return err
	}
	return n.Restart()
}

func killPrimary(ctx context.Context, r *run) error {
	p := r.victim().Nodes[0]
	if err := p.Kill(); err != nil {
		return err
	}
	return r.replaced(ctx, p.Restart)
}

func stopPrimary(ctx context.Context, r *run) error {
	p := r.victim().Nodes[0]
	if err := p.Pause(); err != nil {
		return err
	}
	return r.replaced(ctx, p.Resume)
}

func partition(ctx context.Context, r *run) error {
	h := r.victim().Nodes[0].Host
	if err := h.Unplug(); err != nil {
		return err
	}
	return r.replaced(ctx, h.Plug)
}

func split(ctx context.Context, r *run) error {
	h := r.victim().Nodes[0].Host
	var others []*fleet.Host
	for _, n := range append(r.victim().Nodes[1:], r.fleet.Sentinels...) {
		others = append(others, n.Host)
	}
	if err := h.Shun(others...); err != nil {
		return err
	}
	return r.replaced(ctx, func() error { return h.Rejoin(others...) })
}

// replaced waits for Sentinel's switch and a while, takes the fault back and waits
// until the shard is whole.
func (r *run) replaced(ctx context.Context, heal func() error) error {
	if err := r.switched(ctx); err != nil {
		return err
	}
	if err := sleep(ctx, 2*time.Second); err != nil {
		return err
	}
	if err := heal(); err != nil {
		return err
	}
	return r.victim().Settled(ctx)
}

// switched waits for Sentinel to tell of a new primary.
func (r *run) switched(ctx context.Context) error {
	at, err := r.fleet.Switch(ctx, r.victim(), r.began, 20*time.Second)
	if err != nil {
		return err
	}
	r.back = at
	r.say("Sentinel switched after %v", at.Sub(r.began).Round(time.Millisecond))
	return nil
}

func sentinelFailover(ctx context.Context, r *run) error {
	if _, err := r.fleet.Sentinels[0].Do("SENTINEL", "FAILOVER", r.victim().Name); err != nil {
		return err
	}
	if err := r.switched(ctx); err != nil {
		return err
	}
	return r.victim().Settled(ctx)
}

func plannedFailover(ctx context.Context, r *run) error {
	to := r.victim().Nodes[1]
	if err := r.handOver(ctx, to); err != nil {
		return err
	}
	return r.regroup(ctx, to)
}

// handOver has Redis itself make a replica the primary without losing a write, and
// returns as soon as it is.
func (r *run) handOver(ctx context.Context, to *fleet.Node) error {
	host, port, err := net.SplitHostPort(to.Addr)
	if err != nil {
		return err
	}
	if _, err := r.victim().Nodes[0].Do("FAILOVER", "TO", host, port, "TIMEOUT", 5000); err != nil {
		return err
	}
	err = r.victim().AwaitPrimary(ctx, to)
	r.back = time.Now()
	r.say("handed over after %v", r.back.Sub(r.began).Round(time.Millisecond))
	return err
}

// regroup has the other replicas follow the new primary, which FAILOVER leaves undone.
func (r *run) regroup(ctx context.Context, primary *fleet.Node) error {
	for _, n := range r.victim().Nodes[1:] {
		if n == primary {
			continue
		}
		if err := n.Follow(primary.Addr); err != nil {
			return err
		}
	}
	return r.victim().Settled(ctx)
}
