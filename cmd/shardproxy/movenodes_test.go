package main

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/shardtest"
)

// slow servers take two seconds for the copy of some thousand keys, so that a node can
// die in the midst of it, and lose nothing that they have answered when they die.
var slow = shardtest.Args("--rdb-key-save-delay", "2000", "--appendonly", "yes", "--appendfsync", "always")

// shaken increments where requests may fail, as their server is killed: one that failed
// may or may not have been executed.
type shaken struct {
	stop          chan struct{}
	all           sync.WaitGroup
	acked, failed [4]int // by writer
}

func shake(ways ...func() (do, func(), error)) *shaken {
	s := &shaken{stop: make(chan struct{})}
	for w := range s.acked {
		s.all.Go(func() {
			end := func() {}
			var send do
			for {
				select {
				case <-s.stop:
					end()
					return
				default:
				}
				err := error(nil)
				if send == nil {
					if send, end, err = ways[w%len(ways)](); err != nil {
						send, end = nil, func() {}
						time.Sleep(5 * time.Millisecond)
						continue
					}
				}
				if _, err = send("INCR", fmt.Sprint("shaken:", w)); err == nil {
					s.acked[w]++
				} else {
					s.failed[w]++
					end()
					send, end = nil, func() {}
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
	return s
}

// end checks that all is there that was acknowledged, and no more than was sent.
func (s *shaken) end(t *testing.T, read do) {
	t.Helper()
	close(s.stop)
	s.all.Wait()
	for w, acked := range s.acked {
		have, err := redis.Int(read("GET", fmt.Sprint("shaken:", w)))
		if err != nil || have < acked || have > acked+s.failed[w] || acked == 0 {
			t.Errorf("writer %d: %d, %v; %d were acknowledged, %d failed", w, have, err, acked, s.failed[w])
		}
	}
	t.Logf("acknowledged %v, failed %v", s.acked, s.failed)
}

// copying waits until the target is in the midst of its copy.
func (m *moving) copying(t *testing.T) {
	t.Helper()
	soon(t, "the target copies", func() error {
		info, err := redis.String(m.to.Do("INFO", "replication"))
		if err == nil && !strings.Contains(info, "master_sync_in_progress:1") {
			err = fmt.Errorf("it does not: %s", info)
		}
		return err
	})
	time.Sleep(200 * time.Millisecond)
}

// TestMoveTargetKilled: the target dies while it copies. Clients notice nothing; the
// move is taken back without the target, or goes on when it is there again.
func TestMoveTargetKilled(t *testing.T) {
	for _, c := range []struct{ way, then string }{{"pause", "--abort"}, {"pause", "--resume"}, {"sentinel", "--abort"}} {
		t.Run(c.way+c.then, func(t *testing.T) {
			t.Parallel()
			m := byWay(t, c.way, slow)
			m.fill(t, 2000)
			was := m.stands(t)
			tr := m.writing()
			u := m.start(t, by(c.way, "--to", m.to.Addr)...)
			m.copying(t)
			m.to.Kill()
			r := u.end()
			wantCode(t, r, exitFailed)
			wantIn(t, r.stderr, m.to.Addr+" does not answer; when it does, --resume goes on; --abort takes the move back, also without it")
			if c.then == "--resume" {
				m.to.Restart()
				wantCode(t, m.move(t, "--resume"), exitDone)
			} else {
				r = m.move(t, "--abort")
				wantCode(t, r, exitDone)
				wantIn(t, r.stderr, m.to.Addr+" does not answer: it is left as it is")
				wantIn(t, r.stdout, "Taken back: shard cache-2 is at "+m.servers[1].Addr)
				m.to.Restart()
				if _, err := m.to.Do("FLUSHALL"); err != nil { // it keeps its copy on its disk
					t.Fatal(err)
				}
				m.takenBack(t, was)
				wantCode(t, m.move(t, by(c.way, "--to", m.to.Addr)...), exitDone)
			}
			m.moved(t, m.to, m.servers[1], was.sums)
			tr.end(t, m.read(t))
		})
	}
}

// TestMoveSourceKilled: the source dies while the target copies. The command says what
// to do; when the source is there again, with all that was acknowledged, the move is
// taken back, or goes on.
func TestMoveSourceKilled(t *testing.T) {
	for _, then := range []string{"--abort", "--resume"} {
		t.Run(then, func(t *testing.T) {
			t.Parallel()
			m := byWay(t, "pause", slow)
			m.fill(t, 2000)
			was := m.stands(t)
			tr := shake(through(m.proxies[0].Addr), through(m.proxies[1].Addr), m.plain)
			u := m.start(t, by("pause", "--to", m.to.Addr)...)
			m.copying(t)
			m.servers[1].Kill()
			r := u.end()
			wantCode(t, r, exitFailed)
			wantIn(t, r.stderr, m.servers[1].Addr+" does not answer; when it does, --resume goes on and --abort takes the move back")
			r = m.move(t, "--abort")
			wantCode(t, r, exitFailed)
			wantIn(t, r.stderr, "source "+m.servers[1].Addr, "the source does not answer: start it")
			m.servers[1].Restart()
			r = m.move(t, then)
			wantCode(t, r, exitDone)
			if then == "--abort" {
				m.takenBack(t, was)
			} else {
				m.moved(t, m.to, m.servers[1], was.sums)
			}
			read := m.read(t)
			soon(t, "proxies find the shard again", func() error {
				for w := range tr.acked {
					if _, err := read("EXISTS", fmt.Sprint("shaken:", w)); err != nil {
						return err
					}
				}
				return nil
			})
			tr.end(t, read)
		})
	}
}

// TestMoveSourceLost: the source dies while the target copies, and Sentinels give the
// shard to another replica. The move is taken back, and the next one begins there.
func TestMoveSourceLost(t *testing.T) {
	m := byWay(t, "sentinel", slow)
	spare := shardtest.Replica(t, m.servers[1], debuggable)
	for _, s := range m.sentinels {
		soon(t, "the Sentinels know the replica", func() error {
			list, err := redis.Values(s.Do("SENTINEL", "REPLICAS", "cache-2"))
			if err == nil && len(list) != 1 {
				err = fmt.Errorf("they know %d", len(list))
			}
			return err
		})
	}
	m.fill(t, 2000)
	soon(t, "the replica has all", func() error {
		if n := len(sums(t, spare)); n == 0 || n != len(sums(t, m.servers[1])) {
			return fmt.Errorf("it has %d keys", n)
		}
		return nil
	})
	want, was := sums(t, m.servers[1]), stateOf(t, m.to)
	u := m.start(t, by("sentinel", "--to", m.to.Addr)...)
	m.copying(t)
	m.servers[1].Kill()
	r := u.end()
	wantCode(t, r, exitFailed)
	wantIn(t, r.stderr, "--abort")
	soonDone(t, func() result { r = m.move(t, "--abort"); return r })
	wantIn(t, r.stderr, "the Sentinels have given shard cache-2 to "+spare.Addr, m.servers[1].Addr+" does not answer: it is left as it is")
	wantIn(t, r.stdout, "Taken back")
	if m.exists(m.journal()) {
		t.Error("the journal is there yet")
	}
	is := stateOf(t, m.to).config
	for _, name := range []string{"slaveof", "replicaof"} { // the Sentinels may have given it another primary
		delete(is, name)
		delete(was.config, name)
	}
	if !reflect.DeepEqual(is, was.config) {
		t.Errorf("the target's settings are %v, were %v", is, was.config)
	}
	same(t, sums(t, spare), want)
	m.servers[1].Restart()
	soon(t, "the old source is a replica", func() error {
		info, err := redis.String(m.servers[1].Do("INFO", "replication"))
		if err == nil && !strings.Contains(info, "role:slave") {
			err = fmt.Errorf("%s", info)
		}
		return err
	})
	tr := m.writing()
	wantCode(t, m.move(t, by("sentinel", "--to", m.to.Addr)...), exitDone)
	m.at(t, m.to, spare)
	same(t, sums(t, m.to), want)
	tr.end(t, m.read(t))
}

// TestMoveProxyKilled: a proxy dies in the switch. The command says so and what to do,
// clients of the other one notice nothing, and its own find their data when it is back.
func TestMoveProxyKilled(t *testing.T) {
	for _, step := range []string{"freeze", "demote", "rewrite"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			m := byWay(t, "pause")
			m.fill(t, 2000)
			want := sums(t, m.servers[1])
			others := busyWith(4, through(m.proxies[1].Addr), m.plain)
			own := shake(through(m.proxies[0].Addr))
			admin := m.proxies[0].AddrOf("admin")
			u, ended := m.start(t, by("pause", "--to", m.to.Addr)...), make(chan struct{})
			if !m.reaches(step, 0, ended) {
				t.Fatal("the move has not come so far")
			}
			m.proxies[0].Kill()
			r := u.end()
			wantCode(t, r, exitDone)
			wantIn(t, r.stderr, "warning: the proxy at "+admin+" was not told: ", "see that it runs, and have it read its file (SIGHUP, or a start)")
			m.moved(t, m.to, m.servers[1], want)
			m.proxies[0].Restart()
			read, end, err := through(m.proxies[0].Addr)()
			if err != nil {
				t.Fatal(err)
			}
			defer end()
			own.end(t, read)
			others.end(t, read)
		})
	}
}
