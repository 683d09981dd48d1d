package main

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/shardtest"
)

// moveFull has each kill be of a move of its own; without it, one move is killed at
// each of its steps in turn.
var moveFull = flag.Bool("move.full", false, "kill a move of its own at every step, before and in its act")

// switches are the steps of each way between compare and release.
var switches = map[string][]string{
	"pause": {"freeze", "demote", "promote"}, "fence": {"freeze", "demote", "promote"},
	"failover": {"failover"}, "sentinel": {"freeze", "elect", "demote"},
}

// stepsOf are all steps of a move by that way, as the journal names them.
func stepsOf(way string) []string {
	all := append([]string{"prepare", "attach", "sync", "compare"}, switches[way]...)
	return append(all, "release", "rewrite", "tell", "done")
}

// by are the flags that choose a way; Sentinels choose it themselves.
func by(way string, args ...string) []string {
	args = append(args, "--shard", "cache-2")
	if way != "sentinel" {
		args = append(args, "--switch", way)
	}
	return args
}

// moved checks all that a move promises: roles, file, settings, every key's checksum,
// and that nobody is held any more.
func (m *moving) moved(t *testing.T, primary, replica *shardtest.Server, want map[string]string) {
	t.Helper()
	m.at(t, primary, replica)
	same(t, sums(t, primary), want)
	for _, s := range []*shardtest.Server{primary, replica} {
		if have, err := redis.StringMap(s.Do("CONFIG", "GET", "replica-priority")); err != nil || have["replica-priority"] != "100" {
			t.Errorf("%s has replica-priority %v, %v", s.Addr, have, err)
		}
	}
	began := time.Now()
	if _, err := primary.Do("SET", "held", "?"); err != nil || time.Since(began) > time.Second {
		t.Errorf("a write to the new primary took %v, %v", time.Since(began), err)
	}
	if m.exists(m.journal()) {
		t.Error("the journal is there yet")
	}
	for _, s := range m.sentinels {
		f, err := redis.StringMap(s.Do("SENTINEL", "MASTER", "cache-2"))
		if err != nil || f["ip"]+":"+f["port"] != primary.Addr || strings.Contains(f["flags"], "failover_in_progress") {
			t.Errorf("Sentinel %s has %s:%s, %s, %v, want %s and no failover", s.Addr, f["ip"], f["port"], f["flags"], err, primary.Addr)
		}
	}
}

func (m *moving) exists(path string) bool { _, err := os.Stat(path); return err == nil }

// read is how the traffic's end is read.
func (m *moving) read(t *testing.T) do {
	t.Helper()
	read, end, err := through(m.proxies[1].Addr)()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(end)
	return read
}

// TestMoveKilled: killed (SIGKILL) at every step, before its act and somewhere in it,
// there and back, by each way: --resume goes on, and nothing is lost.
func TestMoveKilled(t *testing.T) {
	for way := range maps.Keys(switches) {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			m := byWay(t, way)
			m.fill(t, 2000)
			want := sums(t, m.servers[1])
			tr := m.writing()
			if *moveFull {
				m.killEach(t, way, want)
			} else {
				m.killInTurn(t, way, want)
			}
			tr.end(t, m.read(t))
		})
	}
}

// killInTurn kills one move before each act, and the one back in each act.
func (m *moving) killInTurn(t *testing.T, way string, want map[string]string) {
	t.Helper()
	args := by(way, "--to", m.to.Addr)
	for i, step := range stepsOf(way) {
		r := m.move(t, append(args, "--kill-before", step)...)
		wantKilled(t, r, step)
		if i > 0 {
			wantIn(t, r.stderr, "that came to "+stepsOf(way)[i-1])
		}
		wantIn(t, m.move(t, by(way, "--to", m.to.Addr)...).stderr, "a move of this pool is not finished")
		args = []string{"--resume"}
	}
	wantCode(t, m.move(t, args...), exitDone)
	m.moved(t, m.to, m.servers[1], want)
	if t.Failed() {
		return
	}
	args = by(way, "--back")
	for _, step := range stepsOf(way) {
		wait := rand.N(4 * time.Millisecond)
		r := m.killedAfter(t, step, wait, args...)
		if !m.exists(m.journal()) {
			break // it was done, the kill came too late
		}
		if t.Logf("killed %v after the entry of %s: exit code %d", wait, step, r.code); r.code == exitFailed {
			t.Fatal(r.stderr)
		}
		args = []string{"--resume"}
	}
	if m.exists(m.journal()) {
		wantCode(t, m.move(t, "--resume"), exitDone)
	}
	m.moved(t, m.servers[1], m.to, want)
}

// killEach kills a move of its own at each step: before its act, at its entry, and
// some time later.
func (m *moving) killEach(t *testing.T, way string, want map[string]string) {
	t.Helper()
	from, to := m.servers[1], m.to
	first := true
	for _, step := range stepsOf(way) {
		for _, wait := range []time.Duration{-1, 0, rand.N(2 * time.Millisecond), rand.N(20 * time.Millisecond), rand.N(500 * time.Millisecond)} {
			args := by(way, "--back")
			if first {
				args, first = by(way, "--to", to.Addr), false
			}
			var r result
			if wait < 0 {
				r = m.move(t, append(args, "--kill-before", step)...)
				wantKilled(t, r, step)
			} else {
				r = m.killedAfter(t, step, wait, args...)
			}
			if m.exists(m.journal()) {
				r = m.move(t, "--resume")
			} // else it was done, the kill came too late
			if m.moved(t, to, from, want); t.Failed() {
				t.Fatalf("killed %v after the entry of %s\n%s", wait, step, r.stderr)
			}
			from, to = to, from
		}
	}
}

func wantKilled(t *testing.T, r result, step string) {
	t.Helper()
	if r.code != -1 {
		t.Fatalf("not killed at %s: exit code %d\n%s%s", step, r.code, r.stdout, r.stderr)
	}
}

// TestMoveAborted: killed at every step before the target is the primary, --abort has
// both nodes and the file as they were, under writes, by each way; and no Sentinel
// thinks of the target any more.
func TestMoveAborted(t *testing.T) {
	for way := range maps.Keys(switches) {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			m := byWay(t, way)
			m.fill(t, 2000)
			was := m.stands(t)
			tr := m.writing()
			steps := switches[way]
			if *moveFull {
				steps = stepsOf(way)[:4+len(steps)]
			} else if way == "pause" {
				steps = append([]string{"prepare", "sync"}, steps...)
			}
			for _, step := range steps {
				if way == "sentinel" && step == "demote" {
					continue // they have promoted it
				}
				wantKilled(t, m.move(t, by(way, "--to", m.to.Addr, "--kill-before", step)...), step)
				r := m.move(t, "--abort")
				wantCode(t, r, exitDone)
				wantIn(t, r.stderr, "that came to "+step)
				wantIn(t, r.stdout, "Taken back: shard cache-2 is at "+m.servers[1].Addr)
				m.takenBack(t, was)
				if t.Failed() {
					t.Fatalf("killed before %s\n%s", step, r.stderr)
				}
			}
			if way == "sentinel" { // they make a node that they know a replica after eight seconds
				time.Sleep(10 * time.Second)
				m.takenBack(t, was)
			}
			// What has been switched is not taken back.
			m.move(t, by(way, "--to", m.to.Addr, "--kill-before", "release")...)
			r := m.move(t, "--abort")
			wantCode(t, r, exitFailed)
			wantIn(t, r.stderr, "the target is the primary already: --resume finishes")
			wantCode(t, m.move(t, "--resume"), exitDone)
			m.moved(t, m.to, m.servers[1], was.sums)
			wantIn(t, m.move(t, "--resume").stderr, "no move was begun here")
			tr.end(t, m.read(t))
		})
	}
}

// standing is what a move that is taken back leaves as it was.
type standing struct {
	source, target untouched
	file           string
	sums           map[string]string // of the source's keys
}

func (m *moving) stands(t *testing.T) standing {
	t.Helper()
	return standing{stateOf(t, m.servers[1]), stateOf(t, m.to), readFile(t, m.path), sums(t, m.servers[1])}
}

// takenBack checks that all is as it was before a move.
func (m *moving) takenBack(t *testing.T, was standing) {
	t.Helper()
	sameState(t, m.servers[1], was.source)
	sameState(t, m.to, was.target)
	if n, err := redis.Int(m.to.Do("DBSIZE")); err != nil || n != 0 {
		t.Errorf("the target has %d keys, %v", n, err)
	}
	same(t, sums(t, m.servers[1]), was.sums)
	if have := readFile(t, m.path); have != was.file {
		t.Errorf("the file was changed:\n%s", have)
	}
	if m.exists(m.journal()) {
		t.Error("the journal is there yet")
	}
	began := time.Now()
	if _, err := m.servers[1].Do("SET", "held", "?"); err != nil || time.Since(began) > time.Second {
		t.Errorf("a write to the source took %v, %v", time.Since(began), err)
	}
	for _, s := range m.sentinels {
		list, err := redis.Values(s.Do("SENTINEL", "REPLICAS", "cache-2"))
		if err != nil || len(list) != 0 {
			t.Errorf("Sentinel %s has replicas %s, %v", s.Addr, list, err)
		}
		soon(t, "the Sentinels know each other", func() error {
			f, err := redis.StringMap(s.Do("SENTINEL", "MASTER", "cache-2"))
			if err == nil && f["num-other-sentinels"] != "2" {
				err = fmt.Errorf("%s knows %s others", s.Addr, f["num-other-sentinels"])
			}
			return err
		})
	}
}
