package proxy_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/shardtest"
)

// until calls f until it reports true, and returns how long that took.
func until(t *testing.T, within time.Duration, what string, f func() bool) time.Duration {
	t.Helper()
	begun := time.Now()
	for !f() {
		if time.Since(begun) > within {
			t.Fatalf("not in %v: %s", within, what)
		}
		time.Sleep(time.Millisecond)
	}
	return time.Since(begun)
}

// TestFollowsSentinel: the proxy sends writes to the node that Sentinels promote.
func TestFollowsSentinel(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		a := shardtest.Redis(t)
		b := shardtest.Replica(t, a)
		host, port, _ := strings.Cut(a.Addr, ":")
		sentinel := shardtest.Sentinel(t, fmt.Sprintf("sentinel monitor one %s %s 1\nsentinel down-after-milliseconds one 300\nsentinel failover-timeout one 2000", host, port))
		until(t, 15*time.Second, "the Sentinel knows the replica", func() bool {
			m, err := redis.StringMap(sentinel.Do("SENTINEL", "MASTER", "one"))
			return err == nil && m["num-slaves"] == "1"
		})
		s := serve(t, d, poolOf([]*shardtest.Server{a}, "health_interval: 200ms", fmt.Sprintf("sentinels: [%q]", sentinel.Addr)))
		c := s.dial(t)
		if _, err := c.Do("SET", "k", "before"); err != nil {
			t.Fatal(err)
		}
		until(t, 15*time.Second, "a failover begins", func() bool {
			_, err := sentinel.Do("SENTINEL", "FAILOVER", "one")
			return err == nil
		})
		until(t, 10*time.Second, "the replica is the primary", func() bool {
			role, err := redis.Values(b.Do("ROLE"))
			return err == nil && string(role[0].([]byte)) == "master"
		})
		took := until(t, 5*time.Second, "a write at the new primary", func() bool {
			c.Do("SET", "k", "after")
			got, _ := redis.String(b.Do("GET", "k"))
			return got == "after"
		})
		t.Logf("written %v after the promotion", took)
	})
}

// TestEjectedServer: a cache's shard is back when its server answers, not by the time
// alone.
func TestEjectedServer(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		servers := shardtest.RedisN(t, 2)
		s := serve(t, d, poolOf(servers, "auto_eject_hosts: true", "server_failure_limit: 1", "server_retry_timeout: 200", "timeout: 1s"))
		c := s.dial(t)
		key := keysOf(t, s, servers, 1)[1][0]
		servers[1].Kill()
		until(t, 5*time.Second, "its keys go to the other", func() bool { _, err := c.Do("SET", key, "x"); return err == nil })
		for end := time.Now().Add(time.Second); time.Now().Before(end); {
			if _, err := c.Do("SET", key, "x"); err != nil {
				t.Fatalf("%v: a client met the server that is down once more", err)
			}
		}
		servers[1].Restart()
		until(t, 5*time.Second, "it is back", func() bool {
			c.Do("SET", key, "y")
			got, _ := redis.String(servers[1].Do("GET", key))
			return got == "y"
		})
	})
}

// TestSleepingLoop: a session that only listens is ended when its shard has another
// primary, so that its client subscribes there, though nothing wakes its loop but the
// news.
func TestSleepingLoop(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		a := shardtest.Redis(t)
		b := shardtest.Replica(t, a)
		s := serve(t, d, poolOf([]*shardtest.Server{a}, "health_interval: 200ms"))
		sub := redis.PubSubConn{Conn: s.dial(t)}
		if err := sub.Subscribe("news"); err != nil {
			t.Fatal(err)
		}
		if _, ok := sub.Receive().(redis.Subscription); !ok {
			t.Fatal("not subscribed")
		}
		time.Sleep(time.Second) // until the loops sleep
		b.Do("REPLICAOF", "NO", "ONE")
		host, port, _ := strings.Cut(b.Addr, ":")
		a.Do("REPLICAOF", host, port)
		err, ended := sub.ReceiveWithTimeout(5 * time.Second).(error)
		if wait, ok := err.(net.Error); !ended || ok && wait.Timeout() {
			t.Errorf("the session has not ended 5s after its shard moved: %v", err)
		}
	})
}
