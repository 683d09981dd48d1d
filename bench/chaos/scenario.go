package main

import (
	"context"
	"time"

	"github.com/shardring/shardring/bench/chaos/internal/fleet"
	"github.com/shardring/shardring/bench/chaos/internal/history"
	"github.com/shardring/shardring/bench/chaos/internal/load"
)

// scenario is one fault and what has to hold.
type scenario struct {
	name, about string
	fleet       fleet.Spec
	load        load.Spec

	// fault applies the fault to the victim and takes it back.
	fault func(ctx context.Context, r *run) error
	// alone runs the scenario in place of fault, fleet and load.
	alone func(ctx context.Context, e env) *row

	allows   history.Leniency // what the victim is forgiven while the fault lasts
	noErrors bool             // no client may see an error
	switches bool             // Sentinel makes another node the primary
	shared   bool             // all shards are under the fault, so there are no others to compare
}

// victim is the shard that faults are applied to.
const victim = 0

// Limits that hold everywhere.
const (
	recoveryLimit = time.Second // after Sentinel's switch
	slowdownLimit = 2           // of other shards' p99; looked at where a server that is no shard kept within it
	// slowdownFloor is what a p99 may be in any case: below that the scheduler of a
	// machine with two cores that runs a dozen servers says more than we do.
	slowdownFloor = 15 * time.Millisecond
)

// think leaves the machine most of its time.
const think = 10 * time.Millisecond

// servers is what most scenarios want.
func servers(change ...func(*fleet.Spec)) fleet.Spec {
	spec := fleet.Spec{Shards: 3, Replicas: 2, Sentinels: 3, Pool: []string{"health_interval: 500ms"}}
	for _, c := range change {
		c(&spec)
	}
	return spec
}

// listed has no Sentinels and no replicas.
func listed(s *fleet.Spec) { s.Replicas, s.Sentinels = 0, 0 }

// unwatched has replicas, and no Sentinel that would take FAILOVER for a fault.
func unwatched(s *fleet.Spec) { s.Sentinels = 0 }

func linked(s *fleet.Spec) { s.Links = true }

func onHosts(s *fleet.Spec) { s.Hosts = true }

func persistent(s *fleet.Spec) { s.Persistent = true }

// careful has primaries refuse writes that no replica would get.
func careful(s *fleet.Spec) {
	s.Config = append(s.Config, "min-replicas-to-write 1", "min-replicas-max-lag 2")
}

func pool(lines ...string) func(*fleet.Spec) {
	return func(s *fleet.Spec) { s.Pool = append(s.Pool, lines...) }
}

func clients(change ...func(*load.Spec)) load.Spec {
	spec := load.Spec{Library: true, Think: think}
	for _, c := range change {
		c(&spec)
	}
	return spec
}

// durable counts a write as acknowledged when both replicas have it.
func durable(s *load.Spec) { s.Durable = 2 }

// scenarios are all, in the order in which they are run.
func scenarios() []scenario {
	return []scenario{
		{
			name: "calm", about: "no fault at all: the measure of the others",
			fleet: servers(), load: clients(), fault: nothing, noErrors: true,
		},
		{
			name: "shard-down", about: "all nodes of a shard are killed and come back with their data",
			fleet: servers(persistent, listed), load: clients(), fault: downAndBack,
		},
		{
			name: "pause-primary", about: "SIGSTOP of a primary that nobody replaces, longer than the time limit, and SIGCONT",
			fleet: servers(listed), load: clients(), fault: pauseAndResume,
		},
		{
			name: "slow-link", about: "20 ms of delay on the way to a shard and back",
			fleet: servers(listed, linked), load: clients(), noErrors: true,
			fault: toxic(fleet.FromServer, "latency", map[string]int{"latency": 20, "jitter": 10}),
		},
		{
			name: "thin-link", about: "2 KB a second from a shard, less than is asked for",
			fleet: servers(listed, linked), load: clients(),
			fault: toxic(fleet.FromServer, "bandwidth", map[string]int{"rate": 2}),
		},
		{
			name: "torn-link", about: "replies of a shard arrive in pieces of a few bytes",
			fleet: servers(listed, linked), load: clients(), noErrors: true,
			fault: toxic(fleet.FromServer, "slicer", map[string]int{"average_size": 7, "size_variation": 6, "delay": 50}),
		},
		{
			name: "half-open", about: "connections to a shard stay open, and what it answers is dropped",
			fleet: servers(listed, linked), load: clients(),
			fault: toxic(fleet.FromServer, "timeout", map[string]int{"timeout": 0}),
		},
		{
			name: "half-open-requests", about: "connections to a shard stay open, and what is sent to it is dropped",
			fleet: servers(listed, linked), load: clients(),
			fault: toxic(fleet.ToServer, "timeout", map[string]int{"timeout": 0}),
		},
		{
			name: "reset-link", about: "connections to a shard are reset, again and again",
			fleet: servers(listed, linked), load: clients(),
			fault: toxic(fleet.FromServer, "reset_peer", map[string]int{"timeout": 100}),
		},
		{
			name: "black-hole", about: "a shard's cable is pulled, longer than the time limit, and plugged in again",
			fleet: servers(listed, onHosts), load: clients(), fault: unplugged,
		},
		{
			name: "kill-replica", about: "kill -9 of a replica, and back",
			fleet: servers(), load: clients(), fault: killReplica, noErrors: true,
		},
		{
			name: "kill-sentinel", about: "kill -9 of a Sentinel, and back",
			fleet: servers(), load: clients(), fault: killSentinel, noErrors: true,
		},
		{
			name: "kill-primary", about: "kill -9 of a primary under three Sentinels; it comes back as a replica",
			fleet: servers(), load: clients(), fault: killPrimary, allows: history.Lossy, switches: true,
		},
		{
			name: "kill-primary-durable", about: "the same with min-replicas-to-write, and WAIT after every write",
			fleet: servers(careful), load: clients(durable), fault: killPrimary, switches: true,
		},
		{
			name: "stop-primary", about: "SIGSTOP of a primary under three Sentinels, SIGCONT after the switch",
			fleet: servers(), load: clients(), fault: stopPrimary, allows: history.Lossy, switches: true,
		},
		{
			name: "partition", about: "a primary's cable is pulled under three Sentinels, and plugged in after the switch",
			fleet: servers(onHosts), load: clients(), fault: partition, allows: history.Lossy, switches: true,
		},
		{
			name: "split", about: "a primary sees clients but neither Sentinels nor replicas; min-replicas-to-write and WAIT",
			fleet: servers(onHosts, careful), load: clients(durable), fault: split, allows: history.Older, switches: true,
		},
		{
			name: "sentinel-failover", about: "SENTINEL FAILOVER, by hand",
			fleet: servers(), load: clients(), fault: sentinelFailover, allows: history.Older, noErrors: true, switches: true,
		},
		{
			name: "planned-failover", about: "FAILOVER TO a replica, in a pool without Sentinels",
			fleet: servers(unwatched), load: clients(), fault: plannedFailover, allows: history.Older, noErrors: true,
		},
		{
			name: "spread", about: "reads over three replicas, one of which is stopped, then one that lags",
			alone: spread,
		},
		{
			name: "reload", about: "200 reloads under full load with pipelines",
			fleet: servers(listed, admin), load: clients(busily), fault: reloads, noErrors: true, shared: true,
		},
		{
			name: "swap", about: "a shard's primary is swapped for its replica by FAILOVER TO and a reload",
			fleet: servers(unwatched, admin), load: clients(), fault: swap, allows: history.Older, noErrors: true,
		},
		{
			name: "crowd", about: "10,000 idle and 1,000 busy clients, and some beyond client_connections",
			alone: crowd,
		},
	}
}
