// Command conformance runs the test suite of Redis 7.0.15 against shardproxy
// and tells what a client loses that connects to the proxy instead of to one
// redis-server:
//
//	REDIS_SUITE=~/src/redis go run ./proxy/conformance
//	go run ./proxy/conformance --unit 'type/(list|set)$' --mode sharded --verbose
//
// Each unit of the suite runs twice, against a redis-server and against a
// proxy, each time with fresh processes, so that no unit sees what another
// one left behind. Only a test that passes directly is asked of the proxy. The
// run fails if such a test does not pass and proxy/CONFORMANCE.md does not
// list it, or if one passes that is listed.
//
// The suite is BSD-licensed and not part of this repository: REDIS_SUITE names
// a checkout of it, else git clones it into .cache. It needs tclsh.
package main
