package examples_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestClients runs each language's program through the proxy. The programs
// check what they do; here only that they reached their end, and that what
// they did was spread over all servers.
func TestClients(t *testing.T) {
	for _, client := range []struct {
		name    string
		command func(t *testing.T) []string
	}{
		{"python", func(t *testing.T) []string { return []string{python(t), "python/client.py"} }},
		{"ruby", func(t *testing.T) []string {
			const install = "apt-get install -y ruby-redis"
			return []string{loads(t, install, "-e", `require "redis"`, "ruby", "/usr/bin/ruby"), "ruby/client.rb"}
		}},
		{"php", func(t *testing.T) []string {
			const install = "apt-get install -y php-cli php-redis"
			return []string{loads(t, install, "-r", "new Redis();", "php", "/usr/bin/php"), "php/client.php"}
		}},
		{"node", func(t *testing.T) []string {
			node := find(t, "node", "apt-get install -y nodejs npm")
			if _, err := os.Stat("node/node_modules/ioredis"); err != nil {
				t.Fatal("no ioredis found, install it: npm ci --prefix examples/node")
			}
			return []string{node, "node/client.mjs"}
		}},
	} {
		t.Run(client.name, func(t *testing.T) {
			command := client.command(t)
			each(t, func(t *testing.T, s *shards) {
				out := run(t, "", append(command, s.addr)...)
				t.Log("\n" + out)
				if !strings.HasSuffix(out, "all of it works\n") {
					t.Error("it did not reach its end")
				}
				s.saw(t, "set", "get", "mget", "mset", "exists", "del", "scan")
			})
		})
	}
}

func python(t *testing.T) string {
	return loads(t, "apt-get install -y python3-redis", "-c", "import redis", "python3", "/usr/bin/python3")
}

// loads returns the first of some interpreters that can load the client
// library, or fails the test with the line that installs it: there may be
// another interpreter first in the PATH than the one Debian's library is for.
func loads(t *testing.T, install, flag, load string, interpreters ...string) string {
	t.Helper()
	for _, name := range interpreters {
		if path, err := exec.LookPath(name); err == nil && exec.Command(path, flag, load).Run() == nil {
			return path
		}
	}
	t.Fatalf("no %s with a Redis client found, install them: %s", interpreters[0], install)
	return ""
}
