package migrate_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard"
	"github.com/shardring/shardring/shard/migrate"
	"github.com/shardring/shardring/shard/shardtest"
)

// pool is a file with one shard, its server, and an empty one.
func pool(t *testing.T, lines string, opts ...shardtest.Option) (path string, from, to *shardtest.Server) {
	t.Helper()
	from, to = shardtest.Redis(t, opts...), shardtest.Redis(t, opts...)
	path = filepath.Join(t.TempDir(), "pools.yml")
	yml := fmt.Sprintf("cache:\n  redis: true\n  health_interval: 100ms\n%s  shards:\n    - {name: one, primary: %s} # the only one\n", lines, from.Addr)
	if err := os.WriteFile(path, []byte(yml), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, from, to
}

// run moves shard one, with Watch so short that tests are.
func run(t *testing.T, o migrate.Options) (*migrate.Result, error) {
	t.Helper()
	o.Shard, o.Watch = "one", 50*time.Millisecond
	told := o.Progress
	o.Progress = func(e migrate.Event) {
		if e.Step != migrate.Sync || e.Warning {
			t.Log(e)
		}
		if told != nil {
			told(e)
		}
	}
	m, err := migrate.New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Second)
	defer cancel()
	return m.Run(ctx)
}

// counting has eight callers of the library increment, until the function is called
// that it returns, which checks the counters. None is to see an error.
func counting(t *testing.T, path string, reader *shardtest.Server) (end func()) {
	t.Helper()
	client, err := shard.Open(path, "")
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var all sync.WaitGroup
	counts := make([]int, 8)
	for w := range counts {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				n, err := redis.Int(client.Do(context.Background(), "INCR", fmt.Sprint("n:", w)))
				if err != nil {
					t.Errorf("writer %d: %v", w, err)
					return
				}
				if counts[w]++; n != counts[w] {
					t.Errorf("writer %d: %d, want %d", w, n, counts[w])
					return
				}
			}
		})
	}
	return sync.OnceFunc(func() {
		close(stop)
		all.Wait()
		client.Close()
		total := 0
		for w, want := range counts {
			total += want
			if have, err := redis.Int(reader.Do("GET", fmt.Sprint("n:", w))); err != nil || have != want {
				t.Errorf("writer %d: %d, %v, want %d", w, have, err, want)
			}
		}
		t.Logf("%d increments", total)
	})
}

// TestFence: the way of before Redis 6.2.
func TestFence(t *testing.T) {
	path, from, to := pool(t, "")
	end := counting(t, path, to)
	defer end()
	r, err := run(t, migrate.Options{Config: path, To: to.Addr, Way: migrate.ByFence})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("writes waited %v", r.Frozen)
	for name, want := range map[string]string{"min-replicas-to-write": "0", "min-replicas-max-lag": "10"} {
		if have, err := redis.StringMap(from.Do("CONFIG", "GET", name)); err != nil || have[name] != want {
			t.Errorf("%s is %q, %v, want %q", name, have[name], err, want)
		}
	}
}

// TestWrittenBack: a file that somebody writes back each time is not rewritten for ever;
// when it has the new node, the move is finished.
func TestWrittenBack(t *testing.T) {
	path, from, to := pool(t, "")
	was, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	back := func(e migrate.Event) {
		if e.Step != migrate.Rewrite {
			return
		}
		if err := os.WriteFile(path, was, 0o600); err != nil {
			t.Error(err)
		}
	}
	_, err = run(t, migrate.Options{Config: path, To: to.Addr, Progress: back})
	want := path + " back 3 times: " + to.Addr + " is the primary now; change shard one where the file is made, then --resume"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("%v, want %q", err, want)
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(was), from.Addr, to.Addr)), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := migrate.New(migrate.Options{Config: path, Shard: "one"})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, err := m.Resume(context.Background()); err != nil {
		t.Error(err)
	}
}

// TestNear: writes do not begin to wait while the target hangs.
func TestNear(t *testing.T) {
	path, _, to := pool(t, "")
	end := counting(t, path, to)
	defer end()
	r, err := run(t, migrate.Options{Config: path, To: to.Addr, Way: migrate.ByPause, Before: func(s migrate.Step) error {
		if s != migrate.Freeze {
			return nil
		}
		time.AfterFunc(700*time.Millisecond, func() { to.Resume() })
		return to.Pause()
	}})
	if err != nil {
		t.Fatal(err)
	}
	if r.Attempts != 1 || r.Frozen <= 0 || r.Frozen > 500*time.Millisecond {
		t.Errorf("%d attempts, writes waited %v while the target hung for 700ms", r.Attempts, r.Frozen)
	}
}

// TestLoading: while the target loads its copy that is told, and not that nothing comes.
func TestLoading(t *testing.T) {
	path, from, _ := pool(t, "")
	to := shardtest.Redis(t, shardtest.Args("--key-load-delay", "300", "--loading-process-events-interval-bytes", "1024"))
	for i := range 2000 {
		if _, err := from.Do("SET", fmt.Sprint("k:", i), strings.Repeat("x", 100)); err != nil {
			t.Fatal(err)
		}
	}
	told := 0
	m, err := migrate.New(migrate.Options{Config: path, Shard: "one", To: to.Addr, Watch: 50 * time.Millisecond, Progress: func(e migrate.Event) {
		if e.Step == migrate.Sync && strings.HasSuffix(e.Text, "% loaded") && e.Total > 0 && e.Bytes <= e.Total {
			told++
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, err := m.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if told == 0 {
		t.Error("not told that the target loads")
	}
}

// TestLargeValue: keys are compared without having a node send a large one.
func TestLargeValue(t *testing.T) {
	path, from, to := pool(t, "")
	if _, err := from.Do("SETRANGE", "large", 32<<20, "end"); err != nil {
		t.Fatal(err)
	}
	if _, err := run(t, migrate.Options{Config: path, To: to.Addr}); err != nil {
		t.Fatal(err)
	}
	info, err := redis.String(to.Do("INFO", "stats"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(info, "total_net_output_bytes:")
	sent, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil || sent > 8<<20 {
		t.Errorf("the target sent %d bytes, %v", sent, err)
	}
}

// TestExcluded: two moves of a pool exclude each other.
func TestExcluded(t *testing.T) {
	path, _, to := pool(t, "")
	m, err := migrate.New(migrate.Options{Config: path, Shard: "one", To: to.Addr})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := migrate.New(migrate.Options{Config: path, Shard: "one", To: to.Addr}); !errors.Is(err, migrate.ErrLocked) {
		t.Errorf("a second one: %v, want ErrLocked", err)
	}
	m.Close()
	again, err := migrate.New(migrate.Options{Config: path, Shard: "one", To: to.Addr})
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

// TestCopyConfig: settings and users that replication does not carry are there after it.
func TestCopyConfig(t *testing.T) {
	path, from, to := pool(t, "")
	for _, c := range []string{"CONFIG SET maxmemory-policy allkeys-lru", "CONFIG SET notify-keyspace-events KEA", "ACL SETUSER app on >secret ~a:* +@read (~b:* +set)"} {
		f := strings.SplitN(c, " ", 4)
		args := []any{f[1], f[2], f[3]}
		if f[0] == "ACL" {
			args = []any{"SETUSER", "app", "on", ">secret", "~a:*", "+@read", "(~b:* +set)"}
		}
		if _, err := from.Do(f[0], args...); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := run(t, migrate.Options{Config: path, To: to.Addr, CopyConfig: true}); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]any{{"CONFIG", "GET", "maxmemory-policy"}, {"CONFIG", "GET", "notify-keyspace-events"}, {"ACL", "LIST"}} {
		want, err1 := from.Do(args[0].(string), args[1:]...)
		have, err2 := to.Do(args[0].(string), args[1:]...)
		if strings.Replace(fmt.Sprintf("%s", have), " sanitize-payload", "", 1) != fmt.Sprintf("%s", want) || err1 != nil || err2 != nil {
			t.Errorf("%v: %s, want %s (%v, %v)", args, have, want, err1, err2)
		}
	}
}

// TestSentinel: in a pool with Sentinels these elect the target.
func TestSentinel(t *testing.T) {
	path, from, to := pool(t, "  sentinels: [SENTINEL]\n")
	host, port, _ := strings.Cut(from.Addr, ":")
	s := shardtest.Sentinel(t, fmt.Sprintf("sentinel monitor one %s %s 1\nsentinel down-after-milliseconds one 5000", host, port))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), "SENTINEL", fmt.Sprintf("%q", s.Addr), 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	end := counting(t, path, to)
	defer end()
	r, err := run(t, migrate.Options{Config: path, To: to.Addr})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("writes waited %v", r.Frozen)
	if r.Way != migrate.BySentinels {
		t.Errorf("by %s", r.Way)
	}
	at, err := redis.Strings(s.Do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "one"))
	if err != nil || strings.Join(at, ":") != to.Addr {
		t.Errorf("the Sentinel has %v, %v, want %s", at, err, to.Addr)
	}
	if have, err := redis.StringMap(to.Do("CONFIG", "GET", "replica-priority")); err != nil || have["replica-priority"] != "100" {
		t.Errorf("replica-priority is %v, %v", have, err)
	}
}

// TestNodeKilled: a node that dies while the target copies ends the move with an error
// that says how to go on, and when it is back Resume does.
func TestNodeKilled(t *testing.T) {
	for _, which := range []string{"target", "source"} {
		t.Run(which, func(t *testing.T) {
			path, from, to := pool(t, "")
			for i := range 1000 {
				if _, err := from.Do("SET", fmt.Sprint("k:", i), strings.Repeat("x", 1000)); err != nil {
					t.Fatal(err)
				}
			}
			victim := map[string]*shardtest.Server{"target": to, "source": from}[which]
			if _, err := from.Do("SAVE"); err != nil { // the source has no other memory
				t.Fatal(err)
			}
			o := migrate.Options{Config: path, To: to.Addr, Timeout: time.Second}
			o.Before = func(s migrate.Step) error {
				if s == migrate.Sync {
					return victim.Kill()
				}
				return nil
			}
			_, err := run(t, o)
			if err == nil || !strings.Contains(err.Error(), victim.Addr+" does not answer; when it does, --resume goes on") {
				t.Fatalf("%v", err)
			}
			if err := victim.Restart(); err != nil {
				t.Fatal(err)
			}
			o.Before, o.Shard = nil, "one"
			m, err := migrate.New(o)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			if _, err := m.Resume(context.Background()); err != nil {
				t.Fatal(err)
			}
			for i := range 1000 {
				if n, err := redis.Int(to.Do("STRLEN", fmt.Sprint("k:", i))); err != nil || n != 1000 {
					t.Fatalf("key %d has %d bytes, %v", i, n, err)
				}
			}
		})
	}
}

// TestLogin: nodes that ask for a password, of a user with a name, copy each other.
func TestLogin(t *testing.T) {
	path, _, _ := pool(t, "  server_auth: sesame\n  server_username: mover\n")
	user := shardtest.Args("--user", "mover", "on", ">sesame", "~*", "&*", "+@all")
	from, to := shardtest.Redis(t, user), shardtest.Redis(t, user)
	yml := fmt.Sprintf("cache:\n  redis: true\n  server_auth: sesame\n  server_username: mover\n  shards: [{name: one, primary: %s}]\n", from.Addr)
	if err := os.WriteFile(path, []byte(yml), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*shardtest.Server{from, to} {
		if _, err := s.Do("SET", "k", "v"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Do("ACL", "SETUSER", "default", "-psync", "-replconf"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := run(t, migrate.Options{Config: path, To: to.Addr, FlushTarget: true}); err != nil {
		t.Fatal(err)
	}
	role, err := from.Do("ROLE")
	if !strings.Contains(fmt.Sprintf("%s", role), " connected ") {
		t.Errorf("the old node is %s, %v", role, err)
	}
	text, err := os.ReadFile(path + ".cache.one.moved")
	if err != nil || strings.Contains(string(text), "sesame") {
		t.Errorf("%v, the journal has the password:\n%s", err, text)
	}
}
