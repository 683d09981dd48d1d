package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/shard/shardtest"
)

// original is the real nutcracker.
func original(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("/usr/sbin/nutcracker"); err == nil {
		return path
	}
	return need(t, "nutcracker", "apt-get install -y nutcracker")
}

// TestNutcrackerFlags runs both programs with the same flags and files: both
// accept or both refuse, and the first line they say is the same.
func TestNutcrackerFlags(t *testing.T) {
	theirs := original(t)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"good.yml":     "a:\n  listen: 127.0.0.1:22121\n  redis: true\n  servers:\n    - 127.0.0.1:6379:1\n",
		"nokey.yml":    "a:\n  redis: true\n  servers:\n    - 127.0.0.1:6379:1\n",
		"badkey.yml":   "a:\n  listen: 127.0.0.1:22121\n  nonsense: 1\n  servers:\n    - 127.0.0.1:6379:1\n",
		"badhash.yml":  "a:\n  listen: 127.0.0.1:22121\n  hash: sha1\n  servers:\n    - 127.0.0.1:6379:1\n",
		"badserv.yml":  "a:\n  listen: 127.0.0.1:22121\n  servers:\n    - 127.0.0.1:6379\n",
		"twice.yml":    "a:\n  listen: 127.0.0.1:22121\n  servers:\n    - 127.0.0.1:6379:1 x\n    - 127.0.0.1:6380:1 x\n",
		"empty.yml":    "",
		"memcache.yml": "a:\n  listen: 127.0.0.1:22121\n  timeout: 400\n  servers:\n    - 127.0.0.1:11211:1\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, line := range []string{
		"-h", "-V", "-D", "-hV", "--help", "--version", "--describe-stats", "-V -t", "-Dt",
		"-z", "-V -z", "-?", "-v", "-v x", "-v -1", "-vx", "-s", "-s x", "-s 0", "-s 65536", "-s 1x", "-i x", "-i",
		"-m", "-m 0", "-m x", "-m 511", "-m 16777217", "-p", "-o", "-c", "-a", "-ta", "-t -c",
		"--conf-file", "--help=x", "--verbose=x", "--stats-port x",
		"-t -c good.yml", "-tcgood.yml", "-tc good.yml", "--test-conf --conf-file=good.yml", "--test --conf good.yml",
		"extra -t -c good.yml", "-t -v 11 -s 65535 -i 1 -m 512 -a ::1 -p x.pid -o x.log -c good.yml",
		"-t -c nokey.yml", "-t -c badkey.yml", "-t -c badhash.yml", "-t -c badserv.yml", "-t -c twice.yml",
		"-t -c empty.yml", "-t -c memcache.yml", "-t -c missing.yml", "-d -t -c good.yml", "-t -c good.yml -- -z",
	} {
		t.Run(line, func(t *testing.T) {
			want := callIn(t, dir, "", theirs, strings.Fields(line)...)
			have := callIn(t, dir, "", link, strings.Fields(line)...)
			if have.code != want.code {
				t.Errorf("exit code %d, nutcracker's is %d\n%s", have.code, want.code, have.stderr)
			}
			if have.stdout != want.stdout {
				t.Errorf("standard output %q, nutcracker's is %q", have.stdout, want.stdout)
			}
			if strings.Contains(want.stderr, "syntax is") {
				// Why it is refused may be said in other words, the verdict may not.
				if have, want := lastLine(have.stderr), lastLine(want.stderr); have != want {
					t.Errorf("says %q, nutcracker %q", have, want)
				}
			} else if have, want := firstLine(have.stderr), firstLine(want.stderr); have != want {
				t.Errorf("says %q, nutcracker %q", have, want)
			}
			sub := callIn(t, dir, "", program, append([]string{"nutcracker"}, strings.Fields(line)...)...)
			if sub != have {
				t.Errorf("shardproxy nutcracker does otherwise: %+v", sub)
			}
		})
	}
	for _, line := range []string{"--nope", "--ver", "--stats"} { // nutcracker prints a NUL for the name
		want, have := callIn(t, dir, "", theirs, line), callIn(t, dir, "", link, line)
		if have.code != want.code {
			t.Errorf("%s: exit code %d, nutcracker's is %d", line, have.code, want.code)
		}
	}
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}

// ours starts the link with nutcracker's flags; spec.Config is its file.
func ours(t *testing.T, yml string) *shardtest.Server {
	t.Helper()
	spec := shardtest.NutcrackerSpec(yml)
	spec.Name, spec.Program = "shardproxy as nutcracker", link
	return shardtest.Run(t, spec)
}

// TestNutcrackerStats: after the same requests both programs' statistics have
// the same keys, and the same numbers where they must.
func TestNutcrackerStats(t *testing.T) {
	servers := shardtest.RedisN(t, 2)
	gone := shardtest.Redis(t)
	gone.Stop()
	yml := fmt.Sprintf(`
alpha:
  listen: ${ADDR}
  redis: true
  timeout: 2000
  hash: md5
  servers:
    - %s:1 one
    - %s:1
beta:
  listen: ${ADDR.beta}
  redis: true
  auto_eject_hosts: true
  server_failure_limit: 1
  server_retry_timeout: 60000
  servers:
    - %s:1 gone
`, servers[0].Addr, servers[1].Addr, gone.Addr)
	cli := need(t, "redis-cli", "apt-get install -y redis-tools")
	stats := map[string]map[string]any{}
	for name, p := range map[string]*shardtest.Server{"theirs": shardtest.Nutcracker(t, yml), "ours": ours(t, yml)} {
		_, port, _ := strings.Cut(p.Addr, ":")
		var set, mget strings.Builder
		mget.WriteString("mget")
		for i := range 20 { // some on each server
			fmt.Fprintf(&set, "set key:%d 1\n", i)
			fmt.Fprintf(&mget, " key:%d", i)
		}
		call(t, set.String()+mget.String(), cli, "-p", port)
		_, port, _ = strings.Cut(p.AddrOf("beta"), ":")
		call(t, "get a\nget a\n", cli, "-p", port)
		stats[name] = readStats(t, p.AddrOf("stats"))
	}
	if have, want := shape(stats["ours"]), shape(stats["theirs"]); have != want {
		t.Errorf("keys\n%s\nnutcracker's\n%s", have, want)
	}
	o := stats["ours"]
	if o["service"] != "nutcracker" || o["version"] != "0.5.0" || o["source"] != stats["theirs"]["source"] {
		t.Errorf("service %v, version %v, source %v", o["service"], o["version"], o["source"])
	}
	requests, responses := 0.0, 0.0
	for _, s := range []string{"one", servers[1].Addr} {
		requests += number(t, o, "alpha", s, "requests")
		responses += number(t, o, "alpha", s, "responses")
		if number(t, o, "alpha", s, "server_connections") != 1 || number(t, o, "alpha", s, "out_queue") != 0 {
			t.Errorf("%s: %v", s, o["alpha"].(map[string]any)[s])
		}
	}
	if fragments := number(t, o, "alpha", "fragments"); fragments != 2 || requests != 20+fragments || responses != requests {
		t.Errorf("%v requests, %v responses, %v fragments", requests, responses, fragments)
	}
	if number(t, o, "beta", "server_ejects") != 1 || number(t, o, "beta", "forward_error") < 1 ||
		number(t, o, "beta", "gone", "server_ejected_at") < float64(time.Now().Add(-time.Minute).UnixMicro()) {
		t.Errorf("beta: %v", o["beta"])
	}
	// Two listeners and two servers.
	if o["curr_connections"] != 4.0 || o["total_connections"].(float64) < 7 {
		t.Errorf("%v of %v connections", o["curr_connections"], o["total_connections"])
	}
}

func readStats(t *testing.T, addr string) map[string]any {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return m
}

func number(t *testing.T, m map[string]any, path ...string) float64 {
	t.Helper()
	for _, p := range path[:len(path)-1] {
		m, _ = m[p].(map[string]any)
	}
	n, ok := m[path[len(path)-1]].(float64)
	if !ok {
		t.Fatalf("no number at %v in %v", path, m)
	}
	return n
}

// shape is the keys of a value, and of those in it, one a line.
func shape(m map[string]any) string {
	var b strings.Builder
	var walk func(m map[string]any, indent string)
	walk = func(m map[string]any, indent string) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			b.WriteString(indent + k + "\n")
			if inner, ok := m[k].(map[string]any); ok {
				walk(inner, indent+"  ")
			}
		}
	}
	walk(m, "")
	return b.String()
}
