// Package shardtest starts real servers for tests, benchmarks and the demo:
// redis-server, memcached, nutcracker, HAProxy, or any program described by a
// [Spec]. It is to Redis what net/http/httptest is to HTTP, except that
// nothing is imitated.
//
//	func TestSet(t *testing.T) {
//		redis := shardtest.Redis(t)
//		proxy := shardtest.Nutcracker(t, `
//	pool:
//	  listen: ${ADDR}
//	  redis: true
//	  servers: ["`+redis.Addr+`:1"]
//	`)
//		if _, err := proxy.Do("SET", "k", "v"); err != nil {
//			t.Fatal(err)
//		}
//		redis.Kill()
//	}
//
// Every server listens on a loopback port that the kernel chose, works in a
// directory of its own and answers before the call that started it returns.
// It ends when the test ends, when the test panics and, on Linux, when the
// test's process is killed; nothing that the package did not start is ever
// signalled. The log of each server is shown when the test fails. A program
// that is not installed fails the test, with the line that installs it.
//
// The same servers come without a test from [Start] and [Server.Close].
//
// All functions and methods may be called concurrently. The package keeps no
// state between calls and does not import package testing.
package shardtest
