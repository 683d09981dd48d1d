package audit

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/shardtest"
)

// TestFindsExactlyAndRepairs: of many keys of all types the misplaced ones are
// found, all and no other, and come home with their values and expiries; and
// how fast they are found, beside redis-cli --scan of the same servers.
func TestFindsExactlyAndRepairs(t *testing.T) {
	f := newFleet(t, 4)
	want := f.fill(*manyKeys, *manyMisplaced)
	before := map[string]state{}
	for _, key := range want {
		before[key] = f.state(f.away(key), key)
	}

	var progress []Progress
	a := f.open(Options{Progress: func(p Progress) { progress = append(progress, p) }})
	r, keys := f.find(a)
	var have []string
	for _, k := range keys {
		have = append(have, string(k.Name))
		if k.Shard != f.pool.Shards[f.away(string(k.Name))].Name || k.Owner != f.ring.Name(f.ring.Owner(k.Name)) {
			t.Errorf("%q is said to be on %s and %s's", k.Name, k.Shard, k.Owner)
		}
	}
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Fatalf("found %d keys, want %d: %.200q", len(have), len(want), have)
	}
	if last := progress[len(progress)-1]; last.Found != int64(len(want)) || last.Done != r.Keys || last.Total != int64(*manyKeys+1) {
		t.Errorf("progress ends with %+v", last)
	}
	if r.Keys < int64(*manyKeys) || len(r.Groups) != 4 || len(r.Groups[0].Examples) != 3 {
		t.Errorf("report %+v", r)
	}
	f.beside(a)

	outcomes := 0
	totals, err := a.Repair(t.Context(), keys, func(o Outcome) {
		outcomes++
		if o.Result != Moved {
			t.Errorf("%v", o)
		}
	})
	if err != nil || outcomes != len(want) || totals.Of(Moved) != int64(len(want)) {
		t.Fatalf("%d outcomes, %+v, %v", outcomes, totals, err)
	}
	t.Logf("%d keys moved in %v, %.0f a second", outcomes, totals.Took.Round(time.Millisecond), float64(outcomes)/totals.Took.Seconds())
	for _, key := range want {
		if f.has(f.away(key), key) {
			t.Errorf("%s is still where it was", key)
		}
		if have := f.state(f.ring.OwnerString(key), key); have != before[key] {
			t.Errorf("%s expires at %d, before at %d, value the same: %v", key, have.expire, before[key].expire, have.dump == before[key].dump)
		}
	}
	if r, _ := f.find(a); r.Misplaced != 0 || r.Keys < int64(*manyKeys) {
		t.Errorf("after the repair: %+v", r)
	}
	for i := range f.servers {
		if f.has(i, ClaimKey) {
			t.Errorf("%s is left on cache-%d", ClaimKey, i+1)
		}
	}
}

// beside measures Find and redis-cli --scan, which scans all servers at once too,
// in turns, and holds that Find's best is not slower.
func (f *fleet) beside(a *Auditor) {
	f.t.Helper()
	cli, err := exec.LookPath("redis-cli")
	if err != nil {
		f.t.Fatal("no redis-cli found, install it: apt-get install -y redis-tools")
	}
	var ours, theirs time.Duration
	for round := range 3 {
		r, _ := f.find(a)
		began := time.Now()
		keys := make(chan int, len(f.servers))
		for _, s := range f.servers {
			go func() {
				_, port, _ := strings.Cut(s.Addr, ":")
				out, err := exec.Command(cli, "-p", port, "--scan").Output()
				if err != nil {
					f.t.Errorf("redis-cli --scan: %v", err)
				}
				keys <- strings.Count(string(out), "\n")
			}()
		}
		n := 0
		for range f.servers {
			n += <-keys
		}
		took := time.Since(began)
		f.t.Logf("Find: %d keys in %v, %.0f a second; redis-cli --scan: %d in %v, %.0f a second",
			r.Keys, r.Took.Round(time.Millisecond), float64(r.Keys)/r.Took.Seconds(), n, took.Round(time.Millisecond), float64(n)/took.Seconds())
		if int64(n) < int64(*manyKeys) {
			f.t.Errorf("redis-cli found %d keys", n)
		}
		if round == 0 {
			ours, theirs = r.Took, took
		}
		ours, theirs = min(ours, r.Took), min(theirs, took)
	}
	if ours > theirs {
		f.t.Errorf("Find took %v, redis-cli --scan %v", ours, theirs)
	}
}

// TestDatabases: all databases with keys are looked at, or only the pool's own.
func TestDatabases(t *testing.T) {
	for _, c := range []struct {
		lines string
		want  string
	}{{"timeout: 1000", "0 3 9"}, {"redis_db: 3", "3"}} {
		f := newFleet(t, 2, c.lines)
		for _, db := range []int{0, 3, 9} {
			for i := range f.conns {
				f.do(i, "SELECT", db)
			}
			key := fmt.Sprint("key in ", db)
			f.do(f.away(key), "SET", key, db)
		}
		a := f.open(Options{})
		_, keys := f.find(a)
		var have []string
		for _, k := range keys {
			have = append(have, fmt.Sprint(k.Database))
		}
		slices.Sort(have)
		if strings.Join(have, " ") != c.want {
			t.Errorf("%s: databases %v, want %s", c.lines, have, c.want)
		}
		if totals, err := a.Repair(t.Context(), keys, nil); err != nil || totals.Of(Moved) != int64(len(have)) {
			t.Errorf("%s: %+v, %v", c.lines, totals, err)
		}
		for _, k := range keys {
			owner := f.ring.Owner(k.Name)
			f.do(owner, "SELECT", k.Database)
			if !f.has(owner, string(k.Name)) {
				t.Errorf("%q is not at home in database %d", k.Name, k.Database)
			}
		}
	}
}

// TestSharedServer: where two shards have one server, keys of both are at home
// there, also when the file calls it by two names: moving them would delete them.
func TestSharedServer(t *testing.T) {
	s := shardtest.Redis(t)
	other := shardtest.Redis(t)
	_, port, _ := strings.Cut(s.Addr, ":")
	pool := parse(t, fmt.Sprintf("cache: {redis: true, shards: [{name: a, primary: %s}, {name: b, primary: \"localhost:%s\"}, {name: c, primary: %s}]}", s.Addr, port, other.Addr))
	for i := range 300 {
		if _, err := s.Do("SET", fmt.Sprint("key:", i), i); err != nil {
			t.Fatal(err)
		}
	}
	a, err := Open(t.Context(), pool, Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Find(t.Context(), func(k Key) {
		if k.Owner != "c" {
			t.Errorf("%q of %s is said to be misplaced", k.Name, k.Owner)
		}
	})
	if err != nil || r.Keys != 300 || r.Misplaced < 30 || r.Misplaced > 200 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestFindFollows: a primary that has become a replica is not scanned, its new
// primary is; and with FromReplicas the replica is.
func TestFindFollows(t *testing.T) {
	old := shardtest.Redis(t)
	now := shardtest.Redis(t)
	if _, err := now.Do("SET", "key", "value"); err != nil {
		t.Fatal(err)
	}
	host, port, _ := strings.Cut(now.Addr, ":")
	if _, err := old.Do("REPLICAOF", host, port); err != nil {
		t.Fatal(err)
	}
	for limit := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if n, _ := old.Do("DBSIZE"); n == int64(1) {
			break
		} else if time.Now().After(limit) {
			t.Fatal("the replica has no key")
		}
	}
	pool := parse(t, fmt.Sprintf("cache: {redis: true, shards: [{name: a, primary: %s, replicas: [%s]}]}", old.Addr, now.Addr))
	for _, c := range []struct {
		opt  Options
		want string
	}{{Options{}, now.Addr}, {Options{FromReplicas: true}, old.Addr}} {
		a, err := Open(t.Context(), pool, c.opt)
		if err != nil {
			t.Fatal(err)
		}
		r, err := a.Find(t.Context(), nil)
		if err != nil || r.Keys != 1 || r.Servers[0].Node != c.want {
			t.Errorf("%+v: %+v, %v, want %s to be scanned", c.opt, r, err, c.want)
		}
	}
}

// TestSentinels: who has a shard is asked of them; a shard that they do not know
// is named.
func TestSentinels(t *testing.T) {
	s := shardtest.Redis(t)
	host, port, _ := strings.Cut(s.Addr, ":")
	sentinel := shardtest.Sentinel(t, "sentinel monitor one "+host+" "+port+" 1")
	if _, err := s.Do("SET", "key", "value"); err != nil {
		t.Fatal(err)
	}
	pool := func(master string) *config.Pool {
		return parse(t, fmt.Sprintf("cache: {redis: true, sentinels: [%s], shards: [{name: a, master: %s}]}", sentinel.Addr, master))
	}
	a, err := Open(t.Context(), pool("one"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := a.Find(t.Context(), nil); err != nil || r.Keys != 1 || r.Servers[0].Node != s.Addr {
		t.Errorf("%+v, %v", r, err)
	}
	_, err = Open(t.Context(), pool("two"), Options{FindTimeout: time.Second})
	if err == nil || err.Error() != "shard a: no Sentinel has named its primary" {
		t.Error(err)
	}
}

// TestRate: no more keys a second than are allowed.
func TestRate(t *testing.T) {
	f := newFleet(t, 2)
	for i := range 600 {
		key := fmt.Sprint("key:", i)
		f.do(f.ring.OwnerString(key), "SET", key, i)
	}
	if r, _ := f.find(f.open(Options{KeysPerSecond: 1000})); r.Took < 300*time.Millisecond || r.Took > 3*time.Second {
		t.Errorf("600 keys at 1,000 a second took %v", r.Took)
	}
}

// TestRefusals: what is wrong is said with the shard and the node.
func TestRefusals(t *testing.T) {
	f := newFleet(t, 2)
	f.servers[1].Stop()
	_, err := Open(t.Context(), f.pool, Options{FindTimeout: time.Second})
	var at *Error
	if !errors.As(err, &at) || at.Shard != "cache-2" || at.Node != f.servers[1].Addr || !strings.Contains(err.Error(), "refused") {
		t.Errorf("a server is down: %v", err)
	}
	locked := shardtest.Redis(t, shardtest.Password("sesame"))
	for text, want := range map[string]string{
		"cache: {redis: true, shards: [{name: a, primary: " + locked.Addr + "}]}":                                   "shard a at " + locked.Addr + ": INFO: NOAUTH",
		"cache: {redis: true, redis_auth: wrong, shards: [{name: a, primary: " + locked.Addr + "}]}":                "shard a at " + locked.Addr + ": AUTH: WRONGPASS",
		"cache: {redis: true, listen: 127.0.0.1:1, distribution: random, servers: [" + locked.Addr + ":1]}":         "no shard owns a key",
		"cache: {listen: 127.0.0.1:1, servers: [" + locked.Addr + ":1]}":                                            "memcached",
		"cache: {redis: true, redis_auth: sesame, redis_db: 99, shards: [{name: a, primary: " + locked.Addr + "}]}": "shard a at " + locked.Addr + ": SELECT 99: ERR DB index is out of range",
	} {
		a, err := Open(t.Context(), parse(t, text), Options{FindTimeout: time.Second})
		if err == nil {
			_, err = a.Find(t.Context(), nil)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n%v, want %s", text, err, want)
		}
	}
	if _, err := Open(t.Context(), f.pool, Options{Movers: -1}); err == nil || err.Error() != "audit: Movers -1: want 1 to 1024, or 0 for the default" {
		t.Error(err)
	}
}
