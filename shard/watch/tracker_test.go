package watch

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/topology"
)

var t0 = time.Unix(1_700_000_000, 0)

var (
	na = topology.Node{Network: "tcp", Addr: "10.0.0.1:6379"}
	nb = topology.Node{Network: "tcp", Addr: "10.0.0.2:6379"}
	nc = topology.Node{Network: "tcp", Addr: "10.0.0.3:6379"}
)

// world is a tracker, a clock and what nodes say when they are asked.
type world struct {
	*tracker
	t     *testing.T
	now   time.Time
	says  map[topology.Node]answer // nil of a node: it does not answer
	state map[topology.Node]*health
	asked []string
	log   []string
}

func primary(offset int64, replicas ...topology.Node) answer {
	return answer{serving: true, role: Primary, offset: offset, history: "h1", replicas: replicas}
}

// promoted is a primary that was a replica: its history is a new one.
func promoted(offset int64, replicas ...topology.Node) answer {
	a := primary(offset, replicas...)
	a.history = "h2"
	return a
}

func copies(of topology.Node, offset int64) answer {
	return answer{serving: true, role: Replica, of: of, linked: true, offset: offset, history: "h1"}
}

// newWorld tracks a shard whose primary is na and whose replicas are listed.
func newWorld(t *testing.T, change func(*config.Pool), replicas ...topology.Node) *world {
	s := config.Shard{Name: "users", Weight: 1, Primary: config.Address(na), Zone: "east"}
	for _, n := range replicas {
		s.Replicas = append(s.Replicas, config.Replica{Address: config.Address(n), Zone: "west", Weight: 3})
	}
	cfg := &config.Pool{MaxReplicaLag: 10 * time.Second}
	if change != nil {
		change(cfg)
	}
	w := &world{
		tracker: track(s, topology.Listed(s), rulesOf(cfg)), t: t, now: t0,
		says: map[topology.Node]answer{}, state: map[topology.Node]*health{},
	}
	return w
}

func withSentinels(c *config.Pool) {
	c.Sentinels = []config.Address{{Network: "tcp", Addr: "s1:26379"}}
}

// probe has a node report what it says now.
func (w *world) probe(n topology.Node) {
	h := w.state[n]
	if h == nil {
		h = &health{interval: time.Second}
		w.state[n] = h
	}
	r := report{shard: w.shard, node: n, asked: w.now, at: w.now.Add(time.Millisecond), reached: n.Addr}
	if a, ok := w.says[n]; ok {
		r.answer = a
		h.answered(w.now)
	} else {
		r.err = errors.New("no answer")
		h.failed(w.now)
	}
	r.state = h.state
	w.now = r.at.Add(time.Microsecond)
	w.heard(r)
}

// run settles, probing what is asked for, until nothing is.
func (w *world) run() {
	w.t.Helper()
	for i := 0; ; i++ {
		w.settle(w.now)
		for _, n := range w.notes {
			w.log = append(w.log, n.text)
		}
		w.notes = nil
		asks := w.asks
		w.asks = nil
		if len(asks) == 0 {
			return
		}
		if i > 100 {
			w.t.Fatalf("asks without an end: %v", asks)
		}
		w.now = w.now.Add(2 * time.Millisecond)
		for _, n := range asks {
			w.asked = append(w.asked, n.Addr)
			w.probe(n)
		}
	}
}

// round probes everybody, as each interval does.
func (w *world) round() {
	w.t.Helper()
	w.now = w.now.Add(time.Second)
	var all []topology.Node
	for n := range w.known {
		all = append(all, n)
	}
	slices.SortFunc(all, func(a, b topology.Node) int { return strings.Compare(a.Addr, b.Addr) })
	for _, n := range all {
		w.probe(n)
		w.run()
	}
}

func (w *world) want(what string, primary topology.Node, readable ...topology.Node) {
	w.t.Helper()
	got := w.nodes()
	var read []topology.Node
	for _, r := range got.Replicas {
		if r.Readable {
			read = append(read, r.Node)
		}
	}
	if got.Primary != primary || fmt.Sprint(read) != fmt.Sprint(readable) {
		w.t.Errorf("%s: primary %v, readable %v; want %v, %v", what, got.Primary, read, primary, readable)
	}
}

// TestFollowsWord: who follows whom, without Sentinels.
func TestFollowsWord(t *testing.T) {
	w := newWorld(t, nil, nb)
	w.says[na], w.says[nb] = primary(100, nb), copies(na, 100)
	w.round()
	w.want("at the start", na, nb)
	if r := w.nodes().Replicas[0]; r.Zone != "west" || r.Weight != 3 || w.nodes().Zone != "east" {
		t.Errorf("%+v: want zone and weight as listed", w.nodes())
	}

	w.says[na], w.says[nb] = copies(nb, 100), primary(100, na)
	w.round()
	w.want("after REPLICAOF by hand", nb, na)
	if n := w.nodes(); n.Zone != "west" || n.Replicas[0].Zone != "east" || n.Replicas[0].Weight != 1 {
		t.Errorf("%+v: zones stay with the nodes", n)
	}

	w.says[na] = primary(100)
	w.round()
	w.want("two say primary", nb)
	if !slices.ContainsFunc(w.log, func(s string) bool { return strings.HasPrefix(s, "two nodes") }) {
		t.Errorf("no warning of two primaries: %q", w.log)
	}
	delete(w.says, nb)
	w.probe(nb)
	w.run()
	w.want("a probe failed", nb)
	w.round()
	w.want("it is down", na)
}

// TestNobodySaysSo: a node that does not say it is a primary is never followed.
func TestNobodySaysSo(t *testing.T) {
	for name, c := range map[string]struct{ a, b answer }{
		"each copies the other": {copies(nb, 1), copies(na, 1)},
		"copies itself":         {copies(na, 1), copies(na, 1)},
		"copies who is away":    {copies(nc, 1), copies(nc, 1)},
		"no roles":              {answer{serving: true, offset: -1}, answer{serving: true, offset: -1}},
	} {
		w := newWorld(t, nil, nb)
		w.says[na], w.says[nb] = c.a, c.b
		for range 5 {
			w.round()
		}
		w.want(name, na)
		if len(w.asked) > 40 {
			t.Errorf("%s: %d probes in 5 rounds", name, len(w.asked))
		}
	}
}

// TestChainOfMany: a chain is followed step by step to its end, but not for ever.
func TestChainOfMany(t *testing.T) {
	for _, length := range []int{2, maxChain, 3 * maxChain} {
		w := newWorld(t, nil)
		at := func(i int) topology.Node { return tcp(fmt.Sprintf("10.0.1.%d", i), "1") }
		w.says[na] = copies(at(1), 1)
		for i := 1; i < length; i++ {
			w.says[at(i)] = copies(at(i+1), 1)
		}
		w.says[at(length)] = primary(1)
		for range 3 {
			w.round()
			for n := range w.known { // as a prober is started for each that is met
				if w.known[n].last.at.IsZero() {
					w.probe(n)
					w.run()
				}
			}
		}
		want := at(length)
		if length > maxChain {
			want = na
		}
		if w.present != want {
			t.Errorf("chain of %d: primary %v, want %v", length, w.present, want)
		}
	}
}

// TestBusyKeepsRole: a node that a script keeps from saying its role has not lost it.
func TestBusyKeepsRole(t *testing.T) {
	w := newWorld(t, nil, nb)
	w.says[na], w.says[nb] = primary(100, nb), copies(na, 100)
	w.round()
	w.says[na] = answer{offset: -1}
	w.says[nb] = answer{offset: -1}
	w.round()
	w.want("both busy", na)
	if !w.known[na].says(Primary) {
		t.Error("the role is forgotten")
	}
}

// TestForgets: who is not listed and named by nobody is forgotten after a while.
func TestForgets(t *testing.T) {
	w := newWorld(t, nil, nb)
	w.says[na], w.says[nb], w.says[nc] = primary(1, nb, nc), copies(na, 1), copies(na, 1)
	w.round()
	w.round()
	w.want("found", na, nb, nc)
	w.says[na] = primary(1)
	delete(w.says, nb)
	delete(w.says, nc)
	for range int(forget/time.Second) - 5 {
		w.round()
	}
	if w.known[nc] == nil {
		t.Fatal("forgotten too soon")
	}
	for range 10 {
		w.round()
	}
	if w.known[nc] != nil || w.known[nb] == nil {
		t.Error("want the listed one only")
	}
}

// TestNamesAndAddresses: the file has host names, servers and Sentinels say
// addresses. One process is one node.
func TestNamesAndAddresses(t *testing.T) {
	host := func(n string) topology.Node { return topology.Node{Network: "tcp", Addr: n + ".example:6379"} }
	s := config.Shard{Name: "users", Primary: config.Address(host("a")), Replicas: []config.Replica{{Address: config.Address(host("b")), Weight: 1}}}
	w := &world{tracker: track(s, topology.Listed(s), rules{}), t: t, now: t0, state: map[topology.Node]*health{}}
	w.meet(nb, w.now) // a Sentinel was faster
	say := func(n topology.Node, reached string, a answer) {
		w.now = w.now.Add(time.Second)
		w.heard(report{shard: "users", node: n, asked: w.now, at: w.now, reached: reached, state: Healthy, answer: a})
		w.run()
	}
	say(host("a"), na.Addr, primary(1, nb))
	say(host("b"), nb.Addr, copies(na, 1))
	w.want("by name", host("a"), host("b"))
	if len(w.known) != 2 {
		t.Errorf("%d nodes known, want 2", len(w.known))
	}
	say(host("a"), na.Addr, copies(nb, 1))
	say(host("b"), nb.Addr, primary(1, na))
	say(host("a"), na.Addr, copies(nb, 1))
	w.want("followed by name", host("b"), host("a"))
	// The name means another machine now.
	say(host("a"), nc.Addr, copies(nb, 1))
	if w.canonical(na) != na || w.canonical(nc) != host("a") {
		t.Errorf("%v and %v, want the new address to be the name's", w.canonical(na), w.canonical(nc))
	}
}
