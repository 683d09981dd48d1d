// Package examples holds programs that use shardring: with the Go library, as a
// drop-in for redigo, and in other languages through shardproxy. Its tests run
// each of them against four real redis-servers.
package examples
