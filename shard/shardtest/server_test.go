package shardtest_test

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/shardtest"
)

func TestRedisServesAndComesBackOnItsPort(t *testing.T) {
	s := shardtest.Redis(t)
	if _, err := s.Do("SET", "k", "v"); err != nil {
		t.Fatal(err)
	}
	if got, err := redis.String(s.Do("GET", "k")); err != nil || got != "v" {
		t.Fatalf("GET = %q, %v", got, err)
	}
	first := s.Pid()
	for _, end := range []func() error{s.Kill, s.Stop} {
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if s.State() != shardtest.Exited {
			t.Fatalf("state is %v", s.State())
		}
		if _, err := net.Dial("tcp", s.Addr); err == nil {
			t.Fatal("still accepts connections")
		}
		if err := s.Restart(); err != nil {
			t.Fatal(err)
		}
		if got, err := redis.Int(s.Do("DBSIZE")); err != nil || got != 0 {
			t.Fatalf("DBSIZE after a restart = %d, %v", got, err)
		}
	}
	if s.Pid() == first {
		t.Fatal("the same process as before")
	}
	if got := strings.Count(s.Log(), "Ready to accept connections"); got != 3 {
		t.Fatalf("the log tells of %d starts, want 3", got)
	}
}

func TestPauseHangsAndResumeAnswers(t *testing.T) {
	s := shardtest.Redis(t)
	c, err := redis.Dial("tcp", s.Addr, redis.DialReadTimeout(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = s.Pause()
	if s.State() != shardtest.Paused {
		t.Fatalf("state is %v", s.State())
	}
	if _, err := c.Do("PING"); err == nil {
		t.Fatal("a paused server answered")
	}
	_ = s.Resume()
	if _, err := s.Do("PING"); err != nil {
		t.Fatal(err)
	}
	_ = s.Pause()
	begin := time.Now()
	if err := s.Stop(); err != nil || time.Since(begin) > 5*time.Second {
		t.Fatalf("stopping a paused server took %v: %v", time.Since(begin), err)
	}
}

func TestPasswordAndArgs(t *testing.T) {
	s := shardtest.Redis(t, shardtest.Password("secret"), shardtest.Args("--maxmemory", "10mb"))
	got, err := redis.Strings(s.Do("CONFIG", "GET", "maxmemory"))
	if err != nil || len(got) != 2 || got[1] != "10485760" {
		t.Fatalf("maxmemory is %q, %v", got, err)
	}
	c, err := redis.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Do("PING"); err == nil || !strings.HasPrefix(err.Error(), "NOAUTH") {
		t.Fatalf("PING without the password: %v", err)
	}
}

func TestMemcached(t *testing.T) {
	s := shardtest.Memcached(t)
	if err := shardtest.ReadyMemcached(s.Addr); err != nil {
		t.Fatal(err)
	}
}

func TestNutcrackerSpreadsOverServers(t *testing.T) {
	shards := shardtest.RedisN(t, 2)
	s := shardtest.Nutcracker(t, `
alpha:
  listen: ${ADDR}
  redis: true
  servers:
   - `+shards[0].Addr+`:1 one
   - `+shards[1].Addr+`:1 two
beta:
  listen: ${ADDR.beta}
  redis: true
  servers:
   - `+shards[0].Addr+`:1
`)
	for i := range 64 {
		if _, err := s.Do("SET", strings.Repeat("key", i), "v"); err != nil {
			t.Fatal(err)
		}
	}
	for i, shard := range shards {
		if n, err := redis.Int(shard.Do("DBSIZE")); err != nil || n == 0 || n == 64 {
			t.Fatalf("shard %d holds %d keys, %v", i, n, err)
		}
	}
	for _, name := range []string{"beta", "stats"} {
		if err := shardtest.ReadyTCP(s.AddrOf(name)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

func TestHAProxyForwards(t *testing.T) {
	backend := shardtest.Redis(t)
	s := shardtest.HAProxy(t, `
defaults
  mode tcp
  timeout connect 1s
  timeout client 10s
  timeout server 10s
listen redis
  bind ${ADDR}
  server one `+backend.Addr+`
`)
	if got, err := redis.String(s.Do("PING")); err != nil || got != "PONG" {
		t.Fatalf("PING = %q, %v", got, err)
	}
}

func TestStartWithoutATest(t *testing.T) {
	s, err := shardtest.Start(context.Background(), shardtest.RedisSpec())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if s.State() != shardtest.Closed || !strings.Contains(s.Log(), "Ready to accept") {
		t.Fatalf("state %v, log %q", s.State(), s.Log())
	}
	if _, err := os.Stat(s.Dir()); !os.IsNotExist(err) {
		t.Fatalf("its directory is still there: %v", err)
	}
	if err := s.Restart(); err == nil {
		t.Fatal("a closed server restarted")
	}
}

func TestStartErrorsSayWhatToDo(t *testing.T) {
	spec := shardtest.RedisSpec()
	spec.Program = "redis-server-of-another-world"
	_, err := shardtest.Start(context.Background(), spec)
	var missing *shardtest.MissingError
	if !errors.As(err, &missing) || !strings.Contains(err.Error(), "apt-get install -y redis-server") {
		t.Errorf("missing program: %v", err)
	}

	_, err = shardtest.Start(context.Background(), shardtest.RedisSpec(shardtest.Args("--no-such-setting", "1")))
	if err == nil || !strings.Contains(err.Error(), "no-such-setting") {
		t.Errorf("bad argument: %v", err)
	}

	_, err = shardtest.Start(context.Background(), shardtest.NutcrackerSpec("pool:\n  listen: ${ADDR}\n  colour: red\n"))
	if err == nil || !strings.Contains(err.Error(), "syntax is invalid") {
		t.Errorf("bad nutcracker.yml: %v", err)
	}

	spec = shardtest.RedisSpec()
	spec.Ready = func(string) error { return errors.New("never") }
	spec.StartTimeout = 50 * time.Millisecond
	_, err = shardtest.Start(context.Background(), spec)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("never ready: %v", err)
	}
}

// A server whose port is taken by somebody else gets another one.
func TestStartTriesAnotherPort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	starts := t.TempDir() + "/starts"
	spec := shardtest.RedisSpec()
	redisServer := spec.Program
	spec.Program = "/bin/sh"
	spec.Args = []string{"-c", `
		echo start >> ` + starts + `
		port=${PORT}
		if [ $(wc -l < ` + starts + `) -lt 3 ]; then port=` + portOf(taken.Addr().String()) + `; fi
		exec ` + redisServer + ` --save "" --bind 127.0.0.1 --port $port`}
	s, err := shardtest.Start(context.Background(), spec)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got, _ := os.ReadFile(starts); strings.Count(string(got), "start") != 3 {
		t.Fatalf("%d starts, want 3", strings.Count(string(got), "start"))
	}
}

func portOf(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}
