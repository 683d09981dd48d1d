// Package proxy is shardproxy as a library: it listens for Redis clients and
// serves them from many independent Redis servers as if they were one.
//
//	file, err := config.Load("pools.yml")
//	if err != nil { … }
//	p, err := proxy.New(file, proxy.Options{})
//	if err != nil { … }
//	err = p.Run(ctx) // until ctx is done and everything under way is answered
//
// It is not the client library (package shard) and knows nothing of it; both
// stand on packages ring, shard/command, shard/config and shard/topology.
package proxy
