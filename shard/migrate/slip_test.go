package migrate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/migrate"
	"github.com/shardring/shardring/shard/shardtest"
)

// steps counts how often each step came.
type steps map[migrate.Step]int

// thaw has the source take writes, as a pause that runs out, or a hand, would.
var thaw = map[migrate.Way][]any{
	migrate.ByPause: {"CLIENT", "UNPAUSE"},
	migrate.ByFence: {"CONFIG", "SET", "min-replicas-to-write", "0"},
}

// slip has a write get in after the offsets were equal and before the source is demoted,
// and has the target not get it: it is stopped, and its link is cut.
func slip(from, to *shardtest.Server, way migrate.Way) error {
	if err := to.Pause(); err != nil {
		return err
	}
	time.AfterFunc(300*time.Millisecond, func() { to.Resume() })
	for _, c := range [][]any{{"CLIENT", "KILL", "TYPE", "replica"}, thaw[way], {"SET", "slipped", "in"}} {
		if _, err := from.Do(c[0].(string), c[1:]...); err != nil {
			return err
		}
	}
	return nil
}

// TestSlippedIn: a write that slipped in is not lost: both nodes say other offsets, so
// the source is promoted back, and the switch begins again.
func TestSlippedIn(t *testing.T) {
	for way := range thaw {
		t.Run(string(way), func(t *testing.T) {
			t.Parallel()
			path, from, to := pool(t, "")
			end := counting(t, path, to)
			defer end()
			n := steps{}
			r, err := run(t, migrate.Options{Config: path, To: to.Addr, Way: way, Before: func(s migrate.Step) error {
				if n[s]++; s == migrate.Demote && n[s] == 1 {
					return slip(from, to, way)
				}
				return nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			if n[migrate.Revert] == 0 || n[migrate.Promote] != 1 {
				t.Errorf("%d times promoted back, the target promoted %d times", n[migrate.Revert], n[migrate.Promote])
			}
			if r.Attempts < 2 || !strings.Contains(strings.Join(r.Warnings, "\n"), "a write had slipped in, and the source is the primary again") {
				t.Errorf("%d attempts; %q", r.Attempts, r.Warnings)
			}
			if v, err := redis.String(to.Do("GET", "slipped")); v != "in" {
				t.Errorf("what slipped in is %q, %v", v, err)
			}
		})
	}
}

// TestPauseRunsOut: the pause ends by its time between the freeze and the demotion, and
// clients write at once. Where the time is known the source is not even demoted.
func TestPauseRunsOut(t *testing.T) {
	t.Parallel()
	path, from, to := pool(t, "")
	end := counting(t, path, to)
	defer end()
	n := steps{}
	r, err := run(t, migrate.Options{Config: path, To: to.Addr, Way: migrate.ByPause, PauseFor: 500 * time.Millisecond, Before: func(s migrate.Step) error {
		if n[s]++; s != migrate.Demote || n[s] != 1 {
			return nil
		}
		before, err := from.Do("DBSIZE")
		if err != nil {
			return err
		}
		time.Sleep(600 * time.Millisecond)
		if _, err := from.Do("SET", "after the pause", before); err != nil {
			return err
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if n[migrate.Revert] != 0 || r.Attempts != 2 || len(r.Warnings) == 0 || !strings.Contains(r.Warnings[0], "attempt 1: the pause ran out before the source was demoted; nothing was changed") {
		t.Errorf("%d attempts, %d times promoted back; %q", r.Attempts, n[migrate.Revert], r.Warnings)
	}
	if have, err := redis.Int(to.Do("EXISTS", "after the pause")); have != 1 {
		t.Errorf("what was written after the pause is lost: %v", err)
	}
}

// TestNeverQuiet: where every attempt meets a write, the move gives up with the source as
// the primary, and says so.
func TestNeverQuiet(t *testing.T) {
	t.Parallel()
	path, from, to := pool(t, "")
	n := steps{}
	_, err := run(t, migrate.Options{Config: path, To: to.Addr, Way: migrate.ByPause, PauseFor: 100 * time.Millisecond, Before: func(s migrate.Step) error {
		if n[s]++; s == migrate.Demote {
			time.Sleep(150 * time.Millisecond)
		}
		return nil
	}})
	if err == nil || !strings.Contains(err.Error(), "5 attempts to switch, the last one: the pause ran out") || !strings.Contains(err.Error(), "--resume tries again, with a longer --pause") {
		t.Errorf("%v", err)
	}
	if n[migrate.Promote] != 0 {
		t.Error("the target was promoted")
	}
	if _, err := from.Do("SET", "k", "v"); err != nil {
		t.Error(err)
	}
}

// TestStartedAgain: a target that was started again while it copied has forgotten what
// guards the source in the switch; it is told again before writes are held.
func TestStartedAgain(t *testing.T) {
	t.Parallel()
	path, from, to := pool(t, "")
	if _, err := from.Do("SET", "k", "v"); err != nil {
		t.Fatal(err)
	}
	var guard string
	began := false
	o := migrate.Options{Config: path, To: to.Addr, Before: func(s migrate.Step) error {
		switch {
		case s == migrate.Compare && !began:
			began = true
			return to.Restart()
		case s == migrate.Freeze:
			have, err := redis.StringMap(to.Do("CONFIG", "GET", "repl-diskless-sync-delay"))
			guard = have["repl-diskless-sync-delay"]
			return err
		}
		return nil
	}}
	if _, err := run(t, o); err == nil || !strings.Contains(err.Error(), "compare: ") || !strings.Contains(err.Error(), "--resume goes on") {
		t.Fatalf("%v", err)
	}
	m, err := migrate.New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, err := m.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if v, err := redis.String(to.Do("GET", "k")); guard != "3600" || v != "v" {
		t.Errorf("repl-diskless-sync-delay was %q in the switch; the key is %q, %v", guard, v, err)
	}
}

// TestTargetDiesInSwitch: the target is killed, and started again with nothing, when the
// source is its replica already. The source does not copy that: it is promoted back.
func TestTargetDiesInSwitch(t *testing.T) {
	for _, back := range []bool{false, true} {
		t.Run(fmt.Sprint("back ", back), func(t *testing.T) {
			t.Parallel()
			path, from, _ := pool(t, "")
			to := shardtest.Redis(t, shardtest.Args("--repl-diskless-sync-delay", "5")) // as it is by default
			reader := from
			if back {
				reader = to
			}
			end := counting(t, path, reader)
			defer end()
			n := steps{}
			_, err := run(t, migrate.Options{Config: path, To: to.Addr, Timeout: 2 * time.Second, Before: func(s migrate.Step) error {
				if n[s]++; s != migrate.Demote || n[s] != 1 {
					return nil
				}
				host, port, _ := strings.Cut(to.Addr, ":")
				if _, err := from.Do("REPLICAOF", host, port); err != nil { // what the act is about to do
					return err
				}
				if err := to.Kill(); err != nil || !back {
					return err
				}
				return to.Restart()
			}})
			if !back && (err == nil || !strings.Contains(err.Error(), to.Addr+" does not answer")) {
				t.Errorf("%v", err)
			}
			if n[migrate.Revert] == 0 {
				t.Error("the source was not promoted back")
			}
			if back && err != nil { // it was attached again, and has all
				t.Error(err)
			}
		})
	}
}
