package main

import (
	"bufio"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/ring"
	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/shardtest"
)

// astray is a pool of two servers with keys on the wrong one.
type astray struct {
	t       *testing.T
	servers []*shardtest.Server
	conns   []redis.Conn
	file    string
	ring    *ring.Ring
}

func newAstray(t *testing.T) *astray {
	t.Helper()
	a := &astray{t: t, servers: shardtest.RedisN(t, 2)}
	a.file = write(t, "pools.yml", poolOf("127.0.0.1:1", a.servers))
	file, err := config.Load(a.file)
	if err != nil {
		t.Fatal(err)
	}
	if a.ring, err = ring.New(file.Pools[0].Ring); err != nil {
		t.Fatal(err)
	}
	for _, s := range a.servers {
		c, err := redis.Dial("tcp", s.Addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		a.conns = append(a.conns, c)
	}
	return a
}

func (a *astray) do(server int, name string, args ...any) any {
	a.t.Helper()
	v, err := a.conns[server].Do(name, args...)
	if err != nil {
		a.t.Fatalf("%s %v: %v", name, args, err)
	}
	return v
}

func (a *astray) home(key string) int { return a.ring.OwnerString(key) }
func (a *astray) away(key string) int { return 1 - a.home(key) }

func (a *astray) audit(stdin string, args ...string) result {
	a.t.Helper()
	return call(a.t, stdin, program, append([]string{"audit", "-c", a.file}, args...)...)
}

// TestAudit finds, lists, moves and deletes.
func TestAudit(t *testing.T) {
	a := newAstray(t)
	for i := range 20 {
		a.do(a.home(fmt.Sprint("home:", i)), "SET", fmt.Sprint("home:", i), i)
	}
	wantIn(t, a.audit("").stdout, "pool cache: 20 keys on 2 servers in ", " 0 misplaced (0.00%)")
	wantCode(t, a.audit(""), exitDone)

	misplaced := []string{"plain", "two words", "\xff\x00"}
	for _, key := range misplaced {
		a.do(a.away(key), "SET", key, "value", "EX", 1000)
	}
	a.do(a.home("both"), "SET", "both", "new")
	a.do(a.away("both"), "SET", "both", "old")
	a.do(a.away("in db 3"), "SELECT", 3)
	a.do(a.away("in db 3"), "RPUSH", "in db 3", "value")
	a.do(a.away("in db 3"), "SELECT", 0)

	r := a.audit("")
	wantCode(t, r, exitFailed)
	wantIn(t, r.stdout, "26 keys on 2 servers", "5 misplaced (19.23%)", "SHARD", "OWNER", `"two words"`, `"\xff\x00"`)
	wantIn(t, r.stderr, "5 keys are misplaced: --repair moves them home, --delete deletes them")

	r = a.audit("", "--list")
	wantCode(t, r, exitFailed)
	wantIn(t, r.stdout, fmt.Sprintf(`{"key":"two words","db":0,"shard":"cache-%d","owner":"cache-%d"}`, a.away("two words")+1, a.home("two words")+1), `{"key":"ff00","hex":true,"db":0,`, `{"key":"in db 3","db":3,`)
	if n := strings.Count(r.stdout, "\n"); n != 5 {
		t.Errorf("%d lines, want 5:\n%s", n, r.stdout)
	}

	r = a.audit("", "--repair")
	wantCode(t, r, exitFailed)
	wantIn(t, r.stdout, "5 keys in ", ": 4 moved, 1 conflict", "LEFT", "both")
	wantIn(t, r.stderr, "1 key was left where it was")
	for _, key := range misplaced {
		if v, err := redis.String(a.do(a.home(key), "GET", key), nil); err != nil || v != "value" {
			t.Errorf("%q at home: %q, %v", key, v, err)
		}
	}

	for stdin, want := range map[string]string{"": "nobody answered: nothing was deleted", "no\n": `the answer was "no" and not yes: nothing was deleted`} {
		r = a.audit(stdin, "--delete")
		wantCode(t, r, exitFailed)
		wantIn(t, r.stderr, "Delete 1 key from the servers where they were found? Type yes: ", want)
	}
	if v, _ := redis.String(a.do(a.away("both"), "GET", "both"), nil); v != "old" {
		t.Errorf("deleted without a yes: %q", v)
	}
	r = a.audit("yes\n", "--delete", "--json")
	wantCode(t, r, exitDone)
	var v auditView
	if err := json.Unmarshal([]byte(r.stdout), &v); err != nil || v.Misplaced != 1 || v.Results["deleted"] != 1 || v.Groups[0].Examples[0].Key != "both" {
		t.Errorf("%v: %s", err, r.stdout)
	}
	if v, _ := redis.String(a.do(a.home("both"), "GET", "both"), nil); v != "new" {
		t.Errorf("at home: %q", v)
	}
	a.do(a.away("more"), "SET", "more", 1)
	r = a.audit("", "--delete", "--yes", "--list")
	wantCode(t, r, exitDone)
	wantIn(t, r.stdout, `{"key":"more","db":0,`, `"result":"deleted"}`)
	wantCode(t, a.audit("", "--json"), exitDone)
}

// TestAuditAgainst: what another file would move, as tables, JSON and a chart.
func TestAuditAgainst(t *testing.T) {
	a := newAstray(t)
	for i := range 3000 {
		key := fmt.Sprint("key:", i)
		a.do(a.home(key), "SET", key, strings.Repeat("x", 100))
	}
	bigger := write(t, "bigger.yml", poolOf("127.0.0.1:1", a.servers)+"    - {name: cache-3, primary: 127.0.0.1:2}\n")
	svg := filepath.Join(t.TempDir(), "change.svg")
	r := a.audit("", "--against", bigger, "--svg", svg)
	wantCode(t, r, exitDone)
	wantIn(t, r.stdout, "of the hash space moves", "of 3,000 keys", "by 3,000 sampled", "FROM", "cache-1  cache-3", "cache-2  cache-3", "KEYS BEFORE", "BYTES BEFORE")
	b, err := os.ReadFile(svg)
	if err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(strings.NewReader(string(b))); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	wantIn(t, string(b), "Pool cache, before and after", "cache-3")

	r = a.audit("", "--against", bigger, "--json", "--samples", "500")
	var c change
	if err := json.Unmarshal([]byte(r.stdout), &c); err != nil {
		t.Fatalf("%v: %s", err, r.stdout)
	}
	same := call(t, "", program, "ring", "-c", a.file, "--diff", bigger, "--json")
	var d comparison
	if err := json.Unmarshal([]byte(same.stdout), &d); err != nil || c.Moved == nil || *c.Moved != d.Moved {
		t.Errorf("audit says %v moves, ring %v, %v", c.Moved, d.Moved, err)
	}
	if c.Keys.Margin == 0 || c.Keys.Value < 500 || c.Keys.Value > 1500 || len(c.Flows) != 2 || c.Shards[2].BytesAfter < 50_000 {
		t.Errorf("%+v", c)
	}
	other := write(t, "other.yml", strings.Replace(poolOf("127.0.0.1:1", a.servers), "redis: true", "redis: true\n  distribution: ketama", 1))
	r = a.audit("", "--against", other)
	wantCode(t, r, exitDone)
	wantIn(t, r.stdout, "shares cannot be compared")
}

// TestAuditRefusals: flags that do not go together, and a server that is down.
func TestAuditRefusals(t *testing.T) {
	for args, want := range map[string]string{
		"--delete --repair":             "--delete and --repair: want one of them",
		"--against x.yml --repair":      "--against changes and lists nothing",
		"--svg x.svg":                   "want --against with it",
		"--yes":                         "--yes is an answer to --delete",
		"--list --json":                 "--json and --list: want one of them",
		"--keys-per-second -1":          "--keys-per-second -1: want more than 0",
		"--samples 0":                   "--samples 0: want at least 1",
		"--samples 1000000000":          "--samples 1000000000: want at most 100000000",
		"--keys-per-second 2000000000":  "--keys-per-second 2000000000: want at most 1000000000, or 0",
		"--timeout -1s":                 "--timeout -1s: want more than 0s, or 0s for the default",
		"extra":                         `audit takes no arguments, have "extra"`,
		"--against testdata/bigger.yml": "--pool",
	} {
		r := call(t, "", program, append([]string{"audit", "-c", "testdata/pools.yml"}, strings.Fields(args)...)...)
		wantCode(t, r, exitUsage)
		wantIn(t, r.stderr, want)
	}
	a := newAstray(t)
	a.servers[1].Stop()
	r := a.audit("", "--timeout", "500ms")
	wantCode(t, r, exitFailed)
	wantIn(t, r.stderr, "shard cache-2 at "+a.servers[1].Addr, "connection refused")
}

// TestAuditInterrupted: on SIGINT the keys under way are finished, and what is
// done is said.
func TestAuditInterrupted(t *testing.T) {
	a := newAstray(t)
	const n = 500
	for i := range n {
		key := fmt.Sprint("key:", i)
		a.do(a.away(key), "SET", key, i)
	}
	cmd := exec.Command(program, "audit", "-c", a.file, "--repair", "--keys-per-second", "200")
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	moved := func() (moved int64) {
		for i := range n {
			key := fmt.Sprint("key:", i)
			moved += a.do(a.home(key), "EXISTS", key).(int64)
		}
		return moved
	}
	eventually(t, "some keys are moved", func() bool { return moved() > 10 })
	send(t, cmd, syscall.SIGINT)
	if code := waitExit(t, cmd); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	done := moved()
	wantIn(t, stdout.String(), fmt.Sprintf(": %d moved, %d not reached", done, n-done))
	wantIn(t, stderr.String(), "interrupted")
	if left := a.do(0, "EXISTS", "shardring:audit:repair").(int64) + a.do(1, "EXISTS", "shardring:audit:repair").(int64); left != 0 {
		t.Errorf("%d claims are left", left)
	}
	wantCode(t, a.audit("", "--repair"), exitDone)
	if done := moved(); done != n {
		t.Errorf("%d keys are at home, want %d", done, n)
	}
}

// TestAuditInterruptedAsked: one SIGINT at the question ends it, and nothing is deleted.
func TestAuditInterruptedAsked(t *testing.T) {
	a := newAstray(t)
	a.do(a.away("key"), "SET", "key", "value")
	cmd := exec.Command(program, "audit", "-c", a.file, "--delete")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(stderr)
	if _, err := r.ReadString(':'); err != nil {
		t.Fatal(err)
	}
	send(t, cmd, syscall.SIGINT)
	said := make(chan string, 1)
	go func() {
		rest, _ := io.ReadAll(r)
		said <- string(rest)
	}()
	select {
	case rest := <-said:
		wantIn(t, rest, "shardproxy: interrupted: nothing was deleted")
	case <-time.After(5 * time.Second):
		t.Error("it still asks after a SIGINT")
		_ = cmd.Process.Kill()
	}
	if code := waitExit(t, cmd); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	if a.do(a.away("key"), "EXISTS", "key") != int64(1) {
		t.Error("the key was deleted")
	}
}

// TestAuditKilled: a repair that is killed again and again, at any point, loses
// nothing, and the one that is let alone ends it.
func TestAuditKilled(t *testing.T) {
	a := newAstray(t)
	const n = 16000 // a repair takes about half a second
	type state struct{ dump, expire any }
	before := map[string]state{}
	at := func(server int, key string) state {
		dump, _ := redis.String(a.do(server, "DUMP", key), nil)
		return state{dump, a.do(server, "PEXPIRETIME", key)}
	}
	expire := time.Now().Add(time.Hour).UnixMilli()
	for i := range n {
		key := fmt.Sprint("key:", i)
		switch i % 4 {
		case 0:
			a.do(a.away(key), "SET", key, i, "PXAT", expire+int64(i))
		case 1:
			a.do(a.away(key), "RPUSH", key, i, "b")
		case 2:
			a.do(a.away(key), "HSET", key, "field", strings.Repeat("x", i%1000))
		case 3:
			a.do(a.away(key), "ZADD", key, i, "a", 2, "b")
		}
		before[key] = at(a.away(key), key)
	}
	killed, twice := 0, 0
	for ended := false; !ended; {
		cmd := exec.Command(program, "audit", "-c", a.file, "--repair", "--json")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if killed < 15 {
			time.Sleep(20*time.Millisecond + rand.N(100*time.Millisecond))
			_ = cmd.Process.Kill()
		}
		err := cmd.Wait()
		ended = err == nil
		if cmd.ProcessState.ExitCode() == -1 {
			killed++
		} else if !ended {
			t.Fatal(err)
		}
		keys := int64(0)
		for i := range a.conns {
			keys += a.do(i, "DBSIZE").(int64) - a.do(i, "EXISTS", "shardring:audit:repair").(int64)
		}
		if keys < n {
			t.Fatalf("%d keys are left of %d after %d kills", keys, n, killed)
		}
		twice = max(twice, int(keys)-n)
	}
	for key, want := range before {
		if have := at(a.home(key), key); have != want {
			t.Errorf("%s is not as it was: %v, want %v", key, have, want)
		}
	}
	if r := a.audit(""); r.code != exitDone {
		t.Errorf("the last one did not end it: %s%s", r.stdout, r.stderr)
	}
	if killed < 3 {
		t.Errorf("it was killed %d times only", killed)
	}
	t.Logf("killed %d times; at most %d keys in two places then", killed, twice)
}
