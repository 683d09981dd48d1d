package proxy_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"strings"
	"testing"
)

const module = "github.com/shardring/shardring/"

// layers says what of this module each package may import. A package that is
// not named may be imported by nobody but what stands above it here, and tests
// are free.
var layers = map[string][]string{
	"ring":                 {},
	"shard/command":        {},
	"shard/resp":           {},
	"shard/crossread":      {"shard/command", "shard/resp"},
	"shard/quantile":       {},
	"shard/shardtest":      {},
	"shard/config":         {"ring"},
	"shard/config/follow":  {},
	"shard/topology":       {"ring", "shard/config"},
	"shard/watch":          {"shard/config", "shard/topology"},
	"shard/internal/baton": {"shard/resp"},
	"shard":                {"ring", "shard/command", "shard/config", "shard/config/follow", "shard/crossread", "shard/quantile", "shard/topology", "shard/watch", "shard/internal/*"},
	"shard/migrate/audit":  {"ring", "shard/config", "shard/topology", "shard/watch"},
	"shard/migrate":        {"shard/config"},

	"proxy/acl":         {"shard/command", "shard/config", "shard/resp"},
	"proxy/iobuf":       {},
	"proxy/memcache":    {},
	"proxy/backend":     {"proxy/iobuf", "proxy/memcache", "shard/resp"},
	"proxy/session":     {"proxy/acl", "proxy/backend", "proxy/iobuf", "proxy/memcache", "ring", "shard/command", "shard/config", "shard/crossread", "shard/quantile", "shard/resp", "shard/topology"},
	"proxy/engine":      {"proxy/backend", "proxy/iobuf", "proxy/session", "shard/config", "shard/topology"},
	"proxy":             {"proxy/backend", "proxy/engine", "proxy/session", "shard/command", "shard/config", "shard/config/follow", "shard/topology", "shard/watch"},
	"proxy/conformance": {"shard/shardtest", "shard/shardtest/program"},
}

// TestImportsPointOneWay holds the picture in the README: ring at the bottom,
// the library and the proxy beside each other, the commands on top.
func TestImportsPointOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := map[string]bool{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(p.ImportPath, module)
		allowed, ok := layers[name]
		seen[name] = true
		for _, imp := range p.Imports {
			to, ours := strings.CutPrefix(imp, module)
			switch {
			case !ours:
			case ok && !matches(allowed, to):
				t.Errorf("%s imports %s; it may import only %v", name, to, allowed)
			case strings.HasPrefix(to, "cmd/") && !strings.HasPrefix(name, "cmd/"),
				strings.HasPrefix(to, "bench") && !strings.HasPrefix(name, "bench"),
				strings.HasPrefix(to, "examples") && !strings.HasPrefix(name, "examples"):
				t.Errorf("%s imports %s, which nothing outside it may", name, to)
			}
		}
	}
	for name := range layers {
		if !seen[name] {
			t.Errorf("layer %s: no such package", name)
		}
	}
}

func matches(patterns []string, name string) bool {
	for _, p := range patterns {
		if ok, _ := path.Match(p, name); ok {
			return true
		}
	}
	return false
}
