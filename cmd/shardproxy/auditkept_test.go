package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/migrate/audit"
)

// keeping runs audit in this process, with another bound of what it keeps.
func (a *astray) keeping(bytes int, stdin string, args ...string) (stdout, stderr string, err error) {
	a.t.Helper()
	var out, errs strings.Builder
	cmd := auditKeeping(bytes)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs(append([]string{"-c", a.file}, args...))
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetOut(&out)
	cmd.SetErr(&errs)
	err = cmd.ExecuteContext(a.t.Context())
	return out.String(), errs.String(), err
}

// fill puts keys onto the wrong server, every third with a time to live, and some
// where they belong. It returns when each misplaced one expires, -1: never.
func (a *astray) fill(n int) map[string]int64 {
	a.t.Helper()
	expire := time.Now().Add(time.Hour).UnixMilli()
	wrong := map[string]int64{}
	for i := range n {
		key := fmt.Sprint("key:", i)
		a.do(a.home("home:"+key), "SET", "home:"+key, i)
		a.do(a.away(key), "SET", key, "value of "+key)
		wrong[key] = -1
		if i%3 == 0 {
			wrong[key] = expire + int64(i)
			a.do(a.away(key), "PEXPIREAT", key, wrong[key])
		}
	}
	return wrong
}

// TestAuditKeepsFew: more keys than are kept are repaired all the same, with
// values and expiries, and what is printed is what it is for few.
func TestAuditKeepsFew(t *testing.T) {
	a := newAstray(t)
	const n, conflicts = 4000, leftShown + 200
	wrong := a.fill(n)
	for i := range conflicts {
		key := fmt.Sprint("both:", i)
		a.do(a.home(key), "SET", key, "new")
		a.do(a.away(key), "SET", key, "old")
	}
	out, _, err := a.keeping(1000, "", "--repair")
	if err == nil || err.Error() != "1,200 keys were left where they were" {
		t.Errorf("%v", err)
	}
	wantIn(t, out, "5,200 misplaced", "5,200 keys in ", ": 4,000 moved, 1,200 conflict", "LEFT", "\nand 200 more: --list names all\n")
	if lines := strings.Count(out, "\nboth:"); lines != leftShown {
		t.Errorf("%d keys are said to be left", lines)
	}
	for key, expire := range wrong {
		v, err := redis.String(a.do(a.home(key), "GET", key), nil)
		if at := a.do(a.home(key), "PEXPIRETIME", key); err != nil || v != "value of "+key || at != expire {
			t.Fatalf("%s at home: %q, %v, expires at %v, want %d", key, v, err, at, expire)
		}
		if a.do(a.away(key), "EXISTS", key) != int64(0) {
			t.Fatalf("%s is still where it was", key)
		}
	}
	for i := range 2 {
		if a.do(i, "EXISTS", "shardring:audit:repair") != int64(0) {
			t.Errorf("a claim is left on server %d", i)
		}
	}
	out, _, err = a.keeping(1000, "", "--repair", "--json")
	var v auditView
	if wrong := json.Unmarshal([]byte(out), &v); wrong != nil || err == nil || v.Misplaced != conflicts || v.Results["conflict"] != conflicts || len(v.Left) != leftShown || v.LeftMore != 200 {
		t.Errorf("%v, %v: %.300s", wrong, err, out)
	}

	out, errs, err := a.keeping(1000, "no\n", "--delete")
	wantIn(t, errs, "Delete 1,200 keys from the servers where they were found? Type yes: ")
	if err == nil || strings.Contains(out, "deleted") {
		t.Errorf("%v: %s", err, out)
	}
	out, _, err = a.keeping(1000, "yes\n", "--delete", "--list")
	if n := strings.Count(out, `"result":"deleted"}`+"\n"); err != nil || n != conflicts {
		t.Errorf("%d deleted, %v", n, err)
	}
	for i := range conflicts {
		key := fmt.Sprint("both:", i)
		if v, err := redis.String(a.do(a.home(key), "GET", key), nil); err != nil || v != "new" {
			t.Fatalf("%s at home: %q, %v", key, v, err)
		}
	}
	if out, _, err := a.keeping(1000, ""); err != nil || !strings.Contains(out, " 0 misplaced") {
		t.Errorf("%v: %s", err, out)
	}
	a.fill(n)
	if out, _, err := a.keeping(1000, "", "--delete", "--yes"); err != nil || !strings.Contains(out, ": 4,000 deleted\n") {
		t.Errorf("%v: %s", err, out)
	}
	if out, _, err := a.keeping(1000, ""); err != nil || !strings.Contains(out, "9,200 keys on 2 servers") {
		t.Errorf("%v: %s", err, out)
	}
}

// TestKeptKeys: up to the bound all, beyond it none.
func TestKeptKeys(t *testing.T) {
	k := keptKeys{most: 20 * (keyBytes + 5)}
	for i := range 25 {
		k.add(audit.Key{Name: []byte("12345")})
		if all := i < 20; k.tooMany == all || all && len(k.keys) != i+1 || !all && k.keys != nil {
			t.Fatalf("after %d: %d keys, too many: %v", i+1, len(k.keys), k.tooMany)
		}
	}
}
