package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestClients runs each client's program through the proxy. The programs check
// what they do; here only that they reached their end, and that what they did was
// spread over all servers.
func TestClients(t *testing.T) {
	for _, client := range []struct {
		name    string
		command func(t *testing.T) []string
	}{
		{"redis-py", func(t *testing.T) []string { return []string{python(t), "python/client.py"} }},
		{"redis-rb", func(t *testing.T) []string {
			const install = "apt-get install -y ruby-redis"
			return []string{loads(t, install, "-e", `require "redis"`, "ruby", "/usr/bin/ruby"), "ruby/client.rb"}
		}},
		{"phpredis", func(t *testing.T) []string {
			const install = "apt-get install -y php-cli php-redis"
			return []string{loads(t, install, "-r", "new Redis(); pcntl_wexitstatus(0);", "php", "/usr/bin/php"), "php/client.php"}
		}},
		{"ioredis", func(t *testing.T) []string { return node(t, "ioredis", "node/ioredis.mjs") }},
		{"node-redis", func(t *testing.T) []string { return node(t, "redis", "node/node-redis.mjs") }},
		{"redis-cli", func(t *testing.T) []string {
			find(t, "redis-cli", installTools)
			return []string{find(t, "bash", "apt-get install -y bash"), "shell/client.sh"}
		}},
		{"redigo", func(t *testing.T) []string { return []string{build(t, "./go/redigo")} }},
		{"go-redis", func(t *testing.T) []string { return []string{buildModule(t, "go/goredis")} }},
	} {
		t.Run(client.name, func(t *testing.T) {
			command := client.command(t)
			each(t, func(t *testing.T, s *shards) {
				out := run(t, "", append(command, s.addr)...)
				t.Log("\n" + out)
				if !strings.HasSuffix(out, "all of it works\n") {
					t.Error("it did not reach its end")
				}
				s.saw(t, "set", "get", "mget", "mset", "exists", "del", "scan", "evalsha", "publish", "psubscribe")
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

// node returns the command that runs a program that needs a package of npm's.
func node(t *testing.T, pkg, program string) []string {
	t.Helper()
	path := find(t, "node", "apt-get install -y nodejs npm")
	if _, err := os.Stat(filepath.Join("node/node_modules", pkg)); err != nil {
		t.Fatalf("no %s found, install it: npm ci --prefix examples/node", pkg)
	}
	return []string{path, program}
}

// buildModule builds the program of a module of its own.
func buildModule(t *testing.T, module string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), filepath.Base(module))
	goTool := find(t, "go", "https://go.dev/doc/install")
	if out, err := exec.CommandContext(t.Context(), goTool, "-C", module, "build", "-o", path).CombinedOutput(); err != nil {
		t.Fatalf("%s does not build, install its modules: go -C examples/%s mod download\n%s", module, module, out)
	}
	return path
}
