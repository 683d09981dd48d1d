// Package load is the clients of a chaos run: workers that write and read through
// shardproxy and through the library at once, and tell package history every answer.
//
// Most workers keep to one shard, so what happens to another shard shows in their
// latencies only if it should not; some ask all shards at once. Each sleeps between
// its pipelines, so that the machine has time left and latencies mean something.
//
//	l, err := load.Start(spec)
//	l.Phase("fault")
//	resume := l.Rest()       // nothing is under way
//	l.Audit(…)
//	resume()
//	result := l.Stop()
package load
