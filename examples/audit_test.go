package examples_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/shardring/shardring/ring"
	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/shardtest"
)

// TestAudit runs the commands of audit/README.md, which print what it says, but
// for the numbers.
func TestAudit(t *testing.T) {
	find(t, "redis-cli", installTools)
	dir := t.TempDir()
	servers := shardtest.RedisN(t, 4)
	var ports []string // 7001, its real one, 7002, …
	for i, s := range servers {
		_, port, _ := strings.Cut(s.Addr, ":")
		ports = append(ports, fmt.Sprint(7001+i), port)
	}
	real := strings.NewReplacer(ports...)
	for _, name := range []string{"pools.yml", "bigger.yml"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(real.Replace(readFile(t, "audit/"+name))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file, err := config.Load(filepath.Join(dir, "pools.yml"))
	if err != nil {
		t.Fatal(err)
	}
	before, err := ring.New(file.Pools[0].Ring)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2000 {
		key := fmt.Sprint("user:", i)
		if _, err := servers[before.OwnerString(key)].Do("SET", key, strings.Repeat("x", 100)); err != nil {
			t.Fatal(err)
		}
	}

	shardproxy := build(t, "../cmd/shardproxy")
	number, gap := regexp.MustCompile(`[\d.,█-▏]+`), regexp.MustCompile(` +`)
	masked := func(s string) string {
		return strings.TrimSpace(gap.ReplaceAllString(number.ReplaceAllString(s, "N"), " "))
	}
	commands := 0
	for _, block := range strings.Split(readFile(t, "audit/README.md"), "```console\n")[1:] {
		block, _, _ = strings.Cut(block, "```\n")
		for _, part := range strings.Split("\n"+block, "\n$ ")[1:] {
			line, want, _ := strings.Cut(part, "\n")
			cmd := exec.Command("bash", "-c", real.Replace(line))
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(shardproxy)+":"+os.Getenv("PATH"))
			out, _ := cmd.CombinedOutput() // some are meant to fail
			if masked(string(out)) != masked(want) {
				t.Errorf("$ %s\nprints\n%s\nthe README says\n%s", line, out, want)
			}
			commands++
		}
	}
	if commands != 8 {
		t.Errorf("%d commands, want 8", commands)
	}
	if _, err := os.Stat(filepath.Join(dir, "change.svg")); err != nil {
		t.Error(err)
	}
}
