package examples_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/shardtest"
)

// TestFiles: the configuration files are accepted, and by `shardproxy check`.
func TestFiles(t *testing.T) {
	passwords(t)
	shardproxy := build(t, "../cmd/shardproxy")
	for path, pools := range map[string][]string{
		"config/pools.yml":          {"cache", "throwaway", "accounts"},
		"config/users.yml":          {"cache"},
		"failover/pools.yml":        {"cache", "sessions"},
		"nutcracker/nutcracker.yml": {"sessions", "fragments"},
	} {
		t.Run(filepath.Base(path), func(t *testing.T) {
			file, err := config.Load(path)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, p := range file.Pools {
				names = append(names, p.Name)
			}
			if fmt.Sprint(names) != fmt.Sprint(pools) {
				t.Errorf("pools %v, want %v", names, pools)
			}
			out := run(t, "", shardproxy, "check", "-c", path)
			for _, name := range pools {
				if !strings.Contains(out, name) {
					t.Errorf("check does not speak of pool %s:\n%s", name, out)
				}
			}
			if strings.Contains(out, "sesame") {
				t.Error("check prints a password")
			}
		})
	}
}

// passwords gives the files what they read from the environment.
func passwords(t *testing.T) {
	for _, name := range []string{"REDIS", "APP", "DASHBOARD", "OPS"} {
		t.Setenv(name+"_PASSWORD", strings.ToLower(name)+" sesame")
	}
}

// TestUsersFile serves config/users.yml and runs the commands of config/README.md,
// which print what it says, but for the numbers.
func TestUsersFile(t *testing.T) {
	find(t, "redis-cli", installTools)
	passwords(t)
	text := readFile(t, "config/users.yml")
	servers := shardtest.RedisN(t, 4, shardtest.Password("redis sesame"))
	for i, s := range servers {
		text = strings.ReplaceAll(text, fmt.Sprintf("127.0.0.1:%d}", 7001+i), s.Addr+"}")
	}
	addr := listen(t, engine.DefaultDriver(), strings.Replace(text, "127.0.0.1:6380", "127.0.0.1:0", 1))[0]
	_, port, _ := strings.Cut(addr, ":")

	number := regexp.MustCompile(`\d+`)
	masked := func(s string) string {
		return strings.TrimSpace(number.ReplaceAllString(strings.ReplaceAll(s, "\r", ""), "N"))
	}
	commands := 0
	for _, block := range strings.Split(readFile(t, "config/README.md"), "```console\n")[1:] {
		block, _, _ = strings.Cut(block, "```\n")
		for _, part := range strings.Split("\n"+block, "\n$ ")[1:] {
			line, want, _ := strings.Cut(part, "\n")
			command := strings.ReplaceAll(line, "-p 6380", "-p "+port)
			var got string
			for try := range 20 { // the client before may not have been seen to leave
				time.Sleep(time.Duration(try) * 10 * time.Millisecond)
				if got = run(t, "", "bash", "-c", command); masked(got) == masked(want) {
					break
				}
			}
			if masked(got) != masked(want) {
				t.Errorf("$ %s\nprints\n%s\nthe README says\n%s", line, got, want)
			}
			commands++
		}
	}
	if commands < 12 {
		t.Errorf("only %d commands", commands)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
