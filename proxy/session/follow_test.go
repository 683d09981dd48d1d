package session

import (
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/shard/config"
)

// cache returns a world whose pool ejects a shard after one failure, for a second.
func cache(t *testing.T) *simWorld {
	return newRig(t, DefaultLimits(), 2, config.Pool{AutoEjectHosts: true, ServerFailureLimit: 1, ServerRetryTimeout: time.Second})
}

// eject has the pool eject a shard, whose connections stay.
func (w *simWorld) eject(shard int) {
	w.t.Helper()
	if !w.pools[0].topo.ReportFailure(shard, time.Unix(0, w.now)) {
		w.t.Fatalf("shard %d is not ejected", shard)
	}
	w.turn(func() {})
}

// readmit lets the ejected shard back in.
func (w *simWorld) readmit() {
	w.t.Helper()
	w.now += int64(time.Second + tick)
	w.turn(func() {})
	w.turn(func() {})
	if len(w.pools[0].topo.Snapshot().Ejected) > 0 {
		w.t.Fatal("still ejected")
	}
}

// Who listens to a channel that becomes another shard's would hear nothing more: the
// session ends, and once the client has subscribed again it hears what is published.
func TestListenersFollowTheRing(t *testing.T) {
	for _, proto := range []string{"2", "3"} {
		w := cache(t)
		var told []string
		w.core.Notice = func(msg string, args ...any) { told = append(told, msg) }
		channel := w.keysOn(1, 1)[0]
		other := w.keysOn(0, 1)[0]
		subscribe := func() *simClient {
			c := w.client()
			c.ask1("HELLO", proto)
			c.ask1("SUBSCRIBE", channel)
			return c
		}
		moved, stays, patient := subscribe(), w.client(), w.client()
		stays.ask1("SUBSCRIBE", other)
		patient.ask1("PSUBSCRIBE", "*")

		w.eject(1)
		if moved.hear(); !moved.ended || stays.ended || patient.ended {
			t.Fatalf("RESP%s: ejected: closed %v; who listens elsewhere %v, to a pattern %v", proto, moved.ended, stays.ended, patient.ended)
		}
		again := subscribe()
		w.client().ask1("PUBLISH", channel, "x")
		if got := again.hear(); strings.Count(got, "message") != 1 {
			t.Errorf("RESP%s: ejected: told %q", proto, got)
		}
		w.readmit()
		if again.hear(); !again.ended || stays.ended || patient.ended {
			t.Fatalf("RESP%s: back: closed %v; who listens elsewhere %v, to a pattern %v", proto, again.ended, stays.ended, patient.ended)
		}
		if len(told) != 2 {
			t.Errorf("RESP%s: noticed %q", proto, told)
		}
	}
}

// Who is about to subscribe is told; who is about to leave a channel that moves leaves.
func TestListenersUnderWayFollowTheRing(t *testing.T) {
	w := cache(t)
	channel := w.keysOn(1, 1)[0]
	comes, goes := w.client(), w.client()
	goes.ask1("SUBSCRIBE", channel)
	comes.say(request("SUBSCRIBE", channel))
	goes.say(request("UNSUBSCRIBE", channel))
	w.eject(1)
	if got := comes.hear(); got != "-ERR shardring: the shard of a channel has changed while subscribing\r\n" || !comes.ended {
		t.Errorf("told %q, closed %v", got, comes.ended)
	}
	if got := goes.hear(); !strings.HasSuffix(got, ":0\r\n") || goes.ended {
		t.Errorf("told %q, closed %v", got, goes.ended)
	}
	if got := goes.ask1("GET", "a"); got != "$-1\r\n" || goes.s.private != nil {
		t.Errorf("got %q, kept %+v", got, goes.s.private)
	}
}

// Who keeps what it has read, until it is told otherwise, is told by the end of the
// session that keys have moved.
func TestTrackingFollowsTheRing(t *testing.T) {
	w := cache(t)
	c, other := w.client(), w.client()
	c.ask1("HELLO", "3")
	c.ask1("CLIENT", "TRACKING", "ON")
	other.ask1("GET", "a")
	w.eject(1)
	if c.hear(); !c.ended || other.ended {
		t.Errorf("closed %v, another %v", c.ended, other.ended)
	}
}

// The loop whose failure ejects a shard does not sleep on it.
func TestEjectionIsSeenAtOnce(t *testing.T) {
	w := cache(t)
	w.turn(func() { w.pools[0].topo.ReportFailure(1, time.Unix(0, w.now)) })
	if d := w.core.Wait(w.now); d != 0 {
		t.Errorf("the loop sleeps for %v", d)
	}
}
