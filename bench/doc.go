// Command bench puts shardproxy beside nutcracker (twemproxy), HAProxy and a
// bare redis-server under the same loads, on this machine's loopback, and
// prints what it measured as markdown:
//
//	go run ./bench --set short
//	go run ./bench --set targets --open --idle 1000,10000 --out bench/RESULTS.md
//
// For each load the targets take turns, in several rounds and a rotated order,
// so that what else the machine does meets all of them; ratios are taken
// between runs of one round, and held against goals. The load comes from
// redis-benchmark, that of a fixed rate from package openloop; CPU time
// and memory are those of the proxy's process. It needs Linux and the
// programs it compares, and says how to install one that is missing.
package main
