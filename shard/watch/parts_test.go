package watch

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/topology"
)

// TestHealth: + is a probe that was answered, - one that was not, . an interval.
func TestHealth(t *testing.T) {
	for _, c := range []struct {
		probes string
		want   State
	}{
		{"", Probing},
		{"+", Healthy},
		{"-", Probing},
		{"--", Down},
		{"+-", Suspect},
		{"+-+", Healthy},
		{"+--", Down},
		{"+--+", Probing},
		{"+--++", Probing},
		{"+--+.+", Healthy},
		{"+--+-", Down},
		{"+--+.-", Down},
		{"+--+-+.+", Healthy},
		{"+-+-+-", Suspect},
	} {
		h, now := health{interval: time.Second}, t0
		for _, p := range c.probes {
			switch now = now.Add(time.Millisecond); p {
			case '+':
				h.answered(now)
			case '-':
				h.failed(now)
			case '.':
				now = now.Add(h.interval)
			}
		}
		if h.state != c.want {
			t.Errorf("%q: %v, want %v", c.probes, h.state, c.want)
		}
	}
}

// TestNextProbe: the longer a node fails, the longer it is left alone, and nobody
// asks at the same time as all others.
func TestNextProbe(t *testing.T) {
	h := health{interval: 2 * time.Second}
	for failures, want := range []time.Duration{
		2 * time.Second, 50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond,
		800 * time.Millisecond, 1600 * time.Millisecond, 2 * time.Second, 2 * time.Second,
	} {
		h.failures = failures
		seen := map[time.Duration]bool{}
		for range 50 {
			d := h.next(rand.Float64())
			seen[d] = true
			if d < want*3/4 || d > want*5/4 {
				t.Errorf("after %d failures: %v, want %v give or take a quarter", failures, d, want)
			}
		}
		if len(seen) < 25 {
			t.Errorf("after %d failures: no jitter", failures)
		}
	}
	h = health{interval: 10 * time.Millisecond, failures: 1000}
	if d := h.next(0.5); d != leastBackoff {
		t.Errorf("with a short interval: %v, want %v", d, leastBackoff)
	}
}

// TestLag: the primary had 100 at 0 s, 200 at 1 s, … 1000 at 9 s.
func TestLag(t *testing.T) {
	var h history
	if _, _, known := h.lag(t0, 5); known {
		t.Error("known without a primary")
	}
	for i := range 10 {
		h.add(t0.Add(time.Duration(i)*time.Second), int64(100*(i+1)), time.Minute)
	}
	now := t0.Add(9500 * time.Millisecond)
	for _, c := range []struct {
		offset int64
		lag    time.Duration
		bytes  int64
		known  bool
	}{
		{1000, 0, 0, true},
		{1234, 0, 0, true}, // more than the primary had when it was asked
		{999, 1500 * time.Millisecond, 1, true},
		{900, 1500 * time.Millisecond, 100, true},
		{899, 2500 * time.Millisecond, 101, true},
		{100, 9500 * time.Millisecond, 900, true},
		{99, 0, 901, false},
		{-1, 0, 0, false},
	} {
		lag, bytes, known := h.lag(now, c.offset)
		if lag != c.lag || bytes != c.bytes || known != c.known {
			t.Errorf("offset %d: %v, %d bytes, %v; want %v, %d, %v", c.offset, lag, bytes, known, c.lag, c.bytes, c.known)
		}
	}
	// Nothing is written for an hour: a replica that has all is not behind, one that
	// lacks something is.
	later := now.Add(time.Hour)
	h.add(later, 1000, time.Minute)
	if lag, _, known := h.lag(later, 1000); lag != 0 || !known {
		t.Errorf("after an idle hour: %v, %v", lag, known)
	}
	if lag, _, _ := h.lag(later, 900); lag < time.Hour {
		t.Errorf("100 bytes behind for an hour: %v", lag)
	}
}

// TestLagMemory: what is remembered is bounded, however often a primary is asked, and
// reaches as far back as it must.
func TestLagMemory(t *testing.T) {
	var h history
	now := t0
	for i := range 100_000 {
		now = now.Add(2 * time.Millisecond)
		h.add(now, int64(i), 20*time.Second)
	}
	if n := len(h.samples); n > maxSamples {
		t.Errorf("%d samples", n)
	}
	if lag, _, known := h.lag(now, 99_999-5000); !known || lag < 10*time.Second || lag > 10*time.Second+2*sampleEvery {
		t.Errorf("a replica 10s behind: %v, %v", lag, known)
	}
	h.add(now.Add(time.Second), 5, time.Second)
	if len(h.samples) != 1 {
		t.Errorf("%d samples of a primary that began anew, want 1", len(h.samples))
	}
}

// TestLatency: noise does not change what is published, a node that is farther away
// does.
func TestLatency(t *testing.T) {
	var l latency
	l.add(400 * time.Microsecond)
	first := l.published
	for range 1000 {
		l.add(time.Duration(300+rand.IntN(250)) * time.Microsecond)
		l.add(time.Duration(rand.IntN(50)+1) * time.Millisecond)
		if l.published != first {
			t.Fatalf("published %v after %v", l.published, first)
		}
	}
	for range 50 {
		l.add(3 * time.Millisecond)
	}
	if l.published < 1500*time.Microsecond {
		t.Errorf("published %v of a node that takes 3ms", l.published)
	}
	for range 100 {
		l.add(time.Millisecond / 2)
	}
	if l.published > 1500*time.Microsecond {
		t.Errorf("published %v of a node that takes 500µs again", l.published)
	}
}

func TestParseEvent(t *testing.T) {
	for _, c := range []struct {
		channel, payload string
		want             event
	}{
		{"+switch-master", "users 10.0.0.1 6379 10.0.0.2 6379", event{"+switch-master", "users", nb, na}},
		{"+selected-slave", "slave 10.0.0.2:6379 10.0.0.2 6379 @ users 10.0.0.1 6379", event{"+selected-slave", "users", nb, na}},
		{"+odown", "master users 10.0.0.1 6379 #quorum 2/2", event{"+odown", "users", na, na}},
		{"+failover-state-select-slave", "master users 10.0.0.1 6379", event{"+failover-state-select-slave", "users", na, na}},
		{"+sentinel", "sentinel 4f fe80::1 26379 @ users 10.0.0.1 6379", event{"+sentinel", "users", topology.Node{Network: "tcp", Addr: "[fe80::1]:26379"}, na}},
		{"+tilt", "#tilt mode entered", event{}},
		{"+switch-master", "users 10.0.0.1 6379", event{}},
		{"+sdown", "", event{}},
	} {
		got, ok := parseEvent(c.channel, c.payload)
		if ok != (c.want != event{}) || ok && got != c.want {
			t.Errorf("%s %q: %+v, %v; want %+v", c.channel, c.payload, got, ok, c.want)
		}
	}
}

// TestParseRole: replies as servers make them, and such as none should.
func TestParseRole(t *testing.T) {
	b := func(s string) []byte { return []byte(s) }
	replica := func(f ...string) any {
		var out []any
		for _, s := range f {
			out = append(out, b(s))
		}
		return out
	}
	none := answer{offset: -1}
	for name, c := range map[string]struct {
		reply any
		err   error
		want  answer
	}{
		"primary":  {[]any{b("master"), int64(7), []any{replica("10.0.0.2", "6379", "7"), replica("?", "0", "0")}}, nil, answer{role: Primary, offset: 7, replicas: []topology.Node{nb}}},
		"replica":  {[]any{b("slave"), b("10.0.0.1"), int64(6379), b("connected"), int64(9)}, nil, answer{role: Replica, of: na, linked: true, offset: 9}},
		"syncing":  {[]any{b("slave"), b("10.0.0.1"), int64(6379), b("sync"), int64(-1)}, nil, answer{role: Replica, of: na, offset: -1}},
		"sentinel": {[]any{b("sentinel"), []any{}}, nil, none},
		"refused":  {nil, redis.Error("NOPERM"), none},
		"short":    {[]any{b("slave"), b("10.0.0.1"), int64(6379)}, nil, none},
		"empty":    {[]any{}, nil, none},
		"number":   {int64(3), nil, none},
	} {
		var got answer
		parseRole(&got, c.reply, c.err)
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	a := answer{role: Replica, linked: true}
	parseInfo(&a, b("# Replication\r\nrole:slave\r\nmaster_link_status:down\r\nmaster_replid:8f\r\n"), nil)
	if a.linked || a.history != "8f" {
		t.Errorf("%+v, want the link down and history 8f", a)
	}
}

// TestRoster: Sentinels that others name are asked too, and no longer when they do not
// answer and nobody names them; one that is listed by name is not asked twice.
func TestRoster(t *testing.T) {
	s := func(i int) topology.Node { return tcp(fmt.Sprintf("10.0.9.%d", i), "26379") }
	named := topology.Node{Network: "tcp", Addr: "sentinel-1:26379"}
	r := newRoster([]topology.Node{named})
	heard := func(v verdict, come, gone []topology.Node) {
		t.Helper()
		c, g := r.heard(v)
		if !slices.Equal(c, come) || !slices.Equal(g, gone) {
			t.Errorf("%+v: come %v, gone %v; want %v, %v", v, c, g, come, gone)
		}
	}
	heard(verdict{sentinel: named, reached: s(1).Addr, others: []topology.Node{s(2), s(3)}}, []topology.Node{s(2), s(3)}, nil)
	heard(verdict{sentinel: s(2), reached: s(2).Addr, others: []topology.Node{s(1), s(3)}}, nil, nil)
	heard(verdict{sentinel: s(3), err: errors.New("refused")}, nil, nil) // two name it
	heard(verdict{sentinel: s(2), reached: s(2).Addr, others: []topology.Node{s(1)}}, nil, nil)
	heard(verdict{sentinel: named, err: errors.New("refused")}, nil, []topology.Node{s(3)})
	if len(r.known) != 2 {
		t.Errorf("%d Sentinels known, want the listed one and 10.0.9.2", len(r.known))
	}

	// Found by its address before the listed name was reached there.
	r = newRoster([]topology.Node{named, s(2)})
	heard(verdict{sentinel: s(2), reached: s(2).Addr, others: []topology.Node{s(1)}}, []topology.Node{s(1)}, nil)
	heard(verdict{sentinel: named, reached: s(1).Addr, others: []topology.Node{s(2)}}, nil, []topology.Node{s(1)})

	var many []topology.Node
	for i := range 500 {
		many = append(many, s(i))
	}
	r.heard(verdict{sentinel: s(2), others: many})
	if len(r.known) > maxSentinels {
		t.Errorf("%d Sentinels by the word of one", len(r.known))
	}
}

// TestDoubts: a shard is looked into at once, then at most every 20 ms, and no doubt
// is lost.
func TestDoubts(t *testing.T) {
	var p pending
	at := func(ms int) time.Time { return t0.Add(time.Duration(ms) * time.Millisecond) }
	for _, c := range []struct {
		ms        int
		doubts    []string
		look      []string
		sentinels bool
		next      time.Duration
	}{
		{0, []string{"a"}, []string{"a"}, true, 0},
		{5, []string{"a", "b"}, []string{"b"}, false, 15 * time.Millisecond},
		{10, nil, nil, false, 10 * time.Millisecond},
		{20, nil, []string{"a"}, false, 0},
		{110, []string{"b"}, []string{"b"}, true, 0},
	} {
		look, sentinels, next := p.add(c.doubts, at(c.ms))
		if !slices.Equal(look, c.look) || sentinels != c.sentinels || next != c.next {
			t.Errorf("at %d ms: look into %v, Sentinels %v, next in %v; want %v, %v, %v", c.ms, look, sentinels, next, c.look, c.sentinels, c.next)
		}
	}
}

// TestReadable: what keeps a replica from being read, one thing at a time.
func TestReadable(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*config.Pool)
		b      func(*answer)
		want   bool
	}{
		"all well":           {nil, func(*answer) {}, true},
		"loading":            {nil, func(a *answer) { a.serving = false }, false},
		"link down":          {nil, func(a *answer) { a.linked = false }, false},
		"of another":         {nil, func(a *answer) { a.of, a.history = nc, "h2" }, false},
		"through another":    {nil, func(a *answer) { a.of = nc }, true},
		"a primary":          {nil, func(a *answer) { *a = primary(1) }, false},
		"1 byte behind":      {nil, func(a *answer) { a.offset = 999 }, true},
		"behind all known":   {nil, func(a *answer) { a.offset = 5 }, false},
		"no limit":           {func(c *config.Pool) { c.MaxReplicaLag = 0 }, func(a *answer) { a.offset = 5 }, true},
		"too many bytes":     {func(c *config.Pool) { c.MaxReplicaLagBytes = 100 }, func(a *answer) { a.offset = 899 }, false},
		"not too many bytes": {func(c *config.Pool) { c.MaxReplicaLagBytes = 100 }, func(a *answer) { a.offset = 951 }, true},
		"only bytes":         {func(c *config.Pool) { c.MaxReplicaLag, c.MaxReplicaLagBytes = 0, 5000 }, func(a *answer) { a.offset = 5 }, false},
	} {
		w := newWorld(t, c.change, nb)
		w.says[na], w.says[nb] = primary(900, nb), copies(na, 5)
		w.round()
		w.says[na] = primary(1000, nb)
		a := copies(na, 1000)
		c.b(&a)
		w.says[nb] = a
		w.round()
		if got := w.nodes().Replicas[0].Readable; got != c.want {
			t.Errorf("%s: readable %v, want %v", name, got, c.want)
		}
	}
}

// TestComesAndGoes: a replica that was too far behind is read again at half of what is
// allowed.
func TestComesAndGoes(t *testing.T) {
	w := newWorld(t, func(c *config.Pool) { c.MaxReplicaLagBytes = 100 }, nb)
	for i, c := range []struct {
		behind int64
		want   bool
	}{{0, true}, {90, true}, {101, false}, {90, false}, {51, false}, {50, true}, {90, true}} {
		offset := int64(1000 * (i + 1))
		w.says[na], w.says[nb] = primary(offset, nb), copies(na, offset-c.behind)
		w.round()
		if got := w.nodes().Replicas[0].Readable; got != c.want {
			t.Errorf("step %d, %d bytes behind: readable %v, want %v", i, c.behind, got, c.want)
		}
	}
}
