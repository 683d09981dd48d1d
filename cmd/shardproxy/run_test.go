package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shardring/shardring/shard/shardtest"
)

// TestRunServesCLI: redis-cli reads and writes through four shards, with both
// drivers.
func TestRunServesCLI(t *testing.T) {
	cli := need(t, "redis-cli", "apt-get install -y redis-tools")
	for _, driver := range []string{"epoll", "goroutine"} {
		t.Run(driver, func(t *testing.T) {
			servers := shardtest.RedisN(t, 4)
			p := serve(t, poolOf("${ADDR}", servers), "--driver", driver, "--loops", "2")
			_, port, _ := strings.Cut(p.Addr, ":")
			for _, c := range []struct{ command, want string }{
				{"mset a 1 b 2 c 3 d 4 e 5 f 6 g 7 h 8", "OK"},
				{"mget a b c d e f g h", "1\n2\n3\n4\n5\n6\n7\n8"},
				{"dbsize", "8"},
				{"del a b c d e f g nope", "7"},
				{"get h", "8"},
			} {
				r := call(t, "", cli, append([]string{"-p", port}, strings.Fields(c.command)...)...)
				if have := strings.TrimSpace(r.stdout); have != c.want {
					t.Errorf("%s: %q, want %q", c.command, have, c.want)
				}
			}
			used := 0
			for _, s := range servers {
				if n, _ := s.Do("DBSIZE"); n != int64(0) {
					used++
				}
			}
			if used == 0 {
				t.Error("h is on no server")
			}
		})
	}
}

// TestRunRefusals: each way not to start says why.
func TestRunRefusals(t *testing.T) {
	redis := shardtest.Redis(t)
	taken := write(t, "taken.yml", poolOf(redis.Addr, []*shardtest.Server{redis}))
	r := call(t, "", program, "run", "-c", taken)
	wantCode(t, r, exitFailed)
	wantIn(t, r.stderr, "pool cache: listen tcp "+redis.Addr, "address already in use", "Another process listens there")

	r = call(t, "", program, "run", "-c", "testdata/wrong.yml")
	wantCode(t, r, exitFailed)
	wantIn(t, r.stderr, "testdata/wrong.yml:4:3: unknown key", "    4 |   distribtion: murmur3", "3 problems")
	if strings.Contains(r.stderr, "sesame") {
		t.Error("the password is printed")
	}

	library := write(t, "library.yml", "a: {redis: true, shards: [{name: x, primary: 127.0.0.1:1}]}\n")
	r = call(t, "", program, "run", "-c", library)
	wantCode(t, r, exitFailed)
	wantIn(t, r.stderr, "no pool has listen:, so there is nothing to serve")

	r = call(t, "", program, "run")
	wantCode(t, r, exitFailed)
	wantIn(t, r.stderr, "open shardproxy.yml: no such file")
}

// TestRunLogs: --log-format json is one object a line, --log-level error is
// silence.
func TestRunLogs(t *testing.T) {
	servers := shardtest.RedisN(t, 1)
	p := serve(t, poolOf("${ADDR}", servers), "--log-format", "json")
	p.Stop()
	lines := strings.Split(strings.TrimSpace(p.Log()), "\n")
	for _, line := range lines {
		var l struct {
			Level, Msg string
			Pool, Addr string
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil || l.Msg == "" {
			t.Errorf("%q: %v", line, err)
		}
		if l.Msg == "listening" && (l.Pool != "cache" || l.Addr != p.Addr) {
			t.Errorf("listening says %+v", l)
		}
	}
	quiet := serve(t, poolOf("${ADDR}", servers), "--log-level", "error")
	quiet.Stop()
	if log := quiet.Log(); log != "" {
		t.Errorf("logged %q", log)
	}
}

// TestStopUnderLoad: on SIGTERM each of many pipelining clients gets whole
// replies and then the end, and what the servers executed is exactly what was
// answered.
func TestStopUnderLoad(t *testing.T) {
	for _, driver := range []string{"epoll", "goroutine"} {
		t.Run(driver, func(t *testing.T) {
			servers := shardtest.RedisN(t, 4)
			yml := poolOf("${ADDR}", servers)
			cmd, addr := startRun(t, yml, "--driver", driver)
			const clients = 8
			answered := make([]int64, clients)
			var wg, begun sync.WaitGroup
			begun.Add(clients)
			for i := range clients {
				wg.Go(func() {
					n, err := incrementUntilEOF(addr, "counter:"+strconv.Itoa(i), i%4 == 0, begun.Done)
					if err != nil {
						t.Errorf("client %d after %d replies: %v", i, n, err)
					}
					answered[i] = n
				})
			}
			begun.Wait()
			time.Sleep(100 * time.Millisecond)
			terminate(t, cmd)
			wg.Wait()
			if code := waitExit(t, cmd); code != exitDone {
				t.Errorf("exit code %d", code)
			}
			for i, n := range answered {
				executed := int64(0)
				for _, s := range servers {
					if v, err := s.Do("GET", "counter:"+strconv.Itoa(i)); err == nil && v != nil {
						executed, _ = strconv.ParseInt(string(v.([]byte)), 10, 64)
					}
				}
				if n == 0 || executed != n {
					t.Errorf("client %d: %d answered, %d executed", i, n, executed)
				}
			}
		})
	}
}

// incrementUntilEOF pipelines INCR until the proxy ends the connection, and
// returns the number of replies. Each must be the next number. A slow client
// takes a second or two for what it asks at once, so most of its replies are
// with the proxy; it then goes on asking. begun is called once: at the first
// reply, or at the end.
func incrementUntilEOF(addr, key string, slow bool, begun func()) (int64, error) {
	begin := sync.OnceFunc(begun)
	defer begin()
	var d net.Dialer
	if slow {
		d.Control = smallBuffer
	}
	c, err := d.Dial("tcp", addr)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	request := []byte(strings.Repeat(fmt.Sprintf("*2\r\n$4\r\nINCR\r\n$%d\r\n%s\r\n", len(key), key), 50))
	go func() {
		for i := 0; ; i++ {
			if slow && i > 400 {
				time.Sleep(10 * time.Millisecond)
			}
			if _, err := c.Write(request); err != nil {
				return
			}
		}
	}()
	r := bufio.NewReader(c)
	for n := int64(0); ; n++ {
		if slow && n%50 == 0 {
			time.Sleep(2 * time.Millisecond)
		}
		line, err := r.ReadString('\n')
		switch {
		case errors.Is(err, io.EOF) && line == "":
			return n, nil
		case err != nil:
			return n, fmt.Errorf("%w after %q", err, line)
		case line != fmt.Sprintf(":%d\r\n", n+1):
			return n, fmt.Errorf("reply %q, want %d", line, n+1)
		}
		begin()
	}
}

// startRun starts shardproxy run in a way that its exit code can be seen, and
// returns its address.
func startRun(t *testing.T, yml string, args ...string) (*exec.Cmd, string) {
	t.Helper()
	port, err := shardtest.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	path := write(t, "pools.yml", strings.ReplaceAll(yml, "${ADDR}", addr))
	cmd := exec.Command(program, append([]string{"run", "-c", path, "--log-level", "error"}, args...)...)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	begin(t, cmd, addr)
	return cmd, addr
}

// begin starts a program that serves addr.
func begin(t *testing.T, cmd *exec.Cmd, addr string) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	eventually(t, "it serves "+addr, func() bool { return shardtest.ReadyTCP(addr) == nil })
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for limit := time.Now().Add(15 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// waitExit waits for the end of a program and returns its exit code, or minus
// the signal that ended it.
func waitExit(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	stop := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
	defer stop.Stop()
	_ = cmd.Wait()
	return exitOf(cmd.ProcessState)
}
