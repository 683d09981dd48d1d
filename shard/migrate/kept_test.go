package migrate_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/migrate"
	"github.com/shardring/shardring/shard/shardtest"
)

// configured is a pool whose nodes have a configuration file each; that of the target
// begins so.
func configured(t *testing.T, lines string) (path string, from, to *shardtest.Server) {
	t.Helper()
	withFile := func(lines string) shardtest.Option {
		return func(s *shardtest.Spec) {
			s.Config = lines + "\n"
			s.Args = append([]string{"${CONFIG}"}, s.Args...)
		}
	}
	path, was, _ := pool(t, "")
	from, to = shardtest.Redis(t, withFile("# ours")), shardtest.Redis(t, withFile(lines))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), was.Addr, from.Addr, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, from, to
}

// retire lets the node go that shard one was moved from.
func retire(t *testing.T, path string) error {
	t.Helper()
	m, err := migrate.New(migrate.Options{Config: path, Shard: "one"})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	_, err = m.Retire(ctx)
	return err
}

// TestRetiredStays: a node that was let go is what it was let go as after a restart too;
// as a replica, it would lose what it got since.
func TestRetiredStays(t *testing.T) {
	path, from, to := configured(t, "# ours")
	if _, err := run(t, migrate.Options{Config: path, To: to.Addr}); err != nil {
		t.Fatal(err)
	}
	if err := retire(t, path); err != nil {
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

// TestListedStays: a node that clients know as a replica is not made a primary, which
// they would read from, or take for the shard's.
func TestListedStays(t *testing.T) {
	path, from, to := pool(t, "")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	listed := strings.Replace(string(text), "} #", fmt.Sprintf(", replicas: [%q]} #", to.Addr), 1)
	if err := os.WriteFile(path, []byte(listed), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := run(t, migrate.Options{Config: path, To: to.Addr}); err != nil {
		t.Fatal(err)
	}
	if err := retire(t, path); err == nil || !strings.Contains(err.Error(), "as a replica of shard one: remove it there") {
		t.Errorf("retired while it is listed: %v", err)
	}
	role, err := redis.Values(from.Do("ROLE"))
	if name, _ := redis.String(role[0], err); name != "slave" {
		t.Errorf("%s is a %s, %v", from.Addr, name, err)
	}
	if text, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), fmt.Sprintf(", replicas: [%q]", from.Addr), "", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := retire(t, path); err != nil {
		t.Error(err)
	}
}

// TestCopiedUsersStay: users that were copied are there after a restart too, where the
// target keeps its users in a file of their own.
func TestCopiedUsersStay(t *testing.T) {
	users := filepath.Join(t.TempDir(), "users.acl")
	if err := os.WriteFile(users, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	path, from, to := configured(t, "aclfile "+users)
	if _, err := from.Do("ACL", "SETUSER", "app", "on", ">sesame", "~*", "+@all"); err != nil {
		t.Fatal(err)
	}
	if _, err := run(t, migrate.Options{Config: path, To: to.Addr, CopyConfig: true}); err != nil {
		t.Fatal(err)
	}
	if err := to.Restart(); err != nil {
		t.Fatal(err)
	}
	c, err := redis.Dial("tcp", to.Addr, redis.DialUsername("app"), redis.DialPassword("sesame"))
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}
