package examples_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// ports puts the ports of real addresses in the place of those that a guide has.
func ports(real map[string]string) *strings.Replacer {
	var pairs []string
	for said, addr := range real {
		_, port, _ := net.SplitHostPort(addr)
		pairs = append(pairs, said, port)
	}
	return strings.NewReplacer(pairs...)
}

var (
	durations = regexp.MustCompile(`\b[\d.]+(ns|µs|ms|s)\b`)
	numbers   = regexp.MustCompile(`[\d.,█-▏]+`)
	gaps      = regexp.MustCompile(` +`)
)

// masked is what of a command's output is compared: all but numbers and the width of columns.
func masked(s string) string {
	s = durations.ReplaceAllString(s, "T")
	return strings.TrimSpace(gaps.ReplaceAllString(numbers.ReplaceAllString(s, "N"), " "))
}

// console runs the commands of a guide's console blocks in dir, so many, and fails where one
// does not print what the guide says.
func console(t *testing.T, guide, dir string, real *strings.Replacer, want int) {
	t.Helper()
	path := filepath.Dir(build(t, "../cmd/shardproxy")) + ":" + os.Getenv("PATH")
	commands := 0
	for _, block := range strings.Split(readFile(t, guide), "```console\n")[1:] {
		block, _, _ = strings.Cut(block, "```\n")
		for _, part := range strings.Split("\n"+block, "\n$ ")[1:] {
			line, want, _ := strings.Cut(part, "\n")
			cmd := exec.Command("bash", "-c", real.Replace(line))
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PATH="+path)
			out, _ := cmd.CombinedOutput() // some are meant to fail
			if masked(string(out)) != masked(want) {
				t.Errorf("$ %s\nprints\n%s\nthe guide says\n%s", line, out, want)
			}
			commands++
		}
	}
	if commands != want {
		t.Errorf("%d commands, want %d", commands, want)
	}
}
