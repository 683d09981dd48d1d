package config

import (
	"strings"
	"testing"
)

// TestSetPrimary: of a file's text only the address changes, and what keeps the keys.
func TestSetPrimary(t *testing.T) {
	to := Address{"tcp", "10.0.0.9:6379"}
	for _, c := range []struct {
		name, shard  string
		to           Address
		before, want string
	}{
		{"in braces, with comments", "b", to,
			"# ours\nshardproxy: {loops: 1} # one\ncache:\n  redis: true\n  shards: # two\n    - {name: a, primary: 10.0.0.1:1}\n    - {name: b, primary: 10.0.0.2:1, weight: 2} # the second\n",
			"# ours\nshardproxy: {loops: 1} # one\ncache:\n  redis: true\n  shards: # two\n    - {name: a, primary: 10.0.0.1:1}\n    - {name: b, primary: 10.0.0.9:6379, weight: 2} # the second\n"},
		{"in a block, quoted", "b", to,
			"cache:\n  shards:\n    - name: b\n      primary: '10.0.0.2:1' # é\n      weight: 2\n",
			"cache:\n  shards:\n    - name: b\n      primary: '10.0.0.9:6379' # é\n      weight: 2\n"},
		{"line ends of Windows", "b", to,
			"\uFEFFcache:\r\n  shards:\r\n    - {name: b, primary: \"10.0.0.2:1\"}\r\n",
			"\uFEFFcache:\r\n  shards:\r\n    - {name: b, primary: \"10.0.0.9:6379\"}\r\n"},
		{"a replica becomes it", "b", to,
			"cache:\n  shards:\n    - {name: b, primary: \"10.0.0.2:1\", replicas: [\"10.0.0.3:1\", {address: \"10.0.0.9:6379\", zone: z}]}\n",
			"cache:\n  shards:\n    - {name: b, primary: \"10.0.0.9:6379\", replicas: [\"10.0.0.3:1\", {address: \"10.0.0.2:1\", zone: z}]}\n"},
		{"from the environment", "b", to,
			"cache:\n  shards:\n    - {name: b, primary: ${HOST}:1}\n",
			"cache:\n  shards:\n    - {name: b, primary: 10.0.0.9:6379}\n"},
		{"known by its address", "10.0.0.2:1", to,
			"cache:\n  distribution: ketama\n  shards:\n    - {primary: \"10.0.0.2:1\"}\n    - primary: \"10.0.0.3:1\"\n",
			"cache:\n  distribution: ketama\n  shards:\n    - {name: 10.0.0.2:1, primary: \"10.0.0.9:6379\"}\n    - primary: \"10.0.0.3:1\"\n"},
		{"known by its address, in a block", "10.0.0.3:1", to,
			"cache:\n  distribution: ketama\n  shards:\n    - {primary: \"10.0.0.2:1\"}\n    - primary: \"10.0.0.3:1\"\n      weight: 3\n",
			"cache:\n  distribution: ketama\n  shards:\n    - {primary: \"10.0.0.2:1\"}\n    - name: 10.0.0.3:1\n      primary: \"10.0.0.9:6379\"\n      weight: 3\n"},
		{"nutcracker's line", "10.0.0.2:1", to,
			"cache:\n  listen: 127.0.0.1:1\n  servers:\n   - 10.0.0.2:1:3 # first\n   - 10.0.0.3:1:1 second\n",
			"cache:\n  listen: 127.0.0.1:1\n  servers:\n   - \"10.0.0.9:6379:3 10.0.0.2:1\" # first\n   - 10.0.0.3:1:1 second\n"},
		{"jedis by place", "10.0.0.3:1", to,
			"cache:\n  distribution: jedis\n  shards:\n    - {primary: \"10.0.0.2:1\"}\n    - {primary: \"10.0.0.3:1\"}\n",
			"cache:\n  distribution: jedis\n  shards:\n    - {primary: \"10.0.0.2:1\"}\n    - {primary: \"10.0.0.9:6379\"}\n"},
		{"a socket", "b", Address{"unix", "/tmp/r.sock"},
			"cache:\n  shards: [{name: b, primary: \"[::1]:1\"}]\n",
			"cache:\n  shards: [{name: b, primary: \"/tmp/r.sock\"}]\n"},
		{"it is there already", "b", to,
			"cache:\n  shards: [{name: b, primary: \"10.0.0.9:6379\"}]\n",
			"cache:\n  shards: [{name: b, primary: \"10.0.0.9:6379\"}]\n"},
		{"only Sentinels know", "b", to,
			"cache:\n  redis: true\n  sentinels: [\"10.0.0.7:1\"]\n  shards: [{name: b}]\n",
			"cache:\n  redis: true\n  sentinels: [\"10.0.0.7:1\"]\n  shards: [{name: b}]\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := WithEnv(func(string) (string, bool) { return "10.0.0.2", true })
			have, err := SetPrimary("pools.yml", []byte(c.before), "cache", c.shard, c.to, env)
			if err != nil {
				t.Fatal(err)
			}
			if string(have) != c.want {
				t.Errorf("have\n%s\nwant\n%s", have, c.want)
			}
		})
	}
}

func TestSetPrimaryRefuses(t *testing.T) {
	const yml = "cache:\n  shards: [{name: a, primary: \"10.0.0.1:1\"}, {name: b, primary: \"10.0.0.2\\x3a1\"}]\n"
	for shard, want := range map[string]string{
		"c": `pool cache has no shard "c": it has a, b`,
		"b": "by hand",
	} {
		_, err := SetPrimary("pools.yml", []byte(yml), "cache", shard, Address{"tcp", "10.0.0.9:1"})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", shard, err, want)
		}
	}
}
