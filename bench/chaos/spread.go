package main

import (
	"context"
	"fmt"
	"time"

	"github.com/shardring/shardring/bench/chaos/internal/fleet"
	"github.com/shardring/shardring/bench/chaos/internal/load"
)

// replicas of the one shard of the scenario spread.
const readers = 3

// spread has three replicas answer reads, counts at each who did, then stops one, and
// then lets one fall behind.
func spread(ctx context.Context, e env) *row {
	r := &run{env: e, row: &row{name: "spread"}}
	if err := r.spread(ctx); err != nil {
		r.row.fail("%v", err)
	}
	return r.row
}

func (r *run) spread(ctx context.Context) error {
	spec := servers(pool("read_from: prefer_replica", "max_replica_lag: 1s"))
	spec.Shards, spec.Replicas = 1, readers
	f, err := fleet.Start(ctx, r.env.servers(spec))
	if err != nil {
		return err
	}
	defer f.Close()
	r.fleet = f
	r.load, err = load.Start(load.Spec{
		Proxy: f.Proxy.Addr, File: f.Proxy.ConfigPath(), Pool: "chaos", Library: true,
		Workers: 4, Think: think / 2, Old: true,
	})
	if err != nil {
		return err
	}
	defer r.load.Close()
	r.began = time.Now()
	faulty := r.spreadPhases(ctx)
	resume := r.load.Rest()
	if err := r.audit(); err != nil && faulty == nil {
		faulty = err
	}
	resume()
	result := r.load.Stop()
	r.row.verdict, r.row.kinds = r.load.Verdict(), map[string]int{}
	for _, p := range []load.Phase{load.Before, load.During, load.After} {
		for kind, n := range byWay(result, p) {
			r.row.kinds[kind] += n
		}
	}
	// A read that hangs at a stopped replica takes as long as the time limit.
	if longest := time.Duration(result.Latency(load.During, load.Every).Max()) * time.Microsecond; longest > r.env.limit/3 {
		r.row.fail("an answer took %v while a replica was known to be stopped", longest)
	}
	if r.row.verdict.Wrong > 0 {
		r.row.fail("%d wrong answers, or acknowledged writes lost", r.row.verdict.Wrong)
	}
	if r.row.errors = total(r.row.kinds); r.row.errors > 0 {
		r.row.fail("%d errors seen by clients, want none", r.row.errors)
	}
	return faulty
}

func (r *run) spreadPhases(ctx context.Context) error {
	primary, replicas := r.victim().Nodes[0], r.victim().Nodes[1:]
	if err := sleep(ctx, 3*time.Second); err != nil { // replicas have been found
		return err
	}
	r.load.Enter(load.Before)
	reads, err := r.readsBy(ctx, r.victim().Nodes)
	if err != nil {
		return err
	}
	r.say("GETs of the primary and each replica: %v", reads)
	least, most := min(reads[1], reads[2], reads[3]), max(reads[1], reads[2], reads[3])
	if least == 0 || float64(most) > 1.1*float64(least) {
		r.row.fail("reads of the replicas are %v, want them within 10%% of each other", reads[1:])
	}
	// The library reads from the primary what stands in a pipeline with a write to the
	// shard; all others go to the replicas.
	if reads[0] > least*3 {
		r.row.fail("the primary answered %d reads", reads[0])
	}

	r.load.Enter(load.Warming) // what is under way at a replica that stops may fail
	stopped := replicas[0]
	if err := stopped.Pause(); err != nil {
		return err
	}
	if err := sleep(ctx, r.env.limit+time.Second); err != nil { // it has been found to hang
		return err
	}
	r.load.Enter(load.During)
	others, err := r.readsBy(ctx, replicas[1:])
	if err != nil {
		return err
	}
	r.say("GETs of the other two while one is stopped: %v", others)
	r.load.Enter(load.Warming)
	if err := stopped.Resume(); err != nil {
		return err
	}

	// The last one follows the primary over a link that lets little through.
	lagging := replicas[2]
	link, err := fleet.NewLink(primary.Addr)
	if err != nil {
		return err
	}
	defer link.Close()
	if err := lagging.Follow(link.Addr); err != nil {
		return err
	}
	if err := r.victim().AwaitReplicas(ctx, readers); err != nil {
		return err
	}
	if err := link.Add("latency", fleet.FromServer, map[string]int{"latency": 5000}); err != nil {
		return err
	}
	if err := sleep(ctx, 4*time.Second); err != nil { // the lag has been noticed
		return err
	}
	r.load.Enter(load.After)
	late, err := r.readsBy(ctx, []*fleet.Node{lagging})
	if err != nil {
		return err
	}
	r.say("GETs of a replica that is 5 s behind: %d", late[0])
	if late[0] > 0 {
		r.row.fail("a replica 5 s behind answered %d reads, want none above max_replica_lag: 1s", late[0])
	}
	link.Clear()
	return lagging.Follow(primary.Addr)
}

// readsBy counts the GETs that nodes execute in a stretch.
func (r *run) readsBy(ctx context.Context, nodes []*fleet.Node) ([]int, error) {
	count := func() (calls []int, err error) {
		for _, n := range nodes {
			c, err := n.Calls("get")
			if err != nil {
				return nil, fmt.Errorf("count the GETs of %s: %w", n.Addr, err)
			}
			calls = append(calls, c)
		}
		return calls, nil
	}
	before, err := count()
	if err != nil {
		return nil, err
	}
	if err := sleep(ctx, r.env.stretch); err != nil {
		return nil, err
	}
	after, err := count()
	for i := range after {
		after[i] -= before[i]
	}
	return after, err
}
