package config

import (
	"math"
	"slices"
	"strings"
	"testing"
)

const diffBase = `
shardproxy: {loops: 1}
cache:
  listen: 127.0.0.1:6380
  redis: true
  timeout: 400ms
  redis_auth: one
  users:
    - {name: app, password: one, rules: "~* +@all"}
    - {name: old, rules: "~* +@read"}
  shards:
    - {name: cache-1, primary: 10.0.0.1:6379}
    - {name: cache-2, primary: 10.0.0.2:6379, replicas: [10.0.1.2:6379]}
other: {listen: 127.0.0.1:6381, redis: true, shards: [{name: a, primary: 10.0.0.3:6379}]}
`

// TestDiff: each change is told, in the words of the file, and nothing else; no
// password is.
func TestDiff(t *testing.T) {
	for _, c := range []struct {
		replace []string // pairs
		want    []string
	}{
		{nil, nil},
		{[]string{"# ", "# "}, nil},
		{[]string{"10.0.0.2:6379", "10.0.0.9:6379", "400ms", "1s"},
			[]string{"pool cache: timeout 400ms -> 1s, shard cache-2 primary 10.0.0.2:6379 -> 10.0.0.9:6379"}},
		{[]string{"loops: 1", "loops: 2, admin: 127.0.0.1:1"}, []string{"shardproxy: loops 1 -> 2, admin none -> 127.0.0.1:1"}},
		{[]string{"redis_auth: one", "redis_auth: two"}, []string{"pool cache: redis_auth changed"}},
		{[]string{"  redis_auth: one\n", ""}, []string{`pool cache: redis_auth "(redacted)" -> none`}},
		{[]string{"password: one", "password: two"}, []string{"pool cache: user app password changed"}},
		{[]string{`"~* +@read"`, `"~c:* +@read"`, "name: app", "name: new"},
			[]string{`pool cache: user app removed, user new added, user old rules "~* +@read" -> "~c:* +@read"`}},
		{[]string{"[10.0.1.2:6379]", "[10.0.1.3:6379]"}, []string{"pool cache: shard cache-2 replicas [10.0.1.2:6379] -> [10.0.1.3:6379]"}},
		{[]string{", replicas: [10.0.1.2:6379]", ""}, []string{"pool cache: shard cache-2 replicas [10.0.1.2:6379] -> none"}},
		{[]string{"name: cache-2", "name: cache-3"}, []string{"pool cache: shard cache-2 removed, shard cache-3 added at 10.0.0.2:6379"}},
		{[]string{"name: cache-1, primary: 10.0.0.1:6379", "name: cache-2, primary: 10.0.0.2:6379",
			"name: cache-2, primary: 10.0.0.2:6379, replicas: [10.0.1.2:6379]", "name: cache-1, primary: 10.0.0.1:6379"},
			[]string{"pool cache: shard cache-2 replicas [10.0.1.2:6379] -> none, shards in another order"}},
		{[]string{"other:", "another:"}, []string{"pool other: removed", "pool another: added, 1 shards"}},
		{[]string{"127.0.0.1:6381", "127.0.0.1:6382"}, []string{"pool other: listen 127.0.0.1:6381 -> 127.0.0.1:6382"}},
	} {
		before, err := Parse("a.yml", []byte(diffBase))
		if err != nil {
			t.Fatal(err)
		}
		after, err := Parse("b.yml", []byte(strings.NewReplacer(c.replace...).Replace(diffBase)))
		if err != nil {
			t.Fatal(err)
		}
		if got := Diff(before, after); !slices.Equal(got, c.want) {
			t.Errorf("%q:\n got %q\nwant %q", c.replace, got, c.want)
		}
	}
}

// TestMoved: what places keys is told from what does not.
func TestMoved(t *testing.T) {
	pool := func(lines string) *Pool {
		f, err := Parse("a.yml", []byte("p:\n  redis: true\n"+lines))
		if err != nil {
			t.Fatal(err)
		}
		return f.Pools[0]
	}
	const two = "  shards: [{name: a, primary: h:1}, {name: b, primary: h:2}]\n"
	for _, c := range []struct {
		before, after string
		share         float64
		why           string
	}{
		{two, two, 0, ""},
		{two, "  timeout: 1s\n  shards: [{name: b, primary: h:7}, {name: a, primary: h:1, replicas: [h:3]}]\n", 0, ""},
		{two, "  hash_tag: \"{}\"\n" + two, 0, ""}, // the default, said
		{two, "  shards: [{name: a, primary: h:1}, {name: b, primary: h:2}, {name: c, primary: h:3}]\n", 1. / 3, ""},
		{two, "  shards: [{name: a, primary: h:1}]\n", 1. / 2, ""},
		{two, "  shards: [{name: a, primary: h:1}, {name: b, primary: h:2, weight: 3}]\n", 1. / 4, ""},
		{two, "  hash_tag: none\n" + two, 1, "tag"},
		{two, "  redis_db: 3\n" + two, 1, "redis_db 0 -> 3"},
		{two, "  distribution: ketama\n" + two, 1, "hash"},
		{"  distribution: random\n" + two, "  distribution: random\n  shards: [{name: c, primary: h:1}]\n", 0, ""},
	} {
		share, why := 0., ""
		if moved := Moved(pool(c.before), pool(c.after)); moved != nil {
			share, why = moved.Share, moved.Why
		}
		if math.Abs(share-c.share) > 0.06 || c.share == 0 && share != 0 || !strings.Contains(why, c.why) || (why == "") != (c.why == "") {
			t.Errorf("%q -> %q: %v, %q; want %v, %q", c.before, c.after, share, why, c.share, c.why)
		}
	}
}
