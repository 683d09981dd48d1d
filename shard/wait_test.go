package shard

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/shardtest"
)

func TestWait(t *testing.T) {
	c, servers := start(t, 2, nil)
	replica := shardtest.Redis(t)
	host, port, _ := strings.Cut(servers[0].Addr, ":")
	must(t)(replica.Do("REPLICAOF", host, port))
	must(t)(servers[0].Do("CONFIG", "SET", "repl-diskless-sync-delay", 0))
	eventually(t, "replicated", func() bool { return info(t, servers[0], "connected_slaves") == 1 })
	with, without := key(c, "shard-0", 0), key(c, "shard-1", 0)
	eventually(t, "in step", func() bool {
		n, err := c.Wait(bg, 1, 50*time.Millisecond, with)
		return n == 1 && err == nil
	})
	for i := range 200 {
		must(t)(c.Do(bg, "SET", with, i))
		if n, err := c.Wait(bg, 1, 4*time.Second, with); n != 1 || err != nil {
			t.Fatalf("Wait: %d, %v", n, err)
		}
		if n, err := redis.Int(replica.Do("GET", with)); n != i || err != nil {
			t.Fatalf("the replica has %d, not %d: %v", n, i, err)
		}
	}
	if n, err := redis.Int(c.Do(bg, "WAIT", 1, 10)); n != 0 || err != nil {
		t.Errorf("WAIT on all shards, one without a replica: %d, %v", n, err)
	}
	if n, err := c.Wait(bg, 0, 0, without); n != 0 || err != nil {
		t.Errorf("Wait for no replica: %d, %v", n, err)
	}
	// What was copied before does not count: even if the replica has said so,
	// and to a connection that was there.
	eventually(t, "all is acknowledged", func() bool {
		text, err := redis.String(servers[0].Do("INFO", "replication"))
		return err == nil && strings.Contains(text, fmt.Sprintf("offset=%d,", info(t, servers[0], "master_repl_offset")))
	})
	replica.Pause()
	defer replica.Resume()
	must(t)(c.Do(bg, "SET", with, "not there"))
	if n, err := c.Wait(bg, 1, 50*time.Millisecond, with); n != 0 || err != nil {
		t.Errorf("Wait for a replica that hangs: %d, %v", n, err)
	}
	ctx, cancel := context.WithTimeout(bg, 50*time.Millisecond)
	defer cancel()
	if n, err := c.Wait(ctx, 1, 0, with); !isShardError(err, "shard-0", true) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Wait without a limit until the context's end: %d, %v", n, err)
	}
}
