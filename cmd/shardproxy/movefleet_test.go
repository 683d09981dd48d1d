package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/shardtest"
)

// debuggable servers say the digest of a key.
var debuggable = shardtest.Args("--enable-debug-command", "yes")

// byWay is a moving whose shards are switched by that way: by "sentinel" with three
// of them, which watch both shards. Clients look often, as otherwise a test would wait.
func byWay(t *testing.T, way string, opts ...shardtest.Option) *moving {
	t.Helper()
	return newMoving(t, func(m *moving) string {
		lines := "  health_interval: 200ms\n"
		if way == "sentinel" {
			m.sentinels = watch(t, m.servers)
			lines += sentinelsOf(m.sentinels)
		}
		return lines
	}, append([]shardtest.Option{debuggable}, opts...)...)
}

// sentinelsOf is a pool's line that names them.
func sentinelsOf(sentinels []*shardtest.Server) string {
	var all []string
	for _, s := range sentinels {
		all = append(all, fmt.Sprintf("%q", s.Addr))
	}
	return "  sentinels: [" + strings.Join(all, ", ") + "]\n"
}

// monitor is the file of a Sentinel that watches the servers as cache-1, cache-2 …; the
// settings have %s for the name.
func monitor(servers []*shardtest.Server, quorum int, settings ...string) string {
	var lines []string
	for i, s := range servers {
		host, port, _ := strings.Cut(s.Addr, ":")
		name := fmt.Sprintf("cache-%d", i+1)
		lines = append(lines, fmt.Sprintf("sentinel monitor %s %s %s %d", name, host, port, quorum))
		for _, set := range settings {
			lines = append(lines, "sentinel "+fmt.Sprintf(set, name))
		}
	}
	return strings.Join(lines, "\n")
}

// watch starts three Sentinels for the shards of a pool; they ask for INFO each
// second, as otherwise a test would wait ten.
func watch(t *testing.T, servers []*shardtest.Server) (all []*shardtest.Server) {
	t.Helper()
	conf := monitor(servers, 2, "down-after-milliseconds %s 1500", "failover-timeout %s 10000")
	for range 3 {
		s := shardtest.Sentinel(t, conf)
		if _, err := s.Do("SENTINEL", "DEBUG", "INFO-PERIOD", 1000); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	soon(t, "three Sentinels know each other", func() error {
		for _, s := range all {
			for i := range servers {
				f, err := redis.StringMap(s.Do("SENTINEL", "MASTER", fmt.Sprintf("cache-%d", i+1)))
				if err != nil || f["num-other-sentinels"] != "2" {
					return fmt.Errorf("%s knows %s others, %v", s.Addr, f["num-other-sentinels"], err)
				}
			}
		}
		return nil
	})
	return all
}

// soon asks until there is no error, for ten seconds.
func soon(t *testing.T, what string, f func() error) {
	t.Helper()
	err := f()
	for end := time.Now().Add(15 * time.Second); err != nil && time.Now().Before(end); err = f() {
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// plain is a client of the library as anybody has it: what it says is an error is one.
func (m *moving) plain() (do, func(), error) {
	return func(command string, args ...any) (any, error) {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		return m.client.Do(ctx, command, args...)
	}, func() {}, nil
}

// writing has six clients write: through both proxies, and by the library.
func (m *moving) writing() *traffic {
	return busyWith(6, through(m.proxies[0].Addr), through(m.proxies[1].Addr), m.plain)
}

// sums are the checksum and the expiry of each key of fill that a server has.
func sums(t *testing.T, s *shardtest.Server) map[string]string {
	t.Helper()
	c, err := redis.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	all := map[string]string{}
	for cursor := "0"; ; {
		page, err := redis.Values(c.Do("SCAN", cursor, "MATCH", "filled:*", "COUNT", 1000))
		if err != nil {
			t.Fatal(err)
		}
		cursor, _ = redis.String(page[0], nil)
		keys, _ := redis.Strings(page[1], nil)
		for _, k := range keys {
			c.Send("DEBUG", "DIGEST-VALUE", k)
			c.Send("PEXPIRETIME", k)
		}
		replies, err := redis.Values(c.Do(""))
		if err != nil && len(keys) > 0 {
			t.Fatal(err)
		}
		for i, k := range keys {
			all[k] = fmt.Sprintf("%s %v", replies[2*i], replies[2*i+1])
		}
		if cursor == "0" {
			return all
		}
	}
}

// same compares what sums returned.
func same(t *testing.T, have, want map[string]string) {
	t.Helper()
	if len(have) != len(want) {
		t.Errorf("%d keys, want %d", len(have), len(want))
	}
	wrong := 0
	for k, v := range want {
		if have[k] != v {
			if wrong++; wrong <= 3 {
				t.Errorf("%s: checksum and expiry %q, want %q", k, have[k], v)
			}
		}
	}
	if wrong > 3 {
		t.Errorf("%d keys differ", wrong)
	}
}

// under is the command, running.
type under struct {
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
}

// start begins a move and does not wait for it.
func (m *moving) start(t *testing.T, args ...string) *under {
	t.Helper()
	u := &under{cmd: exec.Command(program, append([]string{"move", "-c", m.path}, args...)...)}
	u.cmd.Stdout, u.cmd.Stderr = &u.stdout, &u.stderr
	if err := u.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return u
}

// end waits for it.
func (u *under) end() result {
	_ = u.cmd.Wait() // the code says it
	return result{u.stdout.String(), u.stderr.String(), u.cmd.ProcessState.ExitCode()}
}

// journal is where a move of the pool is written down.
func (m *moving) journal() string { return m.path + ".cache.move" }

// entries are how often a step is in the journal, in the one of before if there is
// none any more.
func (m *moving) entries(step string) int {
	text, _ := os.ReadFile(m.journal())
	return bytes.Count(text, []byte(`"step":"`+step+`"`))
}

// reaches waits until a step that was not in the journal before is there, and says
// so; not if the command has ended without.
func (m *moving) reaches(step string, had int, ended <-chan struct{}) bool {
	for {
		if m.entries(step) > had {
			return true
		}
		select {
		case <-ended:
			return false
		case <-time.After(100 * time.Microsecond):
		}
	}
}

// killedAfter runs the command and kills it (SIGKILL) so long after it has written
// the step down: anywhere in its act, or behind it.
func (m *moving) killedAfter(t *testing.T, step string, wait time.Duration, args ...string) result {
	t.Helper()
	had := m.entries(step)
	u, ended := m.start(t, args...), make(chan struct{})
	killed := make(chan struct{})
	go func() {
		defer close(killed)
		if m.reaches(step, had, ended) {
			time.Sleep(wait)
			_ = u.cmd.Process.Kill() // it may have ended
		}
	}()
	r := u.end()
	close(ended)
	<-killed
	return r
}
