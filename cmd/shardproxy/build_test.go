package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/shard/shardtest"
)

var update = flag.Bool("update", false, "rewrite golden files")

// program is the built binary, and link a link to it named nutcracker. Both
// are set once, by TestMain.
var program, link string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "shardproxy-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program, link = filepath.Join(dir, "shardproxy"), filepath.Join(dir, "nutcracker")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	if err := os.Symlink(program, link); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// result is what a program did.
type result struct {
	stdout, stderr string
	code           int
}

// call runs a program to its end.
func call(t *testing.T, stdin string, name string, args ...string) result {
	t.Helper()
	return callIn(t, "", stdin, name, args...)
}

func callIn(t *testing.T, dir, stdin, name string, args ...string) result {
	t.Helper()
	return callFor(t, 30*time.Second, dir, stdin, name, args...)
}

// callFor kills the program when it has run for so long.
func callFor(t *testing.T, limit time.Duration, dir, stdin, name string, args ...string) result {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := time.AfterFunc(limit, func() { cmd.Process.Kill() })
	defer stop.Stop()
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// need fails the test, with the line that installs it, if a program is missing.
func need(t *testing.T, name, install string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("no %s found, install it: %s", name, install)
	}
	return path
}

// serve starts shardproxy run with this file, in which ${ADDR} is its address.
func serve(t *testing.T, yml string, args ...string) *shardtest.Server {
	t.Helper()
	return shardtest.Run(t, shardtest.Spec{
		Name: "shardproxy", Program: program, Config: yml, Ready: shardtest.ReadyRedis,
		Args: append([]string{"run", "-c", "${CONFIG}"}, args...),
	})
}

// poolOf is a file with one pool of these servers in our own form.
func poolOf(listen string, servers []*shardtest.Server) string {
	var b strings.Builder
	fmt.Fprintf(&b, "cache:\n  listen: %s\n  redis: true\n  shards:\n", listen)
	for i, s := range servers {
		fmt.Fprintf(&b, "    - {name: cache-%d, primary: %s}\n", i+1, s.Addr)
	}
	return b.String()
}

// write writes a file into a folder of the test and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// golden compares with a file of testdata; go test -update rewrites it.
func golden(t *testing.T, name, have string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(have), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if have != string(want) {
		t.Errorf("%s differs (go test -update rewrites it). Have:\n%s\nWant:\n%s", path, have, want)
	}
}

func wantCode(t *testing.T, r result, code int) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d\n%s%s", r.code, code, r.stdout, r.stderr)
	}
}

func wantIn(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("no %q in:\n%s", p, text)
		}
	}
}
