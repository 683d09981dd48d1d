// Command chaos breaks things under load and looks whether anybody was told
// anything wrong:
//
//	go run ./bench/chaos
//	go run ./bench/chaos --only kill-primary,partition --seconds 20
//	go run ./bench/chaos --list
//
// Each scenario starts redis-servers with replicas, Sentinels and a shardproxy built
// from this tree, lets clients write and read through the proxy and through the
// library at once, applies a fault, takes it back, and compares every answer and
// what the servers hold in the end with what was written. It prints a table and
// ends with status 1 if something does not hold that must. See README.md for what
// each scenario does and what has to hold.
package main
