// Package fleet starts what a fault is applied to: shards of a primary and its
// replicas, Sentinels that watch them, and a shardproxy in front. All are real
// programs; see package shardtest. With Hosts each server stands on a host of its
// own, a network namespace with its own address, whose cable can be pulled.
//
// A Fleet is used by one goroutine at a time, but for Switch and the methods of
// its nodes.
package fleet
