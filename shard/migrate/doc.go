// Package migrate moves a shard to another node while it is in use: no acknowledged
// write is lost, no client sees an error. It is what shardproxy move is made of.
//
//	m, err := migrate.New(migrate.Options{
//		Config: "pools.yml", Shard: "cache-2", To: "10.0.0.9:6379",
//		Progress: func(e migrate.Event) { log.Print(e) },
//	})
//	...
//	defer m.Close()
//	report, err := m.Preflight(ctx) // looks only
//	result, err := m.Run(ctx)       // what m.Resume goes on with, and m.Abort takes back
//
// A move is a loop: look at both nodes, decide by what they say and by what the
// journal has, write the decision to the journal and to the disk, act. The decision
// is a function without I/O (decide), so a command that was killed is gone on with by
// the same loop: nothing is remembered that the nodes and the journal do not tell.
//
// The rule that nothing breaks: the old node is demoted, and so takes no more writes,
// before the new one is promoted; and the new one is promoted only when it has all
// that the old one had when it was demoted.
//
// A Move is used by one goroutine at a time; Progress and Before are called by it.
// Two moves of one pool exclude each other by a lock on a file beside the configuration.
package migrate
