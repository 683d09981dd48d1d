package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/shardring/shardring/shard/shardtest"
)

// TestCheck is the transcript of a file as understood, with its warnings.
func TestCheck(t *testing.T) {
	r := call(t, "", program, "check", "-c", "testdata/pools.yml")
	wantCode(t, r, exitDone)
	golden(t, "check.golden", r.stdout+"\n"+r.stderr)

	again := call(t, "", program, "check", "-c", write(t, "again.yml", r.stdout))
	if again.stdout != r.stdout {
		t.Errorf("what check prints reads back as\n%s", again.stdout)
	}
}

// TestCheckProblems: all of a file's problems at once, at their places.
func TestCheckProblems(t *testing.T) {
	r := call(t, "", program, "check", "-c", "testdata/wrong.yml")
	wantCode(t, r, exitFailed)
	golden(t, "wrong.golden", r.stderr)
}

// TestCheckUsers: what is wrong with rules, and what rules may not be meant.
func TestCheckUsers(t *testing.T) {
	const shards = "\n  shards: [{name: one, primary: 127.0.0.1:7001}]\n"
	r := call(t, "", program, "check", "-c", write(t, "pools.yml", `
cache:
  redis: true
  users:
    - {name: app, password: x, rules: "~* +gett"}
    - {name: job, password: x, rules: "~* +@read ~a"}`+shards))
	wantCode(t, r, exitFailed)
	wantIn(t, r.stderr, `pool cache: user app: rule "+gett": Unknown command`, `pool cache: user job: rule "~a": Adding a pattern after`)

	r = call(t, "", program, "check", "-c", write(t, "pools.yml", `
open:
  redis: true
  listen: 0.0.0.0:6380
  users:
    - {name: app, password: x, rules: "~* +@all"}
    - {name: locked, rules: "~* +@read"}`+shards+`
closed:
  redis: true
  listen: 0.0.0.0:6381
  users:
    - {name: app, password: x, rules: "~* +@read"}
    - {name: default, rules: "off"}`+shards))
	wantCode(t, r, exitDone)
	wantIn(t, r.stderr, "pool open: who has not logged in may do everything", "pool open: user locked has no password", "pool open: user app may run scripts")
	if strings.Contains(r.stderr, "pool closed:") {
		t.Errorf("a pool that lets nobody in without a password is warned of:\n%s", r.stderr)
	}
}

// TestCheckLive asks real servers: a primary and its replica, one behind a
// password, one that is down, one that hangs, a memcached, and a primary that
// is a replica.
func TestCheckLive(t *testing.T) {
	one, two, down := shardtest.Redis(t), shardtest.Redis(t), shardtest.Redis(t)
	locked := shardtest.Redis(t, shardtest.Password("sesame"))
	memcached := shardtest.Memcached(t)
	_, port, _ := strings.Cut(one.Addr, ":")
	if _, err := two.Do("REPLICAOF", "127.0.0.1", port); err != nil {
		t.Fatal(err)
	}
	if _, err := locked.Do("ACL", "SETUSER", "proxy", "on", ">drowssap", "~*", "+@all"); err != nil {
		t.Fatal(err)
	}
	file := func(extra string) string {
		return write(t, "pools.yml", fmt.Sprintf(`
good: {redis: true, shards: [{name: one, primary: %s, replicas: [%s]}]}
auth: {redis: true, redis_auth: sesame, shards: [{name: locked, primary: %s}]}
user: {redis: true, redis_auth: clients, server_username: proxy, server_auth: drowssap, shards: [{name: locked, primary: %s}]}
mem: {listen: 127.0.0.1:1, timeout: 100, servers: [%s:1 m]}
`, one.Addr, two.Addr, locked.Addr, locked.Addr, memcached.Addr)+extra)
	}
	r := call(t, "", program, "check", "--live", "-c", file(""))
	wantCode(t, r, exitDone)
	for _, row := range []string{
		`good +one +` + one.Addr + ` +primary +\d+\.\d+\.\d+ +[\d.]+(µs|ms)`,
		`good +one +` + two.Addr + ` +replica +\d+\.\d+\.\d+ +[\d.]+(µs|ms)`,
		`auth +locked +` + locked.Addr + ` +primary +\d+`,
		`user +locked +` + locked.Addr + ` +primary +\d+`,
		`mem +m +` + memcached.Addr + ` +- +\d+\.\d+\.\d+`,
	} {
		if !regexp.MustCompile(row).MatchString(r.stdout) {
			t.Errorf("no row like %s in\n%s", row, r.stdout)
		}
	}

	down.Stop()
	hung := shardtest.Redis(t)
	hung.Pause()
	defer hung.Resume()
	r = call(t, "", program, "check", "--live", "--timeout", "300ms", "-c", file(fmt.Sprintf(`
bad:
  redis: true
  shards:
    - {name: down, primary: %s}
    - {name: hung, primary: %s}
    - {name: demoted, primary: %s}
    - {name: locked, primary: %s}
`, down.Addr, hung.Addr, two.Addr, locked.Addr)))
	wantCode(t, r, exitFailed)
	wantIn(t, r.stdout, "connection refused", "no answer in 300ms", "is a replica of "+one.Addr, "NOAUTH")
	wantIn(t, r.stderr, "4 of 9 servers failed the check")
}
