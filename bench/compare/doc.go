// Command compare puts shardring's ring and client library beside the Go
// libraries people would use instead, and prints what it measured as
// markdown:
//
//	cd bench/compare
//	go run . ring
//	go run . library
//
// It is a module of its own, so that users of shardring do not inherit what
// it compares with.
package main
