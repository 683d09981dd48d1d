package examples_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/shardtest"
)

// TestMemcachedClients runs the programs of memcached's clients through the proxy over four
// servers. They check what they do; here only that they reached their end.
func TestMemcachedClients(t *testing.T) {
	const tools = "apt-get install -y libmemcached-tools"
	file := filepath.Join(t.TempDir(), "copied")
	if err := os.WriteFile(file, []byte(strings.Repeat("a line of a file\n", 2000)), 0o600); err != nil {
		t.Fatal(err)
	}
	servers := make([]*shardtest.Server, 4)
	yml := "cache:\n  listen: 127.0.0.1:0\n  shards:\n"
	for i := range servers {
		servers[i] = shardtest.Memcached(t)
		yml += fmt.Sprintf("    - {name: cache-%d, primary: %q}\n", i, servers[i].Addr)
	}
	addr := listen(t, engine.Driver(""), yml)[0]
	for _, client := range []struct {
		name    string
		command []string // the address comes behind it
		end     string
	}{
		{"gomemcache", []string{buildModule(t, "go/gomemcache")}, "all of it works\n"},
		{"memcached of npm", node(t, "memcached", "node/memcached.mjs"), "all of it works\n"},
		{"memjs", node(t, "memjs", "node/memjs.mjs"), "all of it works\n"},
		{"pymemcache", []string{loads(t, "apt-get install -y python3-pymemcache", "-c", "import pymemcache", "python3", "/usr/bin/python3"), "python/memcached.py"}, "all of it works\n"},
		{"Cache::Memcached", []string{loads(t, "apt-get install -y libcache-memcached-perl", "-e", "use Cache::Memcached", "perl", "/usr/bin/perl"), "perl/memcached.pl"}, "all of it works\n"},
		{"memcslap set", []string{find(t, "memcslap", tools), "--concurrency=4", "--execute-number=500", "--test=set", "--flush", "--servers"}, ""},
		{"memcslap get", []string{find(t, "memcslap", tools), "--concurrency=4", "--execute-number=500", "--test=get", "--initial-load=500", "--servers"}, ""},
		{"memcslap mget", []string{find(t, "memcslap", tools), "--concurrency=2", "--execute-number=100", "--test=mget", "--initial-load=500", "--servers"}, ""},
		{"memccp", []string{find(t, "memccp", tools), file, "--servers"}, ""},
	} {
		t.Run(client.name, func(t *testing.T) {
			out := run(t, "", append(client.command, addr)...)
			if !strings.HasSuffix(out, client.end) {
				t.Errorf("it did not reach its end:\n%s", out)
			}
		})
	}
	t.Run("memccat", func(t *testing.T) {
		if out := run(t, "", find(t, "memccat", tools), "copied", "--servers", addr); len(out) < 34000 {
			t.Errorf("%d bytes of a file that memccp has copied, want 34000: %.100q", len(out), out)
		}
	})
}
