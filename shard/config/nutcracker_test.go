package config

import (
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/shardring/shardring/shard/shardtest"
)

// The differences we mean, by the words with which README.md explains them.
const (
	theyAcceptNonsense = "nonsense" // they take it, and it cannot work
	theyOverflow       = "overflow" // their numbers wrap around
	weAcceptPort0      = "port 0"
	weAcceptReusePort  = "reuseport" // newer than 0.5
	weAcceptYAML       = "YAML"      // brackets, braces, "---", empty lists of theirs
	weAcceptUnits      = "units"
	weAcceptOurKeys    = "our keys"
	weAcceptBrackets   = "IPv6 in brackets"
	weExpand           = "environment"
)

// TestAgainstNutcracker asks the real program, with -t, for its opinion on a
// table of files. Ours is the same but where the row names a difference that
// the README explains.
func TestAgainstNutcracker(t *testing.T) {
	nutcracker := lookNutcracker(t)
	readme := readFile(t, "README.md")

	const (
		head    = "a:\n  listen: 127.0.0.1:22121\n"
		servers = "  servers:\n   - 127.0.0.1:6379:1\n"
	)
	with := func(line string) string { return head + "  " + line + "\n" + servers }
	listen := func(where string) string { return "a:\n  listen: " + where + "\n" + servers }
	server := func(lines ...string) string {
		return head + "  servers:\n   - " + strings.Join(lines, "\n   - ") + "\n"
	}

	for _, row := range []struct {
		file       string
		difference string // "": we agree
	}{
		{head + servers, ""},
		{readFile(t, "testdata/nutcracker.yml"), ""},

		// listen
		{"a:\n" + servers, ""},
		{listen("127.0.0.1"), ""},
		{listen("22121"), ""},
		{listen(":22121"), ""},
		{listen("127.0.0.1:0"), weAcceptPort0},
		{listen("127.0.0.1:65535"), ""},
		{listen("127.0.0.1:65536"), ""},
		{listen("127.0.0.1:-1"), ""},
		{listen("127.0.0.1:http"), ""},
		{listen("127.0.0.1:022121"), ""},
		{listen("localhost:22121"), ""},
		{listen("0.0.0.0:22121"), ""},
		{listen("::1:22121"), ""},
		{listen(`"[::1]:22121"`), weAcceptBrackets},
		{listen(`"*:22121"`), theyAcceptNonsense},
		{listen(`"foo bar:22121"`), ""},
		{listen("/tmp/nutcracker.sock"), ""},
		{listen("/tmp/nutcracker.sock 0666"), ""},
		{listen("/tmp/nutcracker.sock 777"), ""},
		{listen("/tmp/nutcracker.sock 1777"), ""},
		{listen("/tmp/nutcracker.sock 0"), ""},
		{listen("/tmp/nutcracker.sock rw"), theyAcceptNonsense},
		{listen("/tmp/nutcracker.sock 0888"), theyAcceptNonsense},
		{listen("/" + strings.Repeat("s", maxSocketPath-1)), ""},
		{listen("/" + strings.Repeat("s", maxSocketPath)), ""},
		{listen("''"), ""},
		{head + "  listen: 127.0.0.1:22122\n" + servers, ""},

		// words
		{with("hash: fnv1a_64"), ""},
		{with("hash: one_at_a_time"), ""},
		{with("hash: crc32a"), ""},
		{with("hash: jenkins"), ""},
		{with("hash: FNV1A_64"), ""},
		{with("hash: fnv1a-64"), ""},
		{with("hash: sha1"), ""},
		{with("hash: murmur3"), ""},
		{with("hash:"), ""},
		{with("hash: null"), ""},
		{with("distribution: ketama"), ""},
		{with("distribution: modula"), ""},
		{with("distribution: random"), ""},
		{with("distribution: Ketama"), ""},
		{with("distribution: modulo"), ""},
		{head + "  distribution: slots\n  servers:\n   - 127.0.0.1:6379:1 one\n", weAcceptOurKeys},
		{with("distribution: jedis"), weAcceptOurKeys},
		{with(`hash_tag: "{}"`), ""},
		{with("hash_tag: '{}'"), ""},
		{with("hash_tag: $$"), ""},
		{with(`hash_tag: "{"`), ""},
		{with(`hash_tag: "{}}"`), ""},
		{with("hash_tag: none"), weAcceptOurKeys},
		{with("hash_tag: é"), ""},
		{with(`key_tag_pattern: '\{(.+?)\}'`), weAcceptOurKeys},
		{with("redis: true\n  cross_shard_reads: true"), weAcceptOurKeys},

		// true and false
		{with("redis: true"), ""},
		{with("redis: false"), ""},
		{with("redis: 'true'"), ""},
		{with("redis: True"), ""},
		{with("redis: TRUE"), ""},
		{with("redis: yes"), ""},
		{with("redis: on"), ""},
		{with("redis: 1"), ""},
		{with("redis:"), ""},
		{with("tcpkeepalive: true"), ""},
		{with("reuseport: true"), weAcceptReusePort},
		{with("preconnect: true"), ""},
		{with("auto_eject_hosts: true"), ""},

		// numbers
		{with("timeout: 400"), ""},
		{with("timeout: 0"), ""},
		{with("timeout: 0400"), ""},
		{with(`timeout: "400"`), ""},
		{with("timeout: -1"), ""},
		{with("timeout: +1"), ""},
		{with("timeout: 4e2"), ""},
		{with("timeout: 0x10"), ""},
		{with("timeout: 1_000"), ""},
		{with("timeout: 1.5"), ""},
		{with("timeout:"), ""},
		{with("timeout: ''"), ""},
		{with("timeout: 400ms"), weAcceptUnits},
		{with("server_retry_timeout: 5s"), weAcceptUnits},
		{with("backlog: 5s"), ""},
		{with("timeout: 2147483647"), ""},
		{with("timeout: 2147483648"), ""},
		{with("timeout: 99999999999"), theyOverflow},
		{with("backlog: 0"), ""},
		{with("client_connections: 100"), ""},
		{with("server_connections: 0"), ""},
		{with("server_connections: 4"), ""},
		{with("server_retry_timeout: 0"), ""},
		{with("server_failure_limit: 0"), ""},
		{with("redis_db: 3"), ""},
		{with("redis_db: 3\n  redis: true"), ""},

		// redis_auth
		{with("redis_auth: x"), ""},
		{with("redis_auth: x\n  redis: false"), ""},
		{with("redis_auth: x\n  redis: true"), ""},
		{with("redis: true\n  redis_auth: ''"), ""},
		{with("redis: true\n  redis_auth: a$$b$c"), ""},
		{with("redis: true\n  redis_auth: a${b"), weExpand},
		{with("redis: true\n  redis_auth: ${SHARDRING_TEST_UNSET}"), weExpand},
		{with("redis: true\n  redis_auth: {file: /dev/null}"), ""},

		// servers
		{head, ""},
		{head + "  servers:\n", ""},
		{server("127.0.0.1:6379:1 one"), ""},
		{server("127.0.0.1:6379"), ""},
		{server("127.0.0.1"), ""},
		{server("127.0.0.1:6379:0"), ""},
		{server("127.0.0.1:6379:-1"), ""},
		{server("127.0.0.1:6379:01"), ""},
		{server("127.0.0.1:6379:x"), ""},
		{server("127.0.0.1:6379:"), ""},
		{server("127.0.0.1:6379:2147483647"), ""},
		{server("127.0.0.1:6379:2147483648"), ""},
		{server("127.0.0.1:6379:4294967297"), theyOverflow},
		{server("127.0.0.1:0:1"), ""},
		{server("127.0.0.1:65536:1"), ""},
		{server(":6379:1"), theyAcceptNonsense},
		{server("::1:6379:1"), ""},
		{server(`"[::1]:6379:1"`), ""},
		{server("'[1]:6379:1'"), theyAcceptNonsense},
		{server("a b:6379:1"), ""},
		{server("host.name-1:6379:1"), ""},
		{server("ho/st:6379:1"), theyAcceptNonsense},
		{server("/tmp/redis.sock:1"), ""},
		{server("/tmp/redis.sock:1 one"), ""},
		{server("/tmp/redis.sock"), ""},
		{server("/tmp/re:dis.sock:1"), ""},
		{server("/tmp/redis.sock:0"), ""},
		{server("127.0.0.1:6379:1 one two"), ""},
		{server("127.0.0.1:6379:1  one"), ""},
		{server(`"127.0.0.1:6379:1 "`), theyAcceptNonsense},
		{server("127.0.0.1:6379:1 one", "127.0.0.1:6379:1 one"), ""},
		{server("127.0.0.1:6379:1 one", "127.0.0.1:6379:1 two"), ""},
		{server("127.0.0.1:6379:1", "127.0.0.1:6379:2"), ""},
		{server("127.0.0.1:6379:1", "127.0.0.2:6379:1 127.0.0.1:6379"), ""},
		{server("127.0.0.1:11211:1", "127.0.0.2:6379:1 127.0.0.1"), ""},
		{server("127.0.0.1:6379:1 # the first"), ""},
		{head + "  servers: 127.0.0.1:6379:1\n", ""},
		{head + "  servers: [127.0.0.1:6379:1]\n", weAcceptYAML},
		{head + "  shards:\n   - name: one\n     primary: 127.0.0.1:6379\n", weAcceptOurKeys},
		{head + servers + servers, ""},

		// keys and pools
		{with("bogus: 1"), ""},
		{with("Timeout: 1"), ""},
		{with("timeout: 1\n  timeout: 1"), ""},
		{with("redis: true\n  redis_auth: x\n  redis_auth: x"), ""},
		{head + servers + "  timeout: 400\n", ""},
		{head + servers + head + servers, ""},
		{head + servers + "b:\n  listen: 127.0.0.1:22121\n" + servers, ""},
		{head + servers + "b:\n  listen: 127.0.0.1:22122\n" + servers, ""},
		{listen("/tmp/s") + "b:\n  listen: /tmp/s 0600\n" + servers, theyAcceptNonsense},
		{"shardproxy:\n  listen: 127.0.0.1:22121\n" + servers, weAcceptOurKeys},
		{"shardproxy:\n  loops: 2\n" + head + servers, weAcceptOurKeys},
		{"a: 5\n", ""},
		{"a:\n", ""},
		{"- a\n", ""},
		{"5\n", ""},
		{"", ""},
		{"# nothing\n", ""},

		// YAML
		{"---\n" + head + servers, weAcceptYAML},
		{head + servers + "---\n" + head + servers, ""},
		{"\uFEFF" + head + servers, ""},
		{strings.ReplaceAll(head+servers, "\n", "\r\n"), ""},
		{"a:\n\tlisten: 127.0.0.1:22121\n" + servers, ""},
		{"\"a\":\n  'listen': 127.0.0.1:22121\n" + servers, ""},
		{"a :\n  listen : 127.0.0.1:22121\n" + servers, ""},
		{"a: &x\n  listen: 127.0.0.1:22121\n" + servers, ""},
		{with("timeout: !!int 5"), ""},
		{with("hash: >-\n    murmur"), ""},
		{with("hash: >\n    murmur"), ""},
		{with("hash: 'murmur"), ""},
		{head + "  servers:\n  - 127.0.0.1:6379:1\n", ""},
		{head + "  servers:\n     - 127.0.0.1:6379:1\n     - 127.0.0.1:6380:1\n", ""},
		{head + "  servers:\n   - 127.0.0.1:6379:1\n  - 127.0.0.1:6380:1\n", ""},
		{"a: {listen: 127.0.0.1:22121, servers: [127.0.0.1:6379:1]}\n", weAcceptYAML},
		{head + servers + "   timeout: 5\n", ""},
		{head + servers + " timeout: 5\n", ""},
		{"a:\n  listen: 127.0.0.1:22121   \n\n  # a comment\n" + servers + "\n\n", ""},
		{with("redis_auth: \xff\n  redis: true"), ""},
	} {
		theirs := exec.Command(nutcracker, "-t", "-c", writeTemp(t, row.file)).Run() == nil
		_, err := Parse("nutcracker.yml", []byte(row.file))
		ours := err == nil
		if ours == theirs && row.difference != "" {
			t.Errorf("%q: the difference %q is gone, accepted: %v", row.file, row.difference, ours)
		}
		if ours != theirs && row.difference == "" {
			t.Errorf("%q: nutcracker accepts: %v, we accept: %v (%v)", row.file, theirs, ours, err)
		}
		if row.difference != "" && !strings.Contains(readme, "**"+row.difference+"**") {
			t.Errorf("README.md does not explain the difference %q", row.difference)
		}
	}
}

// TestNamesOfNutcracker compares the names that decide where keys go with
// those that a running nutcracker shows in its statistics.
func TestNamesOfNutcracker(t *testing.T) {
	lookNutcracker(t)
	const servers = `
  servers:
   - 127.0.0.1:6379:1
   - 127.0.0.1:06380:01
   - 127.0.0.1:11211:1
   - 127.0.0.2:011211:1
   - localhost:6379:3
   - 127.0.0.1:6381:1 named
   - 127.0.0.1:6382:1 127.0.0.1:6382:1
   - ::1:6383:1
   - /tmp/redis.sock:1
   - /tmp/redis.sock:2 socket
`
	file, err := Parse("names.yml", []byte("a:\n  listen: 127.0.0.1:1"+servers))
	if err != nil {
		t.Fatal(err)
	}
	var ours []string
	for _, s := range file.Pools[0].Shards {
		ours = append(ours, s.Name)
	}

	proxy := shardtest.Nutcracker(t, "a:\n  listen: ${ADDR}"+servers)
	conn, err := net.Dial("tcp", proxy.AddrOf("stats"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	text, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	var stats struct{ A map[string]json.RawMessage }
	if err := json.Unmarshal(text, &stats); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	var theirs []string
	for name, value := range stats.A {
		if value[0] == '{' {
			theirs = append(theirs, name)
		}
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	if !slices.Equal(ours, theirs) {
		t.Errorf("names\nours   %q\ntheirs %q", ours, theirs)
	}
}

func lookNutcracker(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"nutcracker", "/usr/sbin/nutcracker"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("no nutcracker to compare with: apt-get install -y nutcracker")
	return ""
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func writeTemp(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nutcracker.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
