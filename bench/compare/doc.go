// Command compare puts shardring's ring and client library beside the Go
// libraries people would use instead, holds what it measured against the
// targets, and prints both as markdown:
//
//	cd bench/compare
//	go run . ring
//	go run . library
//	go run . all --out FILE
//
// It is a module of its own, so that users of shardring do not inherit what
// it compares with.
package main
