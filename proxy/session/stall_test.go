package session

import (
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/shard/config"
)

// stalledRig returns a rig with a time limit of 200 ms, and a client of it that has asked
// something; the node has answered, and nobody has read that.
func stalledRig(t *testing.T) (*simWorld, *simClient) {
	t.Helper()
	w := newRig(t, DefaultLimits(), 1, config.Pool{Timeout: 200 * time.Millisecond})
	c := w.client()
	if got := c.ask1("SET", "a", "v"); got != "+OK\r\n" {
		t.Fatalf("at first: %q", got)
	}
	c.say(request("GET", "a"))
	for _, l := range w.links {
		l.work(1)
	}
	return w, c
}

// A proxy that did not run for longer than the time limit blames no node for that,
// whether it reads what has come in its first turn or in a later one.
func TestStallOfTheProxy(t *testing.T) {
	for turns := range 3 {
		w, c := stalledRig(t)
		w.now += int64(5 * time.Second)
		for range turns {
			w.turn(func() {})
			w.now += int64(tick)
		}
		if got := c.hear(); got != "$1\r\nv\r\n" {
			t.Errorf("read in turn %d after the stall: %q", turns+1, got)
		}
	}
}

// What is readable when a time limit is looked at is read first.
func TestReadBeforeExpiry(t *testing.T) {
	w, c := stalledRig(t)
	w.elapse(199 * time.Millisecond)
	w.now += int64(4 * tick)
	w.turn(func() {
		for _, l := range w.links {
			l.deliver(len(l.out))
		}
	})
	if got := c.hear(); got != "$1\r\nv\r\n" {
		t.Errorf("read in the turn in which its time is over: %q", got)
	}
}

// A stall makes no node's time longer than what it missed of it.
func TestLimitAfterAStall(t *testing.T) {
	w, c := stalledRig(t)
	w.elapse(100 * time.Millisecond)
	w.now += int64(5 * time.Second)
	w.elapse(90 * time.Millisecond)
	if len(c.in) > 0 {
		t.Errorf("within the limit: %q", c.in)
	}
	w.elapse(30 * time.Millisecond)
	if got := string(c.in); !strings.Contains(got, "timeout") {
		t.Errorf("after the limit: %q", got)
	}
}

// A connection that was being made when the proxy stalled is waited for.
func TestStallWhileDialing(t *testing.T) {
	w := newRig(t, DefaultLimits(), 1, config.Pool{Timeout: 200 * time.Millisecond})
	c := w.client()
	c.s.Received([]byte(request("GET", "a")))
	n := w.all[0]
	n.mode, n.until = stalled, 1<<62 // it takes the connection, later
	w.turn(func() {})
	w.now += int64(5 * time.Second)
	w.turn(func() {})
	n.mode = serving
	if got := c.hear(); got != "$-1\r\n" {
		t.Errorf("got %q", got)
	}
}
