package proxy_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/shardtest"
)

// withReplicas starts a primary with n replicas, and returns the file of a pool of it.
func withReplicas(t *testing.T, n int, lines ...string) (primary *shardtest.Server, replicas []*shardtest.Server, yml string) {
	t.Helper()
	primary = shardtest.Redis(t)
	addrs := []string{}
	for range n {
		r := shardtest.Replica(t, primary)
		replicas = append(replicas, r)
		addrs = append(addrs, fmt.Sprintf("%q", r.Addr))
	}
	yml = "cache:\n  redis: true\n  listen: 127.0.0.1:0\n  health_interval: 100ms\n"
	for _, l := range lines {
		yml += "  " + l + "\n"
	}
	return primary, replicas, yml + fmt.Sprintf("  shards: [{name: one, primary: %q, replicas: [%s]}]\n", primary.Addr, strings.Join(addrs, ", "))
}

// gets returns how many GETs a server has executed.
func gets(t *testing.T, s *shardtest.Server) int {
	t.Helper()
	info, err := redis.String(s.Do("INFO", "commandstats"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(info, "cmdstat_get:calls=")
	if !ok {
		return 0
	}
	n := 0
	fmt.Sscanf(after, "%d", &n)
	return n
}

// must is c.Do without an error.
func must(t *testing.T, c redis.Conn, name string, args ...any) {
	t.Helper()
	if _, err := c.Do(name, args...); err != nil {
		t.Fatalf("%s %v: %v", name, args, err)
	}
}

// TestReadsAreSharedOut: three replicas answer the same number of reads, within a tenth,
// the primary none; one that is stopped answers none, and nobody sees an error.
func TestReadsAreSharedOut(t *testing.T) {
	for _, how := range []string{"least_requests", "round_robin", "weighted"} {
		t.Run(how, func(t *testing.T) {
			each(t, func(t *testing.T, d engine.Driver) {
				primary, replicas, yml := withReplicas(t, 3, "read_from: prefer_replica", "balance: "+how, "timeout: 5s")
				s := serve(t, d, yml)
				c := s.dial(t)
				must(t, c, "SET", "k", "v")
				must(t, c, "WAIT", 3, 5000)
				soon(t, "all replicas answer", func() bool {
					for range 30 {
						c.Do("GET", "k")
					}
					return gets(t, replicas[0]) > 0 && gets(t, replicas[1]) > 0 && gets(t, replicas[2]) > 0
				})
				before := [...]int{gets(t, replicas[0]), gets(t, replicas[1]), gets(t, replicas[2])}
				ofPrimary := gets(t, primary)
				const total = 9000
				for range total / 100 {
					for range 100 {
						c.Send("GET", "k")
					}
					c.Flush()
					for range 100 {
						if v, err := redis.String(c.Receive()); err != nil || v != "v" {
							t.Fatalf("%q, %v", v, err)
						}
					}
				}
				for i, r := range replicas {
					if n := gets(t, r) - before[i]; n < total/3*9/10 || n > total/3*11/10 {
						t.Errorf("replica %d answered %d of %d reads", i, n, total)
					}
				}
				if n := gets(t, primary) - ofPrimary; n != 0 {
					t.Errorf("the primary answered %d reads", n)
				}

				stopped := replicas[1]
				stopped.Pause()
				defer stopped.Resume()
				began := time.Now()
				for range 300 {
					must(t, c, "GET", "k")
				}
				if d := time.Since(began); d > 4*time.Second {
					t.Errorf("300 reads beside a replica that is stopped took %v", d)
				}
			})
		})
	}
}

// TestReadOnlySession: a client that says READONLY is answered by replicas, until it says
// READWRITE; others are not.
func TestReadOnlySession(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		primary, replicas, yml := withReplicas(t, 1, "timeout: 5s")
		s := serve(t, d, yml)
		c, other := s.dial(t), s.dial(t)
		must(t, c, "SET", "k", "v")
		must(t, c, "READONLY")
		soon(t, "the replica answers", func() bool { must(t, c, "GET", "k"); return gets(t, replicas[0]) > 0 })
		n := gets(t, primary)
		must(t, c, "GET", "k")
		if m := gets(t, primary); m != n {
			t.Errorf("the primary answered a read of a client that said READONLY")
		}
		must(t, other, "GET", "k")
		must(t, c, "READWRITE")
		must(t, c, "GET", "k")
		if m := gets(t, primary); m != n+2 {
			t.Errorf("the primary answered %d reads, want 2: of another client, and after READWRITE", m-n)
		}
	})
}

// TestCursorsStay: SCAN and its like are answered by the primary, for a cursor means something
// to the node alone that gave it.
func TestCursorsStay(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		_, replicas, yml := withReplicas(t, 1, "read_from: replica", "timeout: 5s")
		s := serve(t, d, yml)
		c := s.dial(t)
		must(t, c, "HSET", "h", "a", "1")
		soon(t, "the replica answers", func() bool { c.Do("GET", "k"); return gets(t, replicas[0]) > 0 })
		must(t, c, "SCAN", 0)
		must(t, c, "HSCAN", "h", 0)
		info, err := redis.String(replicas[0].Do("INFO", "commandstats"))
		if err != nil || strings.Contains(info, "scan") {
			t.Errorf("the replica was asked: %s, %v", info, err)
		}
	})
}

// TestReadYourWrites: a client that wrote reads what it wrote, from the primary.
func TestReadYourWrites(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		_, replicas, yml := withReplicas(t, 2, "read_from: replica", "read_your_writes: 300ms", "timeout: 5s")
		s := serve(t, d, yml)
		c := s.dial(t)
		must(t, c, "SET", "k", "0")
		soon(t, "a replica answers", func() bool { c.Do("GET", "k"); return gets(t, replicas[0])+gets(t, replicas[1]) > 0 })
		for i := range 500 {
			must(t, c, "SET", "k", i)
			if v, err := redis.Int(c.Do("GET", "k")); err != nil || v != i {
				t.Fatalf("wrote %d and read %d, %v", i, v, err)
			}
		}
		n := gets(t, replicas[0]) + gets(t, replicas[1])
		time.Sleep(350 * time.Millisecond)
		must(t, c, "GET", "k")
		if m := gets(t, replicas[0]) + gets(t, replicas[1]); m != n+1 {
			t.Errorf("replicas answered %d reads after read_your_writes was over, want 1", m-n)
		}
	})
}

// TestOnlyReplica: a pool that reads from replicas alone says so when there is none.
func TestOnlyReplica(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		_, _, yml := withReplicas(t, 0, "read_from: replica")
		c := serve(t, d, yml).dial(t)
		must(t, c, "SET", "k", "v")
		if _, err := c.Do("GET", "k"); err == nil || !strings.Contains(err.Error(), "none of its replicas may be read from (read_from: replica)") {
			t.Errorf("%v", err)
		}
	})
}

// TestReplicaIsLost: the reads that were under way at a replica are answered by others.
func TestReplicaIsLost(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		_, replicas, yml := withReplicas(t, 2, "read_from: prefer_replica", "timeout: 5s")
		s := serve(t, d, yml)
		c := s.dial(t)
		must(t, c, "SET", "k", "v")
		must(t, c, "WAIT", 2, 5000)
		soon(t, "both replicas answer", func() bool {
			for range 20 {
				c.Do("GET", "k")
			}
			return gets(t, replicas[0]) > 0 && gets(t, replicas[1]) > 0
		})
		done := make(chan error)
		go func() {
			for range 300 {
				for range 50 {
					c.Send("GET", "k")
				}
				c.Flush()
				for range 50 {
					if v, err := redis.String(c.Receive()); err != nil || v != "v" {
						done <- fmt.Errorf("%q, %v", v, err)
						return
					}
				}
			}
			done <- nil
		}()
		time.Sleep(20 * time.Millisecond)
		replicas[0].Kill()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestHedgedReads: with hedge_reads a read whose replica does not answer is answered by
// another one, long before anybody knows that the first is of no use.
func TestHedgedReads(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		_, replicas, yml := withReplicas(t, 2, "read_from: prefer_replica", "hedge_reads: true", "timeout: 5s")
		s := serve(t, d, strings.Replace(yml, "health_interval: 100ms", "health_interval: 5s", 1))
		c := s.dial(t)
		must(t, c, "SET", "k", "v")
		must(t, c, "WAIT", 2, 5000)
		soon(t, "both replicas answer", func() bool {
			for range 50 {
				c.Do("GET", "k")
			}
			return gets(t, replicas[0]) > 300 && gets(t, replicas[1]) > 300
		})
		replicas[0].Pause()
		defer replicas[0].Resume()
		longest := time.Duration(0)
		for range 100 {
			began := time.Now()
			if v, err := redis.String(c.Do("GET", "k")); err != nil || v != "v" {
				t.Fatalf("%q, %v", v, err)
			}
			longest = max(longest, time.Since(began))
		}
		t.Logf("longest of 100 reads beside a stopped replica: %v", longest)
		within(t, "longest read", longest, time.Second)
	})
}
