package config_test

import (
	"errors"
	"fmt"
	"os"

	"github.com/shardring/shardring/ring"
	"github.com/shardring/shardring/shard/config"
)

const cacheYAML = `
cache:
  listen: 127.0.0.1:6380
  redis: true
  shards:
    - {name: cache-1, primary: 10.0.0.1:7001}
    - {name: cache-2, primary: 10.0.0.2:7001, weight: 2}
`

func ExampleParse() {
	file, err := config.Parse("cache.yml", []byte(cacheYAML))
	if err != nil {
		fmt.Println(err)
		return
	}
	pool, err := file.Pool("cache")
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := ring.New(pool.Ring)
	if err != nil {
		fmt.Println(err)
		return
	}
	owner := pool.Shards[r.OwnerString("user:1000")]
	fmt.Println(pool.Listen, pool.Timeout, owner.Name, owner.Primary)
	// Output: 127.0.0.1:6380 5s cache-2 10.0.0.2:7001
}

// A nutcracker.yml is read as it is.
func ExampleParse_nutcracker() {
	file, err := config.Parse("nutcracker.yml", []byte(`
alpha:
  listen: 127.0.0.1:22121
  auto_eject_hosts: true
  server_retry_timeout: 2000
  servers:
   - 127.0.0.1:6379:1
   - 127.0.0.1:6380:1 second
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	pool := file.Pools[0]
	fmt.Println(pool.Ring.Placement, pool.Ring.Hash, pool.ServerRetryTimeout)
	for _, s := range pool.Shards {
		fmt.Println(s.Name, "at", s.Primary)
	}
	// Output:
	// ketama fnv1a_64 2s
	// 127.0.0.1:6379 at 127.0.0.1:6379
	// second at 127.0.0.1:6380
}

// Every problem of a file is reported at once.
func ExampleErrors_Pretty() {
	_, err := config.Parse("cache.yml", []byte(`
cache:
  redis: yes
  distribtion: murmur3
  shards:
    - {name: cache-1, primary: 10.0.0.1}
`))
	var problems config.Errors
	if errors.As(err, &problems) {
		fmt.Print(problems.Pretty())
	}
	// Output:
	// cache.yml:3:10: redis "yes" is neither true nor false, did you mean "true"?
	//     3 |   redis: yes
	//       |          ^
	// cache.yml:4:3: unknown key "distribtion" in pool "cache", did you mean "distribution"?
	//     4 |   distribtion: murmur3
	//       |   ^
	// cache.yml:6:32: primary "10.0.0.1": no port: want host:port or /path
	//     6 |     - {name: cache-1, primary: 10.0.0.1}
	//       |                                ^
}

// The file as it was understood, secrets redacted.
func ExampleFile_WriteTo() {
	file, err := config.Parse("cache.yml", []byte(`
cache:
  redis: true
  redis_auth: open-sesame
  timeout: 400
  shards: [{name: cache-1, primary: 10.0.0.1:7001}]
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := file.WriteTo(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// shardproxy:
	//   loops: 0  # default
	//   log_level: info  # default
	//   watch: false  # default
	//   accept_moved_keys: false  # default
	//
	// cache:
	//   redis: true
	//   distribution: murmur3  # default
	//   hash: murmur3  # default
	//   hash_tag: "{}"  # default
	//   timeout: 400ms
	//   connect_timeout: 1s  # default
	//   backlog: 512  # default
	//   client_connections: 0  # default
	//   tcpkeepalive: false  # default
	//   reuseport: false  # default
	//   preconnect: false  # default
	//   redis_auth: "(redacted)"
	//   redis_db: 0  # default
	//   server_connections: 1  # default
	//   cross_shard_reads: false  # default
	//   on_shard_error: error  # default
	//   health_interval: 2s  # default
	//   read_from: primary  # default
	//   balance: least_requests  # default
	//   max_replica_lag: 10s  # default
	//   max_replica_lag_bytes: 0  # default
	//   read_your_writes: 0  # default
	//   hedge_reads: false  # default
	//   max_in_flight: 65536  # default
	//   max_requests_per_second: 0  # default
	//   max_output: 1073741824  # default
	//   client_idle_timeout: 0  # default
	//   client_keepalive: 1m  # default
	//   auto_eject_hosts: false  # default
	//   server_retry_timeout: 30s  # default
	//   server_failure_limit: 2  # default
	//   shards:
	//     - {name: cache-1, weight: 1, primary: 10.0.0.1:7001}
}
