// Package topology knows which nodes hold which shard of a pool, now. A Pool
// publishes immutable snapshots, each with an epoch, behind one atomic
// pointer:
//
//	p, err := topology.New(cfg)             // cfg is a *config.Pool
//	...
//	s := p.Snapshot()                       // one load; use it for the whole request
//	i := s.Ring.Owner(key)
//	dial(s.Shards[i].Primary)
//
// In a store (the default) a shard that is down keeps its keys. In a cache
// (auto_eject_hosts) failures that are reported eject it by twemproxy's
// rules: see Pool.ReportFailure.
//
// The package knows no commands, sockets or clocks: the caller reports what
// happened and says what time it is. Everything may be called concurrently.
package topology
