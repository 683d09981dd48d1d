// Package watch finds out which nodes hold each shard of a pool, now, and
// tells topology: from Sentinels, or from what the nodes say themselves. The
// proxy and the library both use it.
//
//	w := watch.New(cfg, topo, watch.Options{Log: log})
//	go w.Run(ctx)              // until ctx ends
//	...
//	topo.Doubt("users-1")      // somebody got READONLY: it looks at once
//	topo.Snapshot()            // has what was found
//
// A Watcher begins with what the topology has. After a change of the configuration
// another one is made for it, when the first has ended.
//
// What is decided is decided in types without sockets, clocks and goroutines
// (tracker, health, history, roster); goroutines around them ask one node or one
// Sentinel each, and one goroutine owns all that is known. See README.md.
package watch
