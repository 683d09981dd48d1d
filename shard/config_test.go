package shard

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/ring"
	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/shardtest"
)

func TestNewRefuses(t *testing.T) {
	good := func() Config {
		return Config{Shards: []Shard{{Name: "a", Primary: "h:1"}, {Name: "b", Primary: "/run/b.sock"}}}
	}
	for want, change := range map[string]func(*Config){
		`Shards "[]"`:                         func(c *Config) { c.Shards = nil },
		`Shards[1].Primary "h"`:               func(c *Config) { c.Shards[1].Primary = "h" },
		`Shards[0].Primary ":6379"`:           func(c *Config) { c.Shards[0].Primary = ":6379" },
		`Shards[0].Primary "h:"`:              func(c *Config) { c.Shards[0].Primary = "h:" },
		`DialTimeout "-1s": want more than 0`: func(c *Config) { c.DialTimeout = -time.Second },
		`IdleTimeout "-1s"`:                   func(c *Config) { c.IdleTimeout = -time.Second },
		`MaxActive "-1"`:                      func(c *Config) { c.MaxActive = -1 },
		`FailureLimit "-2"`:                   func(c *Config) { c.FailureLimit = -2 },
		`Database "20000": want 0 to 16383`:   func(c *Config) { c.Database = 20000 },
		`Username "me": want a Password`:      func(c *Config) { c.Username = "me" },
		`MaxReplicaLagBytes "-1"`:             func(c *Config) { c.MaxReplicaLagBytes = -1 },
		`ReadYourWrites "-1s"`:                func(c *Config) { c.ReadYourWrites = -time.Second },
		`ReadFrom "replicas": want primary`:   func(c *Config) { c.ReadFrom = "replicas" },
		`Balance "random": want least_reques`: func(c *Config) { c.Balance = "random" },
		`"nowhere"`:                           func(c *Config) { c.Placement = "nowhere" },
		`Shards[1]`:                           func(c *Config) { c.Shards[1].Name = "a" },
		`Shards[0].Weight`:                    func(c *Config) { c.Shards[0].Weight = -1 },
	} {
		cfg := good()
		change(&cfg)
		_, err := New(cfg)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: want it to say %s", err, want)
		}
	}
	if _, err := New(good()); err != nil {
		t.Error(err)
	}
}

func TestOpenAFile(t *testing.T) {
	servers := shardtest.RedisN(t, 2, shardtest.Password("s3cret"))
	file := filepath.Join(t.TempDir(), "pools.yml")
	text := `
cache:
  redis: true
  redis_auth: s3cret
  redis_db: 3
  timeout: 1000
  shards:
    - {name: one, primary: ` + servers[0].Addr + `}
    - {name: two, primary: ` + servers[1].Addr + `}
memcached:
  shards:
    - {name: one, primary: ` + servers[0].Addr + `}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Open(file, "cache")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.cfg.Timeout != time.Second || c.cfg.Name != "cache" {
		t.Errorf("timeout %v, name %s", c.cfg.Timeout, c.cfg.Name)
	}
	must(t)(c.Do(bg, "MSET", "a", 1, "b", 2, "c", 3, "d", 4))
	var keys atomic.Int64
	err = c.ForEachShard(bg, func(_ context.Context, _ string, conn redis.Conn) error {
		info, err := redis.String(conn.Do("INFO", "keyspace"))
		if !strings.Contains(info, "db3:") || strings.Contains(info, "db0:") {
			t.Errorf("keyspace %q: want database 3 only", info)
		}
		keys.Add(1)
		return err
	})
	if err != nil || keys.Load() != 2 {
		t.Errorf("ForEachShard: %d, %v", keys.Load(), err)
	}
	for pool, want := range map[string]string{"memcached": "redis: true", "none": "none"} {
		if _, err := Open(file, pool); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open %s: %v", pool, err)
		}
	}
	if _, err := Open(file+".no", "cache"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Open of no file: %v", err)
	}
}

func TestUnixSocketAndDialHook(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	shardtest.Redis(t, shardtest.Args("--unixsocket", path))
	var dialled string
	c, err := New(Config{
		Shards: []Shard{{Name: "u", Primary: path}},
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			dialled = network + " " + addr
			return new(net.Dialer).DialContext(ctx, network, addr)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	must(t)(c.Do(bg, "SET", "k", 1))
	if dialled != "unix "+path {
		t.Errorf("dialled %s", dialled)
	}
}

// TestOpenSaysWhoIsRead: what a file says of reads is what the client, and the watcher,
// go by.
func TestOpenSaysWhoIsRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pools.yml")
	text := `
shardproxy:
  zone: eu-1
users:
  redis: true
  read_from: nearest
  balance: same_zone
  max_replica_lag: 3s
  max_replica_lag_bytes: 1000
  read_your_writes: 50ms
  shards:
    - {name: one, primary: "10.0.0.1:1", zone: eu-2, replicas: [{address: "10.0.0.2:1", zone: eu-1, weight: 3}]}
anything:
  redis: true
  max_replica_lag: 0
  shards:
    - {name: one, primary: "10.0.0.1:1"}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Open(file, "users")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.from != fromNearest || c.cfg.Balance != config.SameZone || c.cfg.Zone != "eu-1" || c.cfg.ReadYourWrites != 50*time.Millisecond {
		t.Errorf("from %v, %+v", c.from, c.cfg)
	}
	if c.pool.MaxReplicaLag != 3*time.Second || c.pool.MaxReplicaLagBytes != 1000 {
		t.Errorf("the watcher's limits: %v, %d", c.pool.MaxReplicaLag, c.pool.MaxReplicaLagBytes)
	}
	all, err := Open(file, "anything")
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	if all.from != fromPrimary || all.pool.MaxReplicaLag != 0 {
		t.Errorf("from %v, limit %v, want the primary and none", all.from, all.pool.MaxReplicaLag)
	}
	if plain, err := New(Config{Shards: []Shard{{Name: "a", Primary: "h:1"}}}); err != nil || plain.pool.MaxReplicaLag != 10*time.Second {
		t.Errorf("by default the limit is %v, %v", plain.pool.MaxReplicaLag, err)
	}
}

// TestPlacements: the client puts keys where the ring says, for each placement.
func TestPlacements(t *testing.T) {
	servers := shardtest.RedisN(t, 3)
	for _, p := range ring.Placements() {
		if p == ring.Random {
			continue
		}
		c := over(t, servers, func(c *Config) { c.Placement = p; c.Shards[1].Weight = 2 })
		r, err := ring.New(ring.Config{Placement: p, Shards: []ring.Shard{
			{Name: "shard-0", Weight: 1}, {Name: "shard-1", Weight: 2}, {Name: "shard-2", Weight: 1}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range []string{"a", "b", "c", "d", "e", "f"} {
			k = string(p) + ":" + k
			must(t)(c.Do(bg, "SET", k, 1))
			if n, _ := redis.Int(servers[r.OwnerString(k)].Do("DEL", k)); n != 1 {
				t.Errorf("%s: %s is not where the ring has it", p, k)
			}
		}
	}
}
