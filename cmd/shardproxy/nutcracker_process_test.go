//go:build unix

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/shardring/shardring/shard/shardtest"
)

// asNutcracker is one of the two programs, with flags and a file of its own.
type asNutcracker struct {
	dir, addr, log, pid string
	flags               []string
}

func newNutcracker(t *testing.T, redis *shardtest.Server) asNutcracker {
	t.Helper()
	ports := [2]int{}
	for i := range ports {
		var err error
		if ports[i], err = shardtest.FreePort(); err != nil {
			t.Fatal(err)
		}
	}
	n := asNutcracker{dir: t.TempDir(), addr: fmt.Sprintf("127.0.0.1:%d", ports[0])}
	n.log, n.pid = filepath.Join(n.dir, "log"), filepath.Join(n.dir, "pid")
	conf := filepath.Join(n.dir, "nutcracker.yml")
	yml := fmt.Sprintf("a:\n  listen: %s\n  redis: true\n  servers:\n    - %s:1\n", n.addr, redis.Addr)
	if err := os.WriteFile(conf, []byte(yml), 0o600); err != nil {
		t.Fatal(err)
	}
	n.flags = []string{"-c", conf, "-a", "127.0.0.1", "-s", strconv.Itoa(ports[1]), "-o", n.log, "-p", n.pid}
	return n
}

// read returns a file's text, "" if it is not there.
func read(path string) string {
	b, _ := os.ReadFile(path)
	return string(b)
}

// TestNutcrackerSignals: both programs live on, or end in the same way, on each
// signal, and log it.
func TestNutcrackerSignals(t *testing.T) {
	redis := shardtest.Redis(t)
	for _, c := range []struct {
		signal syscall.Signal
		log    string
		ends   bool
	}{
		{syscall.SIGUSR1, "signal 10 (SIGUSR1) received", false},
		{syscall.SIGUSR2, "signal 12 (SIGUSR2) received", false},
		{syscall.SIGTTIN, "up log level to 6", false},
		{syscall.SIGTTOU, "down log level to 4", false},
		{syscall.SIGHUP, "signal 1 (SIGHUP) received, reopening log file", false},
		{syscall.SIGINT, "signal 2 (SIGINT) received, exiting", true},
		{syscall.SIGTERM, "", true},
	} {
		t.Run(c.signal.String(), func(t *testing.T) {
			codes := map[string]int{}
			for _, name := range []string{original(t), link} {
				n := newNutcracker(t, redis)
				cmd := exec.Command(name, n.flags...)
				begin(t, cmd, n.addr)
				send(t, cmd, c.signal)
				if c.log != "" {
					eventually(t, name+" logs "+c.log, func() bool { return strings.Contains(read(n.log), c.log) })
				}
				if !c.ends {
					if shardtest.ReadyRedis(n.addr) != nil {
						t.Errorf("%s does not serve any more", name)
					}
					send(t, cmd, syscall.SIGKILL)
				}
				codes[name] = waitExit(t, cmd)
				if name == link && c.ends && read(n.pid) != "" {
					t.Error("the pid file is left")
				}
			}
			if codes[link] != codes[original(t)] {
				t.Errorf("ended with %d, nutcracker with %d", codes[link], codes[original(t)])
			}
		})
	}
}

// TestNutcrackerDaemon: -d returns when the daemon serves; the daemon writes
// its pid, reopens its log when asked, and ends without a trace.
func TestNutcrackerDaemon(t *testing.T) {
	redis := shardtest.Redis(t)
	for _, args := range [][]string{{link}, {program, "nutcracker"}} {
		n := newNutcracker(t, redis)
		r := call(t, "", args[0], append(args[1:], append(n.flags, "-d")...)...)
		wantCode(t, r, exitDone)
		pid, err := strconv.Atoi(read(n.pid))
		if err != nil {
			t.Fatalf("pid file %q, log %s", read(n.pid), read(n.log))
		}
		daemon, err := os.FindProcess(pid)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = daemon.Kill() })
		if err := shardtest.ReadyRedis(n.addr); err != nil {
			t.Errorf("it does not serve: %v", err)
		}
		if sid, err := syscall.Getpgid(pid); err != nil || sid != pid {
			t.Errorf("it is in group %d, not its own: %v", sid, err)
		}

		if err := os.Rename(n.log, n.log+".1"); err != nil {
			t.Fatal(err)
		}
		_ = daemon.Signal(syscall.SIGHUP)
		eventually(t, "the log is opened anew", func() bool { _, err := os.Stat(n.log); return err == nil })
		_ = daemon.Signal(syscall.SIGUSR1)
		eventually(t, "the new log is written", func() bool { return strings.Contains(read(n.log), "SIGUSR1") })
		wantIn(t, read(n.log+".1"), fmt.Sprintf("started on pid %d", pid), "reopening log file")

		_ = daemon.Signal(syscall.SIGTERM)
		eventually(t, "the pid file is removed", func() bool { _, err := os.Stat(n.pid); return err != nil })
		eventually(t, "nobody listens", func() bool { return shardtest.ReadyTCP(n.addr) != nil })
	}
}

// TestNutcrackerDoesNotStart: each reason is told by the exit code of the
// first process, in the foreground and with -d, and by the log.
func TestNutcrackerDoesNotStart(t *testing.T) {
	redis := shardtest.Redis(t)
	_, redisPort, _ := strings.Cut(redis.Addr, ":")
	for _, c := range []struct {
		name  string
		flags []string
		want  string
	}{
		{"stats port taken", []string{"-s", redisPort}, "address already in use"},
		{"stats address wrong", []string{"-a", "300.1.1.1"}, "300.1.1.1"},
		{"no such file", []string{"-c", "/no/such.yml"}, "no such file"},
		{"no folder for the pid", []string{"-p", "/no/such/pid"}, "opening pid file '/no/such/pid' failed: no such file"},
		{"no folder for the log", []string{"-o", "/no/such/log"}, "opening log file '/no/such/log' failed: no such file"},
	} {
		for _, d := range []string{"", "-d"} {
			t.Run(c.name+d, func(t *testing.T) {
				n := newNutcracker(t, redis)
				flags := append(n.flags, c.flags...)
				if d != "" {
					flags = append(flags, d)
				}
				r := call(t, "", link, flags...)
				wantCode(t, r, exitFailed)
				wantIn(t, r.stderr+read(n.log), c.want)
				if d != "" {
					wantIn(t, r.stderr, "the daemon did not start", c.want)
				}
			})
		}
	}
	n := newNutcracker(t, redis)
	ln, err := net.Listen("tcp", n.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	wantCode(t, call(t, "", link, n.flags...), exitFailed)
	wantIn(t, read(n.log), "address already in use")
}

// TestNutcrackerDefaults: without -c the file is conf/nutcracker.yml, without
// -s the port is 22222.
func TestNutcrackerDefaults(t *testing.T) {
	redis := shardtest.Redis(t)
	n := newNutcracker(t, redis)
	if err := os.Mkdir(filepath.Join(n.dir, "conf"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(n.dir, "nutcracker.yml"), filepath.Join(n.dir, "conf", "nutcracker.yml")); err != nil {
		t.Fatal(err)
	}
	r := callIn(t, n.dir, "", link, "-t")
	wantCode(t, r, exitDone)
	wantIn(t, r.stderr, "nutcracker: configuration file 'conf/nutcracker.yml' syntax is ok")
	r = call(t, "", link, "-h")
	for _, d := range []string{"default: 5, min: 0, max: 11", "conf/nutcracker.yml", "22222", "0.0.0.0", "30000", "16384"} {
		wantIn(t, r.stderr, d)
	}
}
