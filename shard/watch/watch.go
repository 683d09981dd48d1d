package watch

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/topology"
)

// Options are settings of a Watcher that are not in the configuration.
type Options struct {
	Log *slog.Logger // nil: slog.Default()
	// Dial connects to nodes and Sentinels. Nil: a net.Dialer, which looks host
	// names up each time.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Changed is called, if it is not nil, when the Watcher has changed the topology.
	Changed func()
}

// Watcher finds the nodes of one pool. Make it with New, and Run it once.
type Watcher struct {
	topo *topology.Pool
	wire *wire
	log  *slog.Logger
	news func() // Options.Changed

	reports  chan report
	verdicts chan verdict
	events   chan event
	running  sync.WaitGroup // probers and sentries

	// The following belong to Run's goroutine.
	order    []*tracker
	byShard  map[string]*tracker
	byMaster map[string]*tracker
	probers  map[string]map[topology.Node]*prober
	roster   *roster
	sentries map[topology.Node]*sentry
	refused  map[string]string // by Sentinel and master, as logged
	pending  pending
	ejected  ejected
}

// Defaults of a configuration that was not read from a file.
const (
	defaultInterval = 2 * time.Second
	defaultWithin   = time.Second
)

// tick is how often what depends on the time alone is looked at.
const tick = 100 * time.Millisecond

// New makes a Watcher of the pool that topo was made of. Nothing is dialled before
// Run.
func New(cfg *config.Pool, topo *topology.Pool, opt Options) *Watcher {
	w := &Watcher{
		topo: topo, log: opt.Log, news: opt.Changed,
		reports: make(chan report), verdicts: make(chan verdict), events: make(chan event),
		byShard: map[string]*tracker{}, byMaster: map[string]*tracker{}, probers: map[string]map[topology.Node]*prober{},
		sentries: map[topology.Node]*sentry{}, refused: map[string]string{},
	}
	if w.news == nil {
		w.news = func() {}
	}
	if w.log == nil {
		w.log = slog.Default()
	}
	w.log = w.log.With("pool", cfg.Name)
	user, password := cfg.Login()
	w.wire = &wire{
		dial: opt.Dial, within: cfg.ConnectTimeout, interval: cfg.HealthInterval, redis: cfg.Redis,
		login: login{user, password}, sentinel: login{cfg.SentinelUsername, cfg.SentinelAuth.Value()},
		slots: make(chan struct{}, dials), down: make(chan struct{}, downDials),
	}
	if w.wire.dial == nil {
		w.wire.dial = (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext
	}
	if w.wire.within <= 0 {
		w.wire.within = defaultWithin
	}
	if w.wire.interval <= 0 {
		w.wire.interval = defaultInterval
	}
	var listed []topology.Node
	for _, a := range cfg.Sentinels {
		listed = append(listed, topology.Node{Network: a.Network, Addr: a.Addr})
	}
	w.roster = newRoster(listed)
	snap := topo.Snapshot()
	for i, s := range cfg.Shards {
		if i >= len(snap.Shards) {
			break
		}
		s.Name = snap.Shards[i].Name // an unnamed one is known by its place
		t := track(s, snap.Shards[i].Nodes, rulesOf(cfg))
		t.awaited = map[string]bool{}
		for _, n := range listed {
			t.awaited[n.Addr] = true
		}
		w.order = append(w.order, t)
		w.byShard[t.shard], w.byMaster[t.master] = t, t
		w.probers[t.shard] = map[topology.Node]*prober{}
	}
	return w
}

// Run finds nodes until ctx ends, and returns when all that it started has ended.
func (w *Watcher) Run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer w.running.Wait()
	defer cancel()
	for n := range w.roster.known {
		w.post(ctx, n)
	}
	for _, t := range w.order {
		w.settle(ctx, t)
	}
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-w.reports:
			w.heard(ctx, r)
		case v := <-w.verdicts:
			w.judged(ctx, v)
		case e := <-w.events:
			w.told(ctx, e)
		case <-w.topo.Doubts():
			w.doubt(ctx, w.topo.TakeDoubts())
		case <-w.pending.timer():
			w.doubt(ctx, nil)
		case <-ticker.C:
			for _, t := range w.order {
				if !t.begun.IsZero() { // nothing else ends by the time alone
					w.settle(ctx, t)
				}
			}
			w.askEjected(time.Now())
		}
	}
}

func (w *Watcher) heard(ctx context.Context, r report) {
	t := w.byShard[r.shard]
	t.heard(r)
	w.settle(ctx, t)
	w.readmit(t, r)
}

// judged takes a Sentinel's answers, or that there were none.
func (w *Watcher) judged(ctx context.Context, v verdict) {
	come, gone := w.roster.heard(v)
	for _, n := range gone {
		if s := w.sentries[n]; s != nil {
			s.end()
			delete(w.sentries, n)
			w.log.Info("sentinel is gone", "sentinel", n.Addr)
		}
		for _, t := range w.order {
			t.silent(n.Addr)
		}
	}
	for _, n := range come {
		w.log.Info("sentinel found", "sentinel", n.Addr)
		w.post(ctx, n)
	}
	w.complain(v.sentinel.Addr, "", v.err)
	for m, err := range v.refused {
		w.complain(v.sentinel.Addr, m, err)
	}
	claims := map[string]claim{}
	for _, c := range v.claims {
		claims[c.master] = c
		w.complain(v.sentinel.Addr, c.master, nil)
	}
	for _, t := range w.order {
		t.members = len(w.roster.known)
		if c, ok := claims[t.master]; ok {
			t.claimed(c)
		} else {
			t.silent(v.sentinel.Addr)
		}
		w.settle(ctx, t)
	}
}

// complain logs what a Sentinel does not answer, once until that changes.
func (w *Watcher) complain(sentinel, master string, err error) {
	key := sentinel + " " + master
	text := ""
	if err != nil {
		text = err.Error()
	}
	before := w.refused[key]
	if (before == "") == (text == "") {
		return // ports of a connection differ from time to time
	}
	if w.refused[key] = text; text == "" {
		delete(w.refused, key)
		w.log.Info("sentinel answers", "sentinel", sentinel, "master", master)
		return
	}
	w.log.Warn("sentinel does not answer", "sentinel", sentinel, "master", master, "error", text)
}

// told takes an event. Whatever it is, the Sentinels know more than before.
func (w *Watcher) told(ctx context.Context, e event) {
	if t := w.byMaster[e.master]; t != nil {
		t.told(e, time.Now())
		w.settle(ctx, t)
		w.askSentinels()
	}
}

func (w *Watcher) askSentinels() {
	for _, s := range w.sentries {
		s.ask()
	}
}

// settle has a tracker decide, and does what it wants.
func (w *Watcher) settle(ctx context.Context, t *tracker) {
	t.settle(time.Now())
	for _, n := range t.notes {
		w.log.Log(ctx, n.level, n.text, append([]any{"shard", t.shard}, n.args...)...)
	}
	t.notes = t.notes[:0]
	if w.topo.Found(t.shard, t.nodes()) {
		w.news()
	}
	mine := w.probers[t.shard]
	for n, p := range mine {
		if t.known[n] == nil {
			p.end()
			delete(mine, n)
		}
	}
	for n := range t.known {
		if mine[n] == nil {
			p := newProber(w.wire, t.shard, n, func(ctx context.Context, r report) { send(ctx, w.reports, r) })
			pctx, end := context.WithCancel(ctx)
			p.end, mine[n] = end, p
			w.running.Go(func() { p.run(pctx) })
		}
		mine[n].chase(n == t.elected)
	}
	for _, n := range t.asks {
		if p := mine[n]; p != nil {
			p.ask()
		}
	}
	t.asks = t.asks[:0]
}

// post has a Sentinel asked and listened to.
func (w *Watcher) post(ctx context.Context, n topology.Node) {
	var masters []string
	for _, t := range w.order {
		masters = append(masters, t.master)
	}
	sctx, end := context.WithCancel(ctx)
	s := &sentry{
		wire: w.wire, node: n, masters: masters, wake: make(chan struct{}, 1), end: end,
		say:  func(ctx context.Context, v verdict) { send(ctx, w.verdicts, v) },
		hear: func(ctx context.Context, e event) { send(ctx, w.events, e) },
	}
	w.sentries[n] = s
	w.running.Go(func() { s.run(sctx) })
}

func send[T any](ctx context.Context, ch chan<- T, v T) {
	select {
	case ch <- v:
	case <-ctx.Done():
	}
}
