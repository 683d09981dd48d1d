package migrate_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/migrate"
	"github.com/shardring/shardring/shard/shardtest"
)

// configured is a pool whose nodes have a configuration file each, which begins so.
func configured(t *testing.T, lines string) (path string, from, to *shardtest.Server) {
	t.Helper()
	withFile := func(s *shardtest.Spec) {
		s.Config = lines + "\n"
		s.Args = append([]string{"${CONFIG}"}, s.Args...)
	}
	path, was, _ := pool(t, "")
	from, to = shardtest.Redis(t, withFile), shardtest.Redis(t, withFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), was.Addr, from.Addr, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, from, to
}

// TestRetiredStays: a node that was let go is what it was let go as after a restart too;
// as a replica, it would lose what it got since.
func TestRetiredStays(t *testing.T) {
	path, from, to := configured(t, "# ours")
	if _, err := run(t, migrate.Options{Config: path, To: to.Addr}); err != nil {
		t.Fatal(err)
	}
	m, err := migrate.New(migrate.Options{Config: path, Shard: "one"})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if _, err := m.Retire(ctx); err != nil {
		t.Fatal(err)
	}
	if err := from.Restart(); err != nil {
		t.Fatal(err)
	}
	role, err := redis.Values(from.Do("ROLE"))
	if name, _ := redis.String(role[0], err); name != "master" {
		t.Errorf("%s is a %s after a restart, %v", from.Addr, name, err)
	}
}
