package examples_test

import (
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/shardring/shardring/shard/shardtest"
)

// TestGoPrograms builds and runs the programs that use the library.
func TestGoPrograms(t *testing.T) {
	for _, name := range []string{"library", "redigo"} {
		t.Run(name, func(t *testing.T) {
			s := &shards{servers: shardtest.RedisN(t, 4)}
			command := []string{build(t, "./"+name)}
			for _, server := range s.servers {
				command = append(command, server.Addr)
			}
			out := run(t, "", command...)
			t.Log("\n" + out)
			if !strings.HasSuffix(out, "all of it works\n") {
				t.Error("it did not reach its end")
			}
			s.saw(t, "set", "mget", "del")
		})
	}
}

// build builds a program and returns its path.
func build(t *testing.T, pkg string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), filepath.Base(pkg))
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	run(t, "", find(t, "go", "https://go.dev/doc/install"), "build", "-o", path, pkg)
	return path
}
