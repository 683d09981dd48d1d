package backend

import (
	"errors"
	"io"
	"testing"
	"time"
)

// Full holds from above HighWater to half of it, whatever ends it is told.
func TestFull(t *testing.T) {
	s := newScript(t, Config{HighWater: 4})
	full := func(want bool) {
		t.Helper()
		if got := s.c.Full(); got != want {
			t.Fatalf("full %v, want %v", got, want)
		}
	}
	s.play("begin aaaa => wake dialing")
	full(false)
	s.play("begin b => dialing")
	full(true)
	s.play("write => wrote() dialing", "connected => wake ready", "write 2 => wrote(aa) ready")
	full(true)
	s.play("begin c => wake ready", "write 2 => wrote(aa) drained ready")
	full(false)
	s.play("begin ddd => wake ready")
	full(true)
	s.play("reset => aaaa:connection lost/sent drained failed(connection lost) waiting")
	full(true) // what has not been sent waits for the next connection
	s.play("wait 20ms => dialing", "write => wrote() dialing", "connected => wake ready", "write => wrote(bcddd) drained ready")
	full(false)
	s.play("reset => b:connection lost/sent c:connection lost/sent ddd:connection lost/sent failed(connection lost) waiting")
	if used := s.pool.Used(); used != 0 {
		t.Fatalf("%d bytes of buffers are in use", used)
	}
}

// Back-offs double from MinBackoff to MaxBackoff, and the jitter takes at most
// half off.
func TestBackoff(t *testing.T) {
	ms := time.Millisecond
	for _, r := range []float64{0, 0.5, 0.999999} {
		s := newScript(t, Config{MinBackoff: 10 * ms, MaxBackoff: 100 * ms})
		s.rand = r
		for i, d := range []time.Duration{10 * ms, 20 * ms, 40 * ms, 80 * ms, 100 * ms, 100 * ms} {
			s.do("open", "")
			if s.c.State() != Dialing {
				t.Fatalf("failure %d: %v", i, s.c.State())
			}
			s.do("reset", "")
			wait := s.c.retryAt - s.now
			if want := int64(d/2) + int64(float64(d/2)*r); wait != want {
				t.Errorf("after failure %d with %g: %v, want %v", i+1, r, time.Duration(wait), time.Duration(want))
			}
			s.now = s.c.retryAt
		}
	}
	s := newScript(t, Config{})
	for range 100 { // the shift does not overflow
		s.do("open", "")
		s.do("reset", "")
		if d := time.Duration(s.c.retryAt - s.now); d <= 0 || d > 500*ms {
			t.Fatalf("back-off of %v", d)
		}
		s.now = s.c.retryAt
	}
}

// The error is what a client reads: it names shard, node and cause, and says
// whether the command may have been executed.
func TestErrorText(t *testing.T) {
	for _, c := range []struct {
		err  Error
		want string
	}{
		{Error{Kind: Down, Shard: "cache-1", Node: "10.0.0.1:6379", Err: errors.New("connection refused")},
			"shard 'cache-1' at 10.0.0.1:6379: down: connection refused"},
		{Error{Kind: Timeout, Shard: "a", Node: "/run/a.sock", Err: errNoReply(limit), Sent: true},
			"shard 'a' at /run/a.sock: timeout: no reply within 100ms; the command may or may not have been executed"},
		{Error{Kind: Lost, Shard: "a", Node: "b", Err: io.EOF, Sent: true},
			"shard 'a' at b: connection lost: EOF; the command may or may not have been executed"},
		{Error{Kind: Refused, Shard: "a", Node: "b", Err: errors.New("login: NOPERM")}, "shard 'a' at b: refused: login: NOPERM"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
		if !errors.Is(&c.err, c.err.Err) {
			t.Errorf("%v does not unwrap to its cause", &c.err)
		}
	}
}

// Deadline is when Expire has something to do, never later.
func TestDeadline(t *testing.T) {
	s := newScript(t, Config{Timeout: limit, DialTimeout: time.Second})
	want := func(d time.Duration) {
		t.Helper()
		got := s.c.Deadline()
		if d == 0 && got != 0 || d != 0 && got != s.now+int64(d) {
			t.Fatalf("deadline %v, want %v", time.Duration(got-s.now), d)
		}
	}
	want(0)
	s.play("begin a => wake dialing")
	want(limit)
	s.play("connected => ready")
	want(limit)
	s.play("wait 30ms => ready")
	want(70 * time.Millisecond)
	s.play(`recv $5\r\n => a:$5|… ready`)
	want(2*limit + 1)
	s.play(`recv hello\r\n => a:hello| ready`)
	want(0)
}

// A stall of the proxy's is not counted: every limit that runs has what was left of it,
// and one that begins afterwards is whole. A short one counts.
func TestExcuse(t *testing.T) {
	newScript(t, Config{Timeout: 100 * time.Millisecond, DialTimeout: time.Second}).play(
		"begin A => wake dialing",
		"wait 50ms => dialing",
		"stall 5s => dialing",
		"connected => ready",
		"write => wrote(A) ready",
		"wait 15ms => ready",
		"stall 25ms => ready",
		"begin B => wake ready",
		"stall 5s => ready",
		"wait 9ms => ready",
		"wait 1ms => A:timeout/sent failed(timeout) ready",
		"begin C => ready",
		"wait 90ms => B:timeout/sent failed(timeout) ready",
		"stall 5s => ready", // silent for twice the limit, but for that
		"wait 9ms => ready",
		"wait 1ms => C:timeout/sent failed(timeout) ready",
		"wait 90ms => failed(connection lost) closing",
	)
}
