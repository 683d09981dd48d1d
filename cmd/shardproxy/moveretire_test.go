package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

// TestMoveRetired: the old node is let go when its clients are gone, also where the
// command was killed in the midst of it, and stays so: no Sentinel takes it back. The
// way back from there is a move like any other.
func TestMoveRetired(t *testing.T) {
	for _, way := range []string{"pause", "sentinel"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			m := byWay(t, way)
			m.fill(t, 2000)
			want := sums(t, m.servers[1])
			tr := m.writing()
			wantCode(t, m.move(t, by(way, "--to", m.to.Addr)...), exitDone)
			m.moved(t, m.to, m.servers[1], want) // at once: a Sentinel that is told to forget in the midst of its failover takes it back
			retire := func() result { return m.move(t, "--retire", "--shard", "cache-2") }
			straggler, err := redis.Dial("tcp", m.servers[1].Addr)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := straggler.Do("GET", "k"); err != nil {
				t.Fatal(err)
			}
			wantIn(t, retire().stderr, m.servers[1].Addr+" is in use by ", ", the first at ", "have them read the new configuration, or end them")
			straggler.Close()
			rounds := 5
			if *moveFull {
				rounds = 40
			}
			killed := 0
			for range rounds {
				u := m.start(t, "--retire", "--shard", "cache-2")
				time.Sleep(rand.N(60 * time.Millisecond))
				_ = u.cmd.Process.Kill() // it may have ended
				if u.end().code == -1 {
					killed++
				}
				soonDone(t, retire)
				m.alone(t)
				wantCode(t, retire(), exitDone) // once more is no error
				host, port := hostPort(m.to.Addr)
				if _, err := m.servers[1].Do("REPLICAOF", host, port); err != nil {
					t.Fatal(err)
				}
				soon(t, "the old node copies again", func() error {
					info, err := redis.String(m.servers[1].Do("INFO", "replication"))
					return linked(info, err)
				})
			}
			t.Logf("killed %d of %d", killed, rounds)
			soonDone(t, retire)
			if way == "sentinel" { // they would make a replica that they remember one again after eight seconds
				time.Sleep(10 * time.Second)
			}
			m.alone(t)
			same(t, sums(t, m.to), want)

			r := m.move(t, by(way, "--back")...)
			wantCode(t, r, exitFailed)
			wantIn(t, r.stderr, m.servers[1].Addr+" is not empty", "or say --flush-target to lose them")
			r = m.move(t, by(way, "--back", "--flush-target")...)
			wantCode(t, r, exitDone)
			m.moved(t, m.servers[1], m.to, want)
			tr.end(t, m.read(t))
			m.to.Kill()
			r = retire()
			wantCode(t, r, exitFailed)
			wantIn(t, r.stderr, m.to.Addr+" does not answer: start it and ask again, or leave it off")
		})
	}
}

// alone checks that the old node is nobody's replica, and that no Sentinel knows it.
func (m *moving) alone(t *testing.T) {
	t.Helper()
	old := m.servers[1]
	if u := stateOf(t, old); u.role != "primary" {
		t.Errorf("%s is a %s", old.Addr, u.role)
	}
	for _, s := range m.sentinels {
		list, err := redis.Values(s.Do("SENTINEL", "REPLICAS", "cache-2"))
		if err != nil || len(list) != 0 {
			t.Errorf("Sentinel %s has replicas %s, %v", s.Addr, list, err)
		}
	}
}

func linked(info string, err error) error {
	if err == nil && fieldOf(info, "master_link_status") != "up" {
		err = fmt.Errorf("%s", info)
	}
	return err
}

func fieldOf(info, name string) string {
	for line := range strings.Lines(info) {
		if v, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func hostPort(addr string) (string, string) {
	host, port, _ := strings.Cut(addr, ":")
	return host, port
}
