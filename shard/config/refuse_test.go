package config

import (
	"errors"
	"strings"
	"testing"
)

// TestRefusals: each file has exactly one problem, here with its whole text
// after the file's name, so that every message is seen once.
func TestRefusals(t *testing.T) {
	const (
		shards  = "  shards:\n    - {name: one, primary: h:1}\n"
		servers = "  listen: 127.0.0.1:1\n  servers:\n"
	)
	with := func(line string) string { return "a:\n  " + line + "\n" + shards }
	for _, row := range []struct{ file, want string }{
		// The file as a whole.
		{"", `1:1: no pools: want at least one, as name: {listen: …, shards: …}`},
		{"# nothing\n", `1:1: no pools: want at least one, as name: {listen: …, shards: …}`},
		{"shardproxy: {loops: 2}", `1:1: no pools: want at least one, as name: {listen: …, shards: …}`},
		{"- a", `1:1: the file holds a list: want pools by name`},
		{"hello", `1:1: the file holds a single value: want pools by name`},
		{"a: [", `1:4: not valid YAML: sequence end token ']' not found`},
		{"a:\n\tb: c", "2:1: not valid YAML: a tab: YAML indents with spaces"},
		{"a: {}\n---\nb: {}\n", `3:1: a second YAML document: a file holds one`},
		{"a: é\xff", `1:5: the file is not UTF-8 here`},
		{"a: " + strings.Repeat("[", 20), `1:20: nested too deeply: 16 levels are enough for every setting`},
		{"a:\n  " + strings.Repeat("- ", 20) + "b", `2:35: nested too deeply: 16 levels are enough for every setting`},
		{"a: " + strings.Repeat("x", maxFile), `1:1: the file has 4194307 bytes: at most 4194304 are read`},
		{"a: &b\n" + shards, "1:4: anchors (&), aliases (*), merge keys (<<), tags (!) and directives (%) are not taken: write the value out"},
		{with("timeout: !!int 5"), "2:12: anchors (&), aliases (*), merge keys (<<), tags (!) and directives (%) are not taken: write the value out"},
		{"a:\n" + shards + "a:\n" + shards, `4:1: "a" is given twice, first on line 1`},
		{"a: 5", `1:4: pool "a" holds a single value: want a mapping of settings (listen, …)`},
		{"a:", `1:1: pool "a" holds nothing: want a mapping of settings (listen, …)`},
		{"[a]: 5", `1:4: not valid YAML: found an invalid key for this map`},
		{"'': 5\na:\n" + shards, `1:1: a key is a single word`},
		{"shardproxi:\n  loops: 2\na:\n" + shards, `1:1: "shardproxi" has neither servers: nor shards:, so it is no pool, did you mean "shardproxy"?`},
		{"shardproxy:\n" + shards, `1:1: shardproxy: holds settings of the process: call the pool something else`},
		{"shardproxy: {loops: many}\na:\n" + shards, `1:21: loops "many" is not a whole number from 0 to 1024`},
		{"shardproxy: {log_level: warning}\na:\n" + shards, `1:25: log_level "warning" is unknown: debug, info, warn, error`},
		{"\"a\\nb\":\n" + shards, `1:1: pool "a\nb": control characters cannot stand in a name`},

		// Servers and reads.
		{"a: {sentinels: [s:1, s:1], redis: true, shards: [{name: one}]}", `1:22: sentinel s:1 is listed twice`},
		{"a: {sentinels: [], redis: true, shards: [{name: one}]}", `1:16: sentinels is an empty list`},
		{"a: {sentinels: [s:1], redis: true, shards: [{name: one}, {name: two, master: one}]}", `1:58: two shards are the Sentinels' master "one", first on line 1`},
		{"a: {sentinels: [s:1], redis: true, distribution: jedis, shards: [{primary: h:1}]}", `1:66: a shard without a name: want name:, or master: as the Sentinels call it`},
		{"a: {sentinels: [s:1], shards: [{name: one}]}", `1:5: sentinels is for Redis: it needs redis: true in pool "a"`},
		{"a: {redis: true, shards: [{name: one, primary: h:1, master: m}]}", `1:53: master is what Sentinels call the shard: it needs sentinels: in pool "a"`},
		{"a: {redis: true, shards: [{name: one, primary: h:1, replicas: [{zone: eu}]}]}", `1:64: a replica without an address: want {address: host:port, zone: …}`},
		{with("redis: true\n  sentinel_auth: x"), `3:3: sentinel_auth without sentinels: in pool "a"`},
		{with("redis: true\n  sentinels: [s:1]\n  sentinel_username: x"), `4:3: sentinel_username without a password: want sentinel_auth`},
		{with("read_from: replica"), `2:3: read_from: replica is for Redis: it needs redis: true in pool "a"`},
		{with("redis: true\n  read_from: replicas"), `3:14: read_from "replicas" is unknown: primary, replica, prefer_replica, nearest, any, did you mean "replica"?`},
		{with("health_interval: 0"), `2:20: health_interval "0": want a time, as 2s`},
		{with("connect_timeout: 0"), `2:20: connect_timeout "0": want a time, as 1s`},
		{with("max_output: 5"), `2:15: max_output "5" is not a whole number from 1048576 to 2147483647`},

		// Keys.
		{with("distribtion: ketama"), `2:3: unknown key "distribtion" in pool "a", did you mean "distribution"?`},
		{with("Time-out: 5"), `2:3: unknown key "Time-out" in pool "a", did you mean "timeout"?`},
		{with("maxclients: 5"), `2:3: unknown key "maxclients" in pool "a"`},
		{with("backlog: 5\n  backlog: 5"), `3:3: backlog is given twice, first on line 2`},
		{with("backlog:"), `2:3: backlog holds nothing: want a value`},
		{with("backlog: [5]"), `2:12: backlog holds a list: want a value`},
		{with("backlog: {a: 5}"), `2:12: backlog holds a mapping: want a value`},
		{with("backlog: ''"), `2:12: backlog is empty`},
		{with("backlog: 5s"), `2:12: backlog "5s" is not a whole number from 0 to 2147483647`},
		{with("backlog: 2147483648"), `2:12: backlog "2147483648" is not a whole number from 0 to 2147483647`},
		{with("server_connections: 0"), `2:23: server_connections "0" is not a whole number from 1 to 2147483647`},
		{with("timeout: 5 s"), `2:12: timeout "5 s" is not a time: whole milliseconds as 400, or with a unit as 400ms, 5s, 1m30s, at most 2147483647 milliseconds`},
		{with("timeout: -5s"), `2:12: timeout "-5s" is not a time: whole milliseconds as 400, or with a unit as 400ms, 5s, 1m30s, at most 2147483647 milliseconds`},
		{with("timeout: 1us"), `2:12: timeout "1us" is not a time: whole milliseconds as 400, or with a unit as 400ms, 5s, 1m30s, at most 2147483647 milliseconds`},
		{with("timeout: 600h"), `2:12: timeout "600h" is not a time: whole milliseconds as 400, or with a unit as 400ms, 5s, 1m30s, at most 2147483647 milliseconds`},
		{with("redis: yes"), `2:10: redis "yes" is neither true nor false, did you mean "true"?`},
		{with("redis: Off"), `2:10: redis "Off" is neither true nor false, did you mean "false"?`},
		{with("redis: maybe"), `2:10: redis "maybe" is neither true nor false`},
		{with("distribution: Ketama"), `2:17: distribution "Ketama" is unknown: murmur3, jedis, jedis-2.9, ketama, modula, random, slots, did you mean "ketama"?`},
		{with("distribution: ketama\n  hash: fnv1a-64"), `3:9: hash "fnv1a-64" is unknown: murmur3, murmur64a, fnv1a_64, one_at_a_time, md5, crc16, crc32, crc32a, fnv1_64, fnv1_32, fnv1a_32, hsieh, murmur, jenkins, did you mean "fnv1a_64"?`},
		{with("hash: md5"), `2:9: hash "md5": not a hash of placement murmur3, allowed: murmur3`},
		{with("distribution: jedis\n  hash: murmur"), `3:9: hash "murmur": not a hash of placement jedis, allowed: murmur64a, md5`},
		{with(`hash_tag: "{"`), `2:13: hash_tag "{": a tag pair is exactly two characters, as in "{}"`},
		{with("hash_tag: ab\n  key_tag_pattern: (.)"), `3:20: hash_tag and key_tag_pattern: a pool takes one of them`},

		// listen
		{with("listen: 6380"), `2:11: listen "6380": no port: want host:port or /path`},
		{with("listen: :6380"), `2:11: listen ":6380": no host to listen on: 0.0.0.0:6380 is every interface, 127.0.0.1:6380 this machine only`},
		{with("listen: '*:6380'"), `2:11: listen "*:6380": no host to listen on: 0.0.0.0:6380 is every interface, 127.0.0.1:6380 this machine only`},
		{with("listen: h:65536"), `2:11: listen "h:65536": port "65536" is not a whole number from 0 to 65535`},
		{with("listen: a/b:1"), `2:11: listen "a/b:1": "a/b" is neither a host name nor an IP address`},
		{with("listen: '[h]:1'"), `2:11: listen "[h]:1": "h" is not an IPv6 address`},
		{with("listen: /s 999"), `2:11: listen "/s 999": permissions "999" are not octal from 0 to 0777`},
		{"a:\n  listen: /s 0600\n" + shards + "b:\n  listen: /s\n" + shards, `6:11: pool "b" listens on /s, as pool "a" does on line 2`},
		{"a:\n  servers: [h:1:1]\n", `1:1: pool "a" has no listen: want host:port or /path`},

		// redis_auth, redis_db, the environment
		{with("redis_auth: sesame"), `2:3: redis_auth is for Redis: it needs redis: true in pool "a"`},
		{with("cross_shard_reads: true"), `2:3: cross_shard_reads is for Redis: it needs redis: true in pool "a"`},
		{with("redis_db: 1"), `2:3: redis_db is for Redis: it needs redis: true in pool "a"`},
		{with("redis: true\n  redis_auth: {file: testdata/none}"), `3:22: redis_auth: cannot read file "testdata/none": no such file or directory`},
		{with("redis: true\n  redis_auth: {file: testdata}"), `3:22: redis_auth: cannot read file "testdata": is a directory`},
		{with("redis: true\n  redis_auth: {file: /dev/null}"), `3:22: redis_auth: file "/dev/null" is empty`},
		{with("redis: true\n  redis_auth: {file: /dev/zero}"), `3:22: redis_auth: file "/dev/zero" has more than 65536 bytes`},
		{with("redis: true\n  redis_auth: {}"), `3:15: redis_auth: want the password, or {file: /run/secrets/redis} and no other key`},
		{with("redis: true\n  users: [{name: a, rules: \"~* (>pw +get)\"}]"), `3:28: rules hold a password after ">": want it as password:, or its SHA-256 after "#"`},
		{with("redis: true\n  redis_auth: {env: A}"), `3:15: redis_auth: want the password, or {file: /run/secrets/redis} and no other key`},
		{with("redis: true\n  redis_auth: {file: ''}"), `3:22: file of redis_auth is empty`},
		{with("redis: true\n  redis_auth: {file: [a]}"), `3:22: file of redis_auth holds a list: want a value`},
		{with("redis: true\n  redis_auth: [a]"), `3:15: redis_auth holds a list: want a value`},
		{with("backlog: ${NONE}"), `2:12: backlog: environment variable NONE is not set: set it, or write ${NONE:-default}`},
		{with("backlog: ${EMPTY}"), `2:12: backlog is empty`},
		{with("backlog: ${A"), `2:12: backlog: ${ has no closing }: write $${ for a dollar and a brace`},
		{with("backlog: ${A B}"), `2:12: backlog: ${ and } do not enclose the name of an environment variable (letters, digits, _): write $${ for a dollar and a brace`},
		{with("backlog: ${BINARY}"), `2:12: backlog is not UTF-8`},

		// servers
		{"a:\n  listen: h:1\n", `1:1: pool "a" has no servers: want shards: or servers:`},
		{"a:\n  listen: h:1\n  servers:\n" + "  backlog: 5\n", `3:3: servers holds nothing: want a list, one "- " a line`},
		{"a:\n  listen: h:1\n  servers: []\n", `3:12: servers is an empty list`},
		{"a:\n  listen: h:1\n  servers: h:1:1\n", `3:12: servers holds a single value: want a list, one "- " a line`},
		{"a:\n" + servers + "   - h:1\n", `4:6: server "h:1": no port or no weight: want "host:port:weight name" or "/path:weight name", the name may be left out`},
		{"a:\n" + servers + "   - h\n", `4:6: server "h": no weight: want "host:port:weight name" or "/path:weight name", the name may be left out`},
		{"a:\n" + servers + "   - h:1:0\n", `4:6: server "h:1:0": weight "0" is not a whole number from 1 to 2147483647: want "host:port:weight name" or "/path:weight name", the name may be left out`},
		{"a:\n" + servers + "   - h:0:1\n", `4:6: server "h:0:1": port "0" is not a whole number from 1 to 65535`},
		{"a:\n" + servers + "   - :1:1\n", `4:6: server ":1:1": no host before the port`},
		{"a:\n" + servers + "   - h:1:1 a b\n", `4:6: server "h:1:1 a b": more than one space: want "host:port:weight name" or "/path:weight name", the name may be left out`},
		{"a:\n" + servers + "   - 'h:1:1 '\n", `4:6: server "h:1:1 ": a space and no name at the end: want "host:port:weight name" or "/path:weight name", the name may be left out`},
		{"a:\n" + servers + "   - /a:b:1\n", `4:6: server "/a:b:1": a colon in the socket's path: want "host:port:weight name" or "/path:weight name", the name may be left out`},
		{"a:\n" + servers + "   - \"/a\\x01b:1\"\n", `4:6: server "/a\x01b:1": control characters cannot stand in a socket's path`},
		{"a:\n" + servers + "   - \"/a\\x85b:1 one\"\n", `4:6: server "/a\u0085b:1 one": control characters cannot stand in a socket's path`},
		{"a:\n" + servers + "   - {name: one}\n", `4:6: server holds a mapping: want a value`},
		{"a:\n" + servers + "   - h:1:1\n   - h:1:2\n", `5:6: server "h:1" is there twice, first on line 4: a name is one shard`},
		{"a:\n" + servers + "   - \"h:1:1 a\\tb\"\n", `4:6: server "h:1:1 a\tb": control characters cannot stand in a name`},
		{"a:\n  distribution: slots\n" + servers + "   - h:1:1\n   - h:2:1 two\n", `5:6: a server needs a name under distribution slots, by which its keys stay with it: want host:port:weight name`},

		// shards
		{"a:\n  servers: [h:1:1]\n" + shards, `2:3: pool "a" has servers: and shards:, want one of them`},
		{"a: {shards: [one]}", `1:14: shard 1 of pool "a" holds a single value: want a mapping of settings (name, …)`},
		{"a: {shards: [{primary: h:1}]}", `1:14: a shard needs a name under distribution murmur3, by which its keys stay with it: want name: …`},
		{"a: {shards: [{name: one}]}", `1:14: a shard without a primary: want primary: host:port, or sentinels: in the pool`},
		{"a: {shards: [{name: one, primary: h}]}", `1:35: primary "h": no port: want host:port or /path`},
		{"a: {shards: [{name: one, primary: 'fd00::1:6379'}]}", `1:35: primary "fd00::1:6379": more than one colon: want host:port, an IPv6 address in brackets as [::1]:6379`},
		{"a: {shards: [{name: one, primary: h:1, replicas: h:2}]}", `1:50: replicas holds a single value: want a list of addresses`},
		{"a: {shards: [{name: one, primary: h:1, replicas: [h:2, h:x]}]}", `1:56: replica "h:x": port "x" is not a whole number from 1 to 65535`},
		{"a: {shards: [{name: one, primary: h:1, replicas: [h:1]}]}", `1:50: replica h:1 is the primary of the same shard`},
		{"a: {shards: [{name: one, primary: h:1, replicas: [h:2, h:2]}]}", `1:50: replica h:2 is listed twice`},
		{"a: {shards: [{name: one, primary: h:1, wieght: 2}]}", `1:40: unknown key "wieght" in shard 1 of pool "a", did you mean "weight"?`},
		{"a:\n" + shards + "    - {name: one, primary: h:2}\n", `4:14: shard "one" is there twice, first on line 3: a name is one shard`},
		{"a: {shards: [{name: one, primary: \"/a\\tb\"}]}", `1:35: primary "/a\tb": control characters cannot stand in a socket's path`},
		{with("listen: \"/a\\tb 0600\""), `2:11: listen "/a\tb 0600": control characters cannot stand in a socket's path`},
		{"a: {shards: [{name: one, primary: /" + strings.Repeat("s", 107) + "}]}", `1:35: primary "/` + strings.Repeat("s", 107) + `": a socket's path of 108 bytes: the kernel takes 107`},

		{"a: {distribution: modulo, shards: [{primary: h:1, slots: 5}]}", `1:19: distribution "modulo" is unknown: murmur3, jedis, jedis-2.9, ketama, modula, random, slots, did you mean "modula"?`},

		// slots
		{"a: {distribution: slots, auto_eject_hosts: true, shards: [{name: one, primary: h:1}]}", `1:26: auto_eject_hosts cannot be with distribution: slots: no other shard owns a slot`},
		{"a: {shards: [{name: one, primary: h:1, slots: 0-16383}]}", `1:40: slots are for distribution: slots, pool "a" has murmur3`},
		{"a: {distribution: slots, shards: [{name: one, primary: h:1, slots: 0-16384}]}", `1:68: slots "0-16384" is not a range: want first-last, as 0-5460, or one slot, from 0 to 16383`},
		{"a: {distribution: slots, shards: [{name: one, primary: h:1, slots: [5-4]}]}", `1:69: slots "5-4" is not a range: want first-last, as 0-5460, or one slot, from 0 to 16383`},
	} {
		_, err := Parse("f.yml", []byte(row.file), WithEnv(someEnv))
		if err == nil {
			t.Errorf("%.200q: accepted, want %s", row.file, row.want)
			continue
		}
		if have := strings.TrimPrefix(err.Error(), "f.yml:"); have != row.want {
			t.Errorf("%.200q:\nhave %s\nwant %s", row.file, have, row.want)
		}
		if len(row.file) < 1000 {
			checkProblems(t, err, row.file)
		}
	}
}

// TestRingRefusals: what only package ring can judge is reported at the key at
// fault. The words are ring's.
func TestRingRefusals(t *testing.T) {
	for _, row := range []struct {
		file         string
		line, column int
	}{
		{"a:\n  shards:\n    - {name: one, primary: h:1}\n    - {name: two, weight: 2147483647, primary: h:1}\n", 4, 27},
		{"a:\n  distribution: jedis\n  listen: h:1\n  servers:\n   - h:1:1\n   - h:2:2147483647\n", 6, 6},
		{"a:\n  shards:\n    - name: " + strings.Repeat("n", 1000) + "\n      primary: h:1\n", 3, 13},
		{"a:\n  distribution: slots\n  shards:\n    - {name: one, primary: h:1, slots: 0-8000}\n    - {name: two, primary: h:1, slots: 8000-16383}\n", 5, 40},
		{"a:\n  distribution: slots\n  shards:\n    - {name: one, primary: h:1, slots: 0-16383}\n    - {name: two, primary: h:1}\n", 5, 7},
		{"a:\n  distribution: slots\n  shards:\n    - {name: one, primary: h:1, slots: 0-16000}\n", 4, 5},
		{"a:\n  key_tag_pattern: '('\n  shards:\n    - {name: one, primary: h:1}\n", 2, 20},
		{"a:\n  key_tag_pattern: 'a'\n  shards:\n    - {name: one, primary: h:1}\n", 2, 20},
	} {
		_, err := Parse("f.yml", []byte(row.file))
		var at *Error
		if !errors.As(err, &at) || at.Line != row.line || at.Column != row.column {
			t.Errorf("%.200q:\nhave %v\nwant it at %d:%d", row.file, err, row.line, row.column)
		}
		if err != nil && strings.Contains(err.Error(), "Shards[") {
			t.Errorf("%v speaks of Go's fields", err)
		}
	}
}
