package config

import (
	"errors"
	"io/fs"
	"log/slog"
	"reflect"
	"testing"
	"time"

	"github.com/shardring/shardring/ring"
)

// TestNutcrackersDefaults holds the defaults of a pool with servers: to those
// of nutcracker (nc_conf.h), and those of shards: to the differences we mean.
func TestNutcrackersDefaults(t *testing.T) {
	want := Pool{
		Name:               "a",
		Listen:             Listen{Network: "tcp", Address: "127.0.0.1:22121"},
		Ring:               ring.Config{Placement: ring.Ketama, Hash: ring.HashFNV64A, Tag: ring.NoTag(), Shards: []ring.Shard{{Name: "h:1", Weight: 1}}},
		Shards:             []Shard{{Name: "h:1", Weight: 1, Primary: Address{"tcp", "h:1"}}},
		Backlog:            512,
		ServerConnections:  1,
		ServerRetryTimeout: 30 * time.Second,
		ServerFailureLimit: 2,
		ConnectTimeout:     time.Second,
		HealthInterval:     2 * time.Second,
		OnShardError:       ShardErrorIsMiss,
		ReadFrom:           Primary,
		Balance:            LeastRequests,
		MaxReplicaLag:      10 * time.Second,
		MaxInFlight:        65536,
		MaxOutput:          1 << 30,
		ClientKeepAlive:    time.Minute,
		tag:                tagSetting{"hash_tag", "none"},
	}
	have := parse(t, "a:\n  listen: 127.0.0.1:22121\n  servers:\n   - h:1:1\n").Pools[0]
	if !reflect.DeepEqual(*have, want) {
		t.Errorf("servers:\nhave %+v\nwant %+v", *have, want)
	}

	pair, err := ring.TagPair("{}")
	if err != nil {
		t.Fatal(err)
	}
	want.Listen = Listen{}
	want.Ring.Placement, want.Ring.Hash, want.Ring.Tag = ring.Murmur3, ring.HashMurmur3, pair
	want.tag.text = "{}"
	want.Timeout = 5 * time.Second
	want.Shards[0].Name, want.Ring.Shards[0].Name = "one", "one"
	have = parse(t, "a: {shards: [{name: one, primary: h:1}]}").Pools[0]
	if !reflect.DeepEqual(*have, want) {
		t.Errorf("shards:\nhave %+v\nwant %+v", *have, want)
	}
}

// TestDefaultTags holds what we say of ring's default tags to ring.
func TestDefaultTags(t *testing.T) {
	for _, p := range ring.Placements() {
		r, err := ring.New(ring.Config{Placement: p, Shards: []ring.Shard{{Name: "one", Weight: 1}}})
		if err != nil {
			t.Fatal(err)
		}
		if have := defaultTag(p).text; have != r.Tag().String() {
			t.Errorf("%s: default tag %q, ring has %q", p, have, r.Tag())
		}
	}
}

func TestPoolValues(t *testing.T) {
	const shards = "\n  shards: [{name: one, primary: h:1}]\n"
	for _, row := range []struct {
		line string
		get  func(*Pool) any
		want any
	}{
		{"listen: 127.0.0.1:6380", func(p *Pool) any { return p.Listen }, Listen{"tcp", "127.0.0.1:6380", 0}},
		{"listen: 127.0.0.1:0", func(p *Pool) any { return p.Listen }, Listen{"tcp", "127.0.0.1:0", 0}},
		{"listen: localhost:06380", func(p *Pool) any { return p.Listen }, Listen{"tcp", "localhost:6380", 0}},
		{"listen: ::1:6380", func(p *Pool) any { return p.Listen }, Listen{"tcp", "[::1]:6380", 0}},
		{"listen: '[::1]:6380'", func(p *Pool) any { return p.Listen }, Listen{"tcp", "[::1]:6380", 0}},
		{"listen: '[fe80::1%eth0]:6380'", func(p *Pool) any { return p.Listen }, Listen{"tcp", "[fe80::1%eth0]:6380", 0}},
		{"listen: /run/a.sock", func(p *Pool) any { return p.Listen }, Listen{"unix", "/run/a.sock", 0}},
		{"listen: /run/a.sock 660", func(p *Pool) any { return p.Listen }, Listen{"unix", "/run/a.sock", fs.FileMode(0o660)}},
		{"listen: 127.0.0.1:${PORT}", func(p *Pool) any { return p.Listen.String() }, "127.0.0.1:7777"},
		{"timeout: 400", func(p *Pool) any { return p.Timeout }, 400 * time.Millisecond},
		{"timeout: 0400", func(p *Pool) any { return p.Timeout }, 400 * time.Millisecond},
		{"timeout: 1.5s", func(p *Pool) any { return p.Timeout }, 1500 * time.Millisecond},
		{"timeout: 0", func(p *Pool) any { return p.Timeout }, time.Duration(0)},
		{"server_retry_timeout: 2m", func(p *Pool) any { return p.ServerRetryTimeout }, 2 * time.Minute},
		{"server_failure_limit: 7", func(p *Pool) any { return p.ServerFailureLimit }, 7},
		{"server_connections: 7", func(p *Pool) any { return p.ServerConnections }, 7},
		{"client_connections: 7", func(p *Pool) any { return p.ClientConnections }, 7},
		{"backlog: ${BACKLOG:-1024}", func(p *Pool) any { return p.Backlog }, 1024},
		{"redis: true", func(p *Pool) any { return p.Redis }, true},
		{"tcpkeepalive: true", func(p *Pool) any { return p.TCPKeepAlive }, true},
		{"reuseport: true", func(p *Pool) any { return p.ReusePort }, true},
		{"preconnect: true", func(p *Pool) any { return p.Preconnect }, true},
		{"redis: true\n  cross_shard_reads: true", func(p *Pool) any { return p.CrossShardReads }, true},
		{"auto_eject_hosts: true", func(p *Pool) any { return p.AutoEjectHosts }, true},
		{"redis: true\n  redis_db: 5", func(p *Pool) any { return p.Database }, 5},
		{"redis: true\n  redis_auth: ${REDIS_PASSWORD}", func(p *Pool) any { return p.Auth.Value() }, "from the environment"},
		{"distribution: modula", func(p *Pool) any { return p.Ring.Hash }, ring.HashFNV64A},
		{"distribution: jedis", func(p *Pool) any { return p.Ring.Hash }, ring.HashMurmur64A},
		{"distribution: jedis\n  hash: md5", func(p *Pool) any { return p.Ring.Hash }, ring.HashMD5},
		{"hash: md5\n  distribution: ketama", func(p *Pool) any { return p.Ring.Hash }, ring.HashMD5},
		{"hash_tag: none", func(p *Pool) any { return string(p.Ring.Tag.Of([]byte("a{b}"))) }, "a{b}"},
		{"hash_tag: '[]'", func(p *Pool) any { return string(p.Ring.Tag.Of([]byte("[a]{b}"))) }, "a"},
		{"hash_tag: $$", func(p *Pool) any { return string(p.Ring.Tag.Of([]byte("a$b$"))) }, "b"},
		{`key_tag_pattern: '<(\w+)>'`, func(p *Pool) any { return string(p.Ring.Tag.Of([]byte("<>a<b>"))) }, "b"},
	} {
		p := parse(t, "a:\n  "+row.line+shards).Pools[0]
		if have := row.get(p); !reflect.DeepEqual(have, row.want) {
			t.Errorf("%q: have %v, want %v", row.line, have, row.want)
		}
	}
}

// TestIdentity: what a server without a name is called, placement by placement.
func TestIdentity(t *testing.T) {
	const (
		serversForm = "  listen: 127.0.0.1:1\n  servers:\n   - h:1:1\n   - h:11211:2\n   - /s:3\n   - ::1:4:1\n   - h:1:1 named\n"
		shardsForm  = "  shards:\n    - {primary: h:1}\n    - {primary: h:11211, weight: 2}\n    - {primary: /s, weight: 3}\n    - {primary: '[::1]:4'}\n    - {primary: h:1, name: named}\n"
	)
	twemproxy := []string{"h:1", "h", "/s:", "::1:4", "named"}
	unnamed := []string{"", "", "", "", "named"}
	for _, row := range []struct {
		placement     ring.Placement
		servers, both []string // nil: refused
	}{
		{ring.Ketama, twemproxy, twemproxy},
		{ring.Modula, twemproxy, twemproxy},
		{ring.Random, twemproxy, twemproxy},
		{ring.Jedis, unnamed, unnamed},
		{ring.Jedis29, unnamed, unnamed},
		{ring.Murmur3, nil, nil},
		{ring.Slots, nil, nil},
	} {
		for form, text := range map[string]string{"servers": serversForm, "shards": shardsForm} {
			f, err := Parse("identity.yml", []byte("a:\n  distribution: "+string(row.placement)+"\n"+text))
			if row.servers == nil {
				var all Errors
				if !errors.As(err, &all) || len(all) != 4 {
					t.Errorf("%s with %s: %v, want one problem for each of the four without a name", form, row.placement, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s with %s: %v", form, row.placement, err)
				continue
			}
			for i, s := range f.Pools[0].Shards {
				want := row.servers[i]
				if form == "shards" && want == "::1:4" {
					want = "[::1]:4" // as it is written there
				}
				r := f.Pools[0].Ring.Shards[i]
				if s.Name != want || r.Name != want || r.Weight != s.Weight {
					t.Errorf("%s with %s: shard %d is %q, in the ring %q weight %d, want %q weight %d", form, row.placement, i, s.Name, r.Name, r.Weight, want, s.Weight)
				}
			}
		}
	}
}

func TestShardsAndProxy(t *testing.T) {
	f := parseFile(t, "testdata/shards.yml")
	if want := (Proxy{Loops: 2, LogLevel: slog.LevelWarn, Admin: Listen{Network: "tcp", Address: "127.0.0.1:9380"}, Watch: true, Zone: "eu-1"}); f.Proxy != want || f.Path != "testdata/shards.yml" {
		t.Errorf("have %+v of %s, want %+v", f.Proxy, f.Path, want)
	}
	if f := parse(t, "a: {shards: [{name: one, primary: h:1}]}"); f.Proxy != (Proxy{}) {
		t.Errorf("proxy without settings: %+v", f.Proxy)
	}

	cache, err := f.Pool("cache")
	if err != nil {
		t.Fatal(err)
	}
	want := []Shard{
		{Name: "cache-1", Weight: 1, Primary: Address{"tcp", "127.0.0.1:7001"}, Replicas: []Replica{replica("127.0.0.1:7101")}},
		{Name: "cache-2", Weight: 2, Primary: Address{"tcp", "[::1]:7002"}, Replicas: []Replica{replica("cache-2b.internal:7002"), {Address{"tcp", "[::1]:7102"}, "eu-2", 2}}, Master: "two", Zone: "eu-1"},
		{Name: "cache-3", Weight: 1, Primary: Address{"unix", "/run/redis/cache-3.sock"}},
	}
	if !reflect.DeepEqual(cache.Shards, want) {
		t.Errorf("have %#v\nwant %#v", cache.Shards, want)
	}

	slots, err := f.Pool("slots")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]ring.SlotRange{{{First: 0, Last: 5460}, {First: 16383, Last: 16383}}, {{First: 5461, Last: 16382}}, {}} {
		if have := slots.Ring.Shards[i].Slots; !reflect.DeepEqual(have, want) {
			t.Errorf("slots of shard %d: have %v, want %v", i, have, want)
		}
	}
	if slots.Auth.Value() != "from the file" {
		t.Errorf("secret from a file: %q", slots.Auth.Value())
	}
}

func TestPoolByName(t *testing.T) {
	one := parse(t, "a: {shards: [{name: x, primary: h:1}]}")
	two := parse(t, "a: {shards: [{name: x, primary: h:1}]}\nb: {shards: [{name: x, primary: h:1}]}")
	for _, row := range []struct {
		file       *File
		name, want string
		err        string
	}{
		{one, "a", "a", ""},
		{one, "", "a", ""},
		{two, "b", "b", ""},
		{two, "", "", "test.yml has 2 pools, name one: a, b"},
		{two, "c", "", `test.yml has no pool "c": it has a, b`},
	} {
		p, err := row.file.Pool(row.name)
		switch {
		case row.err != "":
			if err == nil || err.Error() != row.err {
				t.Errorf("Pool(%q): %v, want %s", row.name, err, row.err)
			}
		case err != nil || p.Name != row.want:
			t.Errorf("Pool(%q): %v, %v", row.name, p, err)
		}
	}
}

func TestLoadMissing(t *testing.T) {
	_, err := Load("testdata/none.yml")
	var problems Errors
	if !errors.Is(err, fs.ErrNotExist) || errors.As(err, &problems) {
		t.Errorf("%v", err)
	}
}

func TestShardString(t *testing.T) {
	s := Shard{Name: "one", Primary: Address{"tcp", "h:1"}}
	if s.String() != "one" {
		t.Error(s)
	}
	s.Name = ""
	if s.String() != "h:1" {
		t.Error(s)
	}
}

func replica(addr string) Replica { return Replica{Address: Address{"tcp", addr}, Weight: 1} }
