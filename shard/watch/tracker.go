package watch

import (
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/topology"
)

// tracker is what is known of one shard. It does nothing by itself: reports,
// claims and events go in, who holds the shard and what should be asked comes out
// of settle. It belongs to the goroutine of Watcher.Run.
//
//	heard (a node answered a probe, or failed) ─┐
//	claimed (a Sentinel answered) ──────────────┤          ┌─▶ nodes(): for topology.Found
//	told (a Sentinel published an event) ───────┼─ settle ─┼─▶ asks: nodes to probe at once
//	the time ───────────────────────────────────┘          └─▶ notes: for the log
type tracker struct {
	rules
	shard  string
	master string                   // what Sentinels call it
	listed map[topology.Node]place  // as the configuration has it
	names  map[string]topology.Node // the known node that an address of a connection belongs to

	present topology.Node // the primary; zero: nobody knows
	known   map[topology.Node]*known
	past    history // of present's offsets

	sentinels
	freeze
	split topology.Node // another one that says it is the primary, as logged

	asks  []topology.Node
	notes []note
}

// rules are the settings of a pool that decide.
type rules struct {
	sentinel bool // the pool has Sentinels
	lag      time.Duration
	lagBytes int64
}

// place is what the configuration says of a node.
type place struct {
	zone   string
	weight int
}

// known is a node of a shard.
type known struct {
	node  topology.Node
	named time.Time // when somebody last said that it belongs to the shard
	last  report    // zero at: it has not been heard of
	was   topology.Replica
	latency
	lag      time.Duration
	lagBytes int64
	lagKnown bool
}

// report is the outcome of one probe.
type report struct {
	shard   string
	node    topology.Node
	asked   time.Time
	at      time.Time // when it was answered, or failed
	err     error     // nil: answered
	state   State     // of the node, after it
	reached string    // the address that its connection goes to
	answer
}

func (k *known) says(r Role) bool {
	return k != nil && !k.last.at.IsZero() && k.last.err == nil && k.last.role == r
}

// note is something for the log.
type note struct {
	level slog.Level
	text  string
	args  []any
}

func (t *tracker) note(level slog.Level, text string, args ...any) {
	t.notes = append(t.notes, note{level, text, args})
}

// forget is how long a node stays that is not listed, after somebody last said that it
// belongs to the shard.
const forget = time.Minute

func rulesOf(cfg *config.Pool) rules {
	return rules{sentinel: len(cfg.Sentinels) > 0, lag: cfg.MaxReplicaLag, lagBytes: int64(cfg.MaxReplicaLagBytes)}
}

// track begins with what a snapshot has of a shard.
func track(s config.Shard, now topology.Nodes, r rules) *tracker {
	t := &tracker{
		rules: r, shard: s.Name, master: s.MasterName(), present: now.Primary,
		listed: map[topology.Node]place{}, known: map[topology.Node]*known{}, names: map[string]topology.Node{},
	}
	listed := topology.Listed(s)
	if !listed.Primary.IsZero() {
		t.listed[listed.Primary] = place{listed.Zone, 1}
		t.meet(listed.Primary, time.Time{})
	}
	for _, n := range listed.Replicas {
		t.listed[n.Node] = place{n.Zone, n.Weight}
		t.meet(n.Node, time.Time{})
	}
	if !now.Primary.IsZero() {
		t.meet(now.Primary, time.Time{}).published = now.Latency
	}
	for _, n := range now.Replicas {
		k := t.meet(n.Node, time.Time{})
		k.was, k.published = n, n.Latency
	}
	return t
}

// meet returns the known node, which it may become now, and notes that somebody
// named it.
func (t *tracker) meet(n topology.Node, now time.Time) *known {
	n = t.canonical(n)
	k := t.known[n]
	if k == nil {
		k = &known{node: n}
		t.known[n] = k
	}
	if now.After(k.named) {
		k.named = now
	}
	return k
}

// canonical is the node under the name that it is known by: servers and Sentinels
// call by address what the configuration may call by a host name.
func (t *tracker) canonical(n topology.Node) topology.Node {
	if _, ok := t.listed[n]; ok {
		return n
	}
	if o, ok := t.names[n.Addr]; ok && n.Network == "tcp" {
		return o
	}
	return n
}

// called notes which address a listed node is reached at.
func (t *tracker) called(n topology.Node, addr string) {
	if _, ok := t.listed[n]; !ok || addr == "" || addr == n.Addr {
		return
	}
	for a, o := range t.names {
		if o == n && a != addr {
			delete(t.names, a) // its name means another address now
		}
	}
	t.names[addr] = n
	// It may have been found by its address before.
	twin := topology.Node{Network: "tcp", Addr: addr}
	if _, listed := t.listed[twin]; listed || t.known[twin] == nil {
		return
	}
	delete(t.known, twin)
	for _, at := range []*topology.Node{&t.present, &t.ahead, &t.elected} {
		if *at == twin {
			*at = n
		}
	}
}

// heard takes the outcome of a probe.
func (t *tracker) heard(r report) {
	k := t.known[r.node]
	if k == nil {
		return // forgotten meanwhile
	}
	t.changed(k, r)
	if r.err == nil && r.role == NoRole && k.last.role != NoRole {
		// It is busy: it has not become something else.
		r.role, r.of, r.linked, r.history = k.last.role, k.last.of, k.last.linked, k.last.history
	}
	k.last = r
	if r.err != nil {
		return
	}
	t.called(r.node, r.reached)
	k.latency.add(r.at.Sub(r.asked))
	switch r.role {
	case Primary:
		for _, n := range r.replicas {
			if r.node == t.present {
				t.meet(n, r.at)
			}
		}
		if r.node == t.present && r.offset >= 0 {
			first := len(t.past.samples) == 0
			t.past.add(r.at, r.offset, 2*t.rules.lag)
			if first {
				t.askReplicas(r.at) // how far they are behind could not be said before
			}
		}
	case Replica:
		if t.follows(k) {
			k.named = r.at
		}
		k.lag, k.lagBytes, k.lagKnown = t.past.lag(r.at, r.offset)
	}
}

// changed notes a change of state for the log.
func (t *tracker) changed(k *known, r report) {
	if k.last.at.IsZero() && r.state == Healthy || k.last.state == r.state {
		return
	}
	args := []any{"node", r.node.Addr, "from", k.last.state.String(), "to", r.state.String()}
	switch {
	case r.err != nil && r.state == Down:
		t.note(slog.LevelWarn, "node is down", append(args, "error", r.err.Error())...)
	case r.err != nil:
		t.note(slog.LevelInfo, "node did not answer", append(args, "error", r.err.Error())...)
	default:
		t.note(slog.LevelInfo, "node answers", args...)
	}
}

// ask wants a node to be probed at once, if it has not been asked since.
func (t *tracker) ask(n topology.Node, since time.Time) {
	k := t.known[n]
	if k != nil && k.last.asked.Before(since) && !slices.Contains(t.asks, n) {
		t.asks = append(t.asks, n)
	}
}

func (t *tracker) askReplicas(since time.Time) {
	for n := range t.known {
		if n != t.present {
			t.ask(n, since)
		}
	}
}

// doubted wants everybody to be probed who is not left alone.
func (t *tracker) doubted(now time.Time) {
	for n, k := range t.known {
		if k.last.state != Down {
			t.ask(n, now)
		}
	}
}

// settle decides who is the primary, and forgets who does not belong to the shard
// any more.
func (t *tracker) settle(now time.Time) {
	t.thaw(now)
	if next := t.choose(now); next != t.present && !next.IsZero() {
		t.follow(next)
		t.askReplicas(now)
	}
	for n, k := range t.known {
		_, listed := t.listed[n]
		if !listed && n != t.present && n != t.elected && !k.named.IsZero() && now.Sub(k.named) > forget {
			delete(t.known, n)
		}
		if k.named.IsZero() {
			k.named = now
		}
	}
}

// follow makes a node the primary.
func (t *tracker) follow(n topology.Node) {
	args := []any{"node", n.Addr, "was", t.present.Addr}
	t.note(slog.LevelInfo, "primary changed", args...)
	t.present, t.past, t.split = n, history{}, topology.Node{}
	t.freeze = freeze{}
	for _, k := range t.known {
		k.was.Readable, k.lagKnown = false, false // they copied another one
	}
	if k := t.known[n]; k.last.offset >= 0 {
		t.past.add(k.last.at, k.last.offset, 2*t.rules.lag)
	}
}

// nodes is what to tell topology.
func (t *tracker) nodes() topology.Nodes {
	out := topology.Nodes{Primary: t.present, Zone: t.listed[t.present].zone, Frozen: t.holds}
	if k := t.known[t.present]; k != nil {
		out.Latency = k.published
	}
	for n, k := range t.known {
		if n == t.present {
			continue
		}
		r := topology.Replica{Node: n, Weight: 1, Latency: k.published, Readable: k.was.Readable}
		if p, ok := t.listed[n]; ok {
			r.Zone, r.Weight = p.zone, max(1, p.weight)
		}
		if !k.last.at.IsZero() {
			r.Readable = t.readable(k)
			k.was.Readable = r.Readable
		}
		out.Replicas = append(out.Replicas, r)
	}
	slices.SortFunc(out.Replicas, func(a, b topology.Replica) int { return strings.Compare(a.Addr, b.Addr) })
	return out
}

// follows says that a node is a replica of the present primary: it names it, or
// has its history of replication, which it has of nobody else.
func (t *tracker) follows(k *known) bool {
	if !k.says(Replica) {
		return false
	}
	p := t.known[t.present]
	return t.canonical(k.last.of) == t.present ||
		p.says(Primary) && p.last.history != "" && p.last.history == k.last.history
}

// readable says that reads may go to a node. One that was too far behind has to
// catch up to half of what is allowed, so that it does not come and go.
func (t *tracker) readable(k *known) bool {
	if k.last.err != nil || k.last.state != Healthy || !k.last.serving || !t.follows(k) || !k.last.linked {
		return false
	}
	if t.rules.lag <= 0 && t.lagBytes <= 0 {
		return true
	}
	lag, bytes := t.rules.lag, t.lagBytes
	if !k.was.Readable {
		lag, bytes = lag/2, bytes/2
	}
	return k.lagKnown && (t.rules.lag <= 0 || k.lag <= lag) && (t.lagBytes <= 0 || k.lagBytes <= bytes)
}
