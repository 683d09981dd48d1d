package shard

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/shardtest"
)

// TestFollow: shards move to other addresses and come while callers are busy, and no
// call fails; what a client cannot go by is refused or told.
func TestFollow(t *testing.T) {
	servers := shardtest.RedisN(t, 3)
	path := filepath.Join(t.TempDir(), "pools.yml")
	write := func(head string, addrs ...string) {
		t.Helper()
		text := head + "cache:\n  redis: true\n"
		if !strings.Contains(head, "shardproxy") {
			text = "cache:\n  redis: true\n" + head
		}
		text += "  shards:\n"
		for i, a := range addrs {
			text += fmt.Sprintf("    - {name: shard-%d, primary: %q}\n", i, a)
		}
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	// The same server by another address is another node to the client.
	other := func(addr string) string {
		_, port, _ := strings.Cut(addr, ":")
		return "[::ffff:127.0.0.1]:" + port
	}
	a, b, c3 := servers[0].Addr, servers[1].Addr, servers[2].Addr
	write("", a, b)
	told := make(chan FileChange, 10)
	c, err := Follow(path, "", func(f FileChange) { told <- f })
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	next := func() FileChange {
		t.Helper()
		select {
		case f := <-told:
			return f
		case <-time.After(10 * time.Second):
			t.Fatal("no change was told")
			return FileChange{}
		}
	}

	stop := make(chan struct{})
	var callers sync.WaitGroup
	var calls atomic.Int64
	for id := range 8 {
		callers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				k := fmt.Sprintf("follow:%d:%d", id, i%50)
				_, err := c.Do(bg, "SET", k, i)
				n, err2 := redis.Int(c.Do(bg, "GET", k))
				if err != nil || err2 != nil || n != i {
					t.Errorf("%s: %d, %v, %v; want %d", k, n, err, err2, i)
					return
				}
				calls.Add(2)
			}
		})
	}
	for i := range 6 {
		to := a
		if i%2 == 0 {
			to = other(a)
		}
		write("", to, b)
		f := next()
		if want := "primary"; f.Err != nil || len(f.Changes) != 1 || !strings.Contains(f.Changes[0], want) || len(f.Ignored) != 0 {
			t.Fatalf("%+v", f)
		}
		if got := c.topo.Snapshot().Shards[0].Primary.Addr; got != to {
			t.Fatalf("shard-0 is at %s, want %s", got, to)
		}
	}
	close(stop)
	callers.Wait()
	if calls.Load() < 100 {
		t.Errorf("only %d calls", calls.Load())
	}

	write("  timeout: 3s\n  redis_auth: x\n", a, b)
	if f := next(); f.Err != nil || !slices.Equal(f.Ignored, []string{"timeout 5s -> 3s", "the login at the servers"}) {
		t.Errorf("%+v", f)
	}
	write("", a, b, c3)
	var moved *config.MovedError
	if f := next(); !errors.As(f.Err, &moved) || moved.Share < 0.2 || len(c.Shards()) != 2 {
		t.Errorf("%+v, %d shards", f, len(c.Shards()))
	}
	write("shardproxy: {accept_moved_keys: true}\n", a, b, c3)
	if f := next(); f.Err != nil || len(c.Shards()) != 3 {
		t.Errorf("%+v, %d shards", f, len(c.Shards()))
	}
	if _, err := c.Do(bg, "SET", key(c, "shard-2", 0), "v"); err != nil {
		t.Error(err)
	}
	write("  nonsense: 1\n", a, b)
	var problems config.Errors
	if f := next(); !errors.As(f.Err, &problems) || problems[0].Line != 3 || len(c.Shards()) != 3 {
		t.Errorf("%+v", f)
	}
	write("  redis_db: 4\n", a, b, c3)
	if f := next(); f.Err == nil || !strings.Contains(f.Err.Error(), "a client stays in its database") {
		t.Errorf("%+v", f)
	}
}
