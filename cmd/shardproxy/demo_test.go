package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/shardring/shardring/shard/shardtest"
)

// TestDemo: with redis-servers and with embedded shards, inside the module and
// outside, every command that the demo prints works in a shell, and nothing is
// left when it ends.
func TestDemo(t *testing.T) {
	need(t, "redis-cli", "apt-get install -y redis-tools")
	need(t, "redis-server", "apt-get install -y redis-server")
	module, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, dir, kind string
		args            []string
	}{
		{"real", module, "(redis-server ", []string{"demo", "--port", "0"}},
		{"embedded", t.TempDir(), "(miniredis, in this process)", []string{"demo", "--port", "0", "--embedded", "--shards", "3", "--pool", "my pool"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd, text := startDemo(t, c.dir, c.args...)
			wantIn(t, text, c.kind)
			commands := regexp.MustCompile(`(?m)^    (.+)$`).FindAllStringSubmatch(text, -1)
			if len(commands) < 8 {
				t.Fatalf("%d commands in\n%s", len(commands), text)
			}
			var out strings.Builder
			for _, m := range commands {
				stdout := paste(t, m[1])
				fmt.Fprintf(&out, "$ %s\n%s\n", m[1], stdout)
			}
			wantIn(t, out.String(), "Ada", "Bo", "Cy", "Dee", "Eve", "Flo", "Gus", "QUEUED", "largest over mean", "NODE", "PING")

			send(t, cmd, os.Interrupt)
			if code := waitExit(t, cmd); code != exitDone {
				t.Errorf("exit code %d", code)
			}
			dir := regexp.MustCompile(`/\S*shardproxy-demo-\d+`).FindString(text)
			if _, err := os.Stat(dir); dir == "" || !os.IsNotExist(err) {
				t.Errorf("%q is left: %v", dir, err)
			}
			for _, addr := range demoAddrs(text, out.String()) {
				if shardtest.ReadyTCP(addr) == nil {
					t.Errorf("%s still serves", addr)
				}
			}
		})
	}
}

// demoAddrs finds the addresses of the proxy and of the shards.
func demoAddrs(texts ...string) []string {
	return regexp.MustCompile(`127\.0\.0\.1:\d+`).FindAllString(strings.Join(texts, "\n"), -1)
}

// TestDemoPorts: a port that was asked for and is taken is an error; that of
// the default is not.
func TestDemoPorts(t *testing.T) {
	redis := shardtest.Redis(t)
	_, port, _ := strings.Cut(redis.Addr, ":")
	r := call(t, "", program, "demo", "--embedded", "--port", port)
	wantCode(t, r, exitFailed)
	wantIn(t, r.stderr, "address already in use")

	if ln, err := net.Listen("tcp", "127.0.0.1:6380"); err == nil {
		defer ln.Close() // else somebody else has it: as good
	}
	cmd, text := startDemo(t, t.TempDir(), "demo", "--embedded")
	wantIn(t, text, "Port 6380 was taken; --port says which to take.")
	send(t, cmd, os.Interrupt)
	if code := waitExit(t, cmd); code != exitDone {
		t.Errorf("exit code %d", code)
	}
}

// TestDemoWithoutServers: where PATH has no redis-server, the shards are
// embedded, and no command is printed whose program is missing.
func TestDemoWithoutServers(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	cmd, text := startDemo(t, t.TempDir(), "demo", "--port", "0")
	if _, err := os.Stat("/usr/sbin/redis-server"); err != nil { // where it is looked for too
		wantIn(t, text, "(miniredis, in this process)")
	}
	if strings.Contains(text, "redis-cli") || strings.Contains(text, "python3") {
		t.Errorf("neither is there:\n%s", text)
	}
	send(t, cmd, os.Interrupt)
	waitExit(t, cmd)
}

// startDemo starts the demo and returns what it prints until it is complete.
func startDemo(t *testing.T, dir string, args ...string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Stderr = dir, t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Signal(os.Interrupt)
			_ = cmd.Wait()
		}
	})
	var text strings.Builder
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		text.WriteString(lines.Text() + "\n")
		if lines.Text() == "Ctrl-C ends everything." {
			return cmd, text.String()
		}
	}
	t.Fatalf("the demo ended:\n%s", text.String())
	return nil, ""
}

// paste runs a line as somebody's shell does, far from this folder.
func paste(t *testing.T, line string) string {
	t.Helper()
	cmd := exec.Command("bash", "-c", line)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "PATH="+pathWithRedisPy(t))
	out, err := cmd.Output()
	if err != nil {
		var stderr []byte
		if e, ok := err.(*exec.ExitError); ok {
			stderr = e.Stderr
		}
		t.Errorf("%s\n%v\n%s%s", line, err, out, stderr)
	}
	return string(out)
}

// pathWithRedisPy is PATH, led by the folder of a python3 that has redis-py.
func pathWithRedisPy(t *testing.T) string {
	t.Helper()
	path := os.Getenv("PATH")
	for _, dir := range append(filepath.SplitList(path), "/usr/bin") {
		python := filepath.Join(dir, "python3")
		if exec.Command(python, "-c", "import redis").Run() == nil {
			link := filepath.Join(t.TempDir(), "python3")
			if err := os.Symlink(python, link); err != nil {
				t.Fatal(err)
			}
			return filepath.Dir(link) + string(filepath.ListSeparator) + path
		}
	}
	t.Fatal("no python3 with redis-py found, install it: apt-get install -y python3-redis")
	return ""
}
