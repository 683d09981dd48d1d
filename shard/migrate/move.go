package migrate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/shardring/shardring/shard/config"
)

// Options say what is moved where. Config, Shard and, but for Resume, Abort, Back and
// Retire, To are needed.
type Options struct {
	Config string // path of the configuration; the journal is beside it
	Pool   string // "": the only one
	Shard  string // by its name
	To     string // host:port of the node that is to be the primary
	Back   bool   // To is the node that the last finished move of the shard left

	Way         Way
	FlushTarget bool // what To holds may be lost
	CopyConfig  bool // settings and users that replication does not carry are set at To

	// Admin are admin addresses of proxies, host:port or /path, beside that of the file.
	Admin []string

	Timeout  time.Duration // for each request to a node; 0: 5 s
	PauseFor time.Duration // how long writes may wait before the attempt is given up; 0: 2 s, at most 1 minute
	MaxLag   int64         // bytes that the target may lack when the switch begins; 0: 1 MiB
	Watch    time.Duration // how long writes are measured in preflight; 0: 1 s

	// Progress is told what happens; nil: nobody is. It should return soon.
	Progress func(Event)
	// Before is asked before each act, when its step is in the journal. An error ends
	// the move there, as a crash would. For tests, and for who wants to be asked.
	Before func(Step) error
}

// Event is something to tell.
type Event struct {
	Step Step
	Text string // for people, may be ""
	// Of Sync: what the target has got of the copy, in bytes; Total is 0 where it is
	// not known. Rate is bytes a second, Left what remains at that rate. Lag is what it
	// lacks of the stream once it has the copy, else -1.
	Bytes, Total int64
	Rate         float64
	Left         time.Duration
	Lag          int64
	Warning      bool
}

func (e Event) String() string { return e.Step.String() + ": " + e.Text }

// Result is what became of a move.
type Result struct {
	Header
	Attempts int           // to switch
	Frozen   time.Duration // how long writes waited at the nodes, 0 where the node itself switched
	Saved    string        // where the configuration of before is, "" if it was not changed
	Told     []Told        // proxies
	Warnings []string
}

// Move is one move. See the package's example.
type Move struct {
	opt            Options
	path           string // of the configuration, symbolic links followed
	file           *config.File
	pool           *config.Pool
	lock           *os.File
	header         Header
	source, target *node
	journal        *journal // nil before Run, Resume or Abort
	report         *Report  // of Preflight
	result         Result
	told, detached bool
	lapsed         bool             // a pause ended before it was renewed
	others         map[string]*node // replicas of the source beside the target
	attachedAt     time.Time        // when the target was last seen with a link, or told to make one
	copying        time.Time        // when the copy began
	bothSince      time.Time        // since when both nodes are replicas
	cutoff         time.Time        // when the present pause ends
	frozenAt       time.Time
	steady         time.Time // since when the lag is small
}

// ErrLocked is that another move of the pool is under way.
var ErrLocked = errors.New("another move of this pool is under way")

const (
	defaultTimeout = 5 * time.Second
	defaultPause   = 2 * time.Second
	maxPause       = time.Minute
	defaultLag     = 1 << 20
	defaultWatch   = time.Second
)

// New reads the configuration and takes the pool's lock. No node is asked.
func New(o Options) (*Move, error) {
	for _, d := range []struct {
		name    string
		v       *time.Duration
		or, max time.Duration
	}{{"Timeout", &o.Timeout, defaultTimeout, time.Hour}, {"PauseFor", &o.PauseFor, defaultPause, maxPause}, {"Watch", &o.Watch, defaultWatch, time.Hour}} {
		if *d.v < 0 || *d.v > d.max {
			return nil, fmt.Errorf("%s %v: want 0 to %v", d.name, *d.v, d.max)
		}
		if *d.v == 0 {
			*d.v = d.or
		}
	}
	if o.MaxLag < 0 {
		return nil, fmt.Errorf("MaxLag %d: want 0 or more", o.MaxLag)
	}
	if o.MaxLag == 0 {
		o.MaxLag = defaultLag
	}
	if _, err := ParseWay(string(o.Way)); err != nil {
		return nil, fmt.Errorf("Way %w", err)
	}
	path, err := filepath.EvalSymlinks(o.Config)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	m := &Move{opt: o, path: path}
	if m.file, err = config.Load(path); err != nil {
		return nil, err
	}
	if m.pool, err = m.file.Pool(o.Pool); err != nil {
		return nil, err
	}
	if !m.pool.Redis {
		return nil, fmt.Errorf("pool %s has redis: false: memcached copies nothing, there is no way to move a shard of it", m.pool.Name)
	}
	return m, m.takeLock()
}

// takeLock keeps other moves of the pool out until Close, or until the process ends.
func (m *Move) takeLock() error {
	f, err := os.OpenFile(journalPath(m.path, m.pool.Name)+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	ok, err := tryLock(f)
	if err == nil && !ok {
		err = fmt.Errorf("%s: %w", f.Name(), ErrLocked)
	}
	if err != nil {
		f.Close()
		return err
	}
	m.lock = f
	return nil
}

// Close ends the connections and lets other moves in. It changes no node.
func (m *Move) Close() error {
	for _, n := range []*node{m.source, m.target} {
		if n != nil {
			n.close()
		}
	}
	for _, n := range m.others {
		n.close()
	}
	if m.journal != nil {
		m.journal.file.Close() // it may have been put away
	}
	if m.lock == nil {
		return nil
	}
	return m.lock.Close()
}

// parse reads host:port.
func parse(addr string) (config.Address, error) {
	if addr == "" {
		return config.Address{}, errors.New("no address: want host:port")
	}
	f, err := config.Parse("--to", []byte(fmt.Sprintf("x: {redis: true, shards: [{name: x, primary: %q}]}", addr)))
	if err != nil {
		return config.Address{}, fmt.Errorf("%q: want host:port", addr)
	}
	if a := f.Pools[0].Shards[0].Primary; a.Network == "tcp" {
		return a, nil
	}
	return config.Address{}, fmt.Errorf("%q: a replica reaches its primary at host:port only", addr)
}

// shard returns the shard of that name.
func (m *Move) shard(name string) (config.Shard, error) {
	i := slices.IndexFunc(m.pool.Shards, func(s config.Shard) bool { return s.String() == name })
	if i >= 0 {
		return m.pool.Shards[i], nil
	}
	var names []string
	for _, s := range m.pool.Shards {
		names = append(names, s.String())
	}
	return config.Shard{}, fmt.Errorf("pool %s has no shard %q: name one of %s", m.pool.Name, name, strings.Join(names, ", "))
}

// plan makes the header of a new move, and its nodes.
func (m *Move) plan(ctx context.Context) error {
	s, err := m.shard(m.opt.Shard)
	if err != nil {
		return err
	}
	to := m.opt.To
	if m.opt.Back {
		last, err := load(finishedPath(m.path, m.pool.Name, s.String()))
		if err != nil {
			return fmt.Errorf("--back: %w", err)
		}
		last.file.Close()
		to = last.header.Source
	}
	target, err := parse(to)
	if err != nil {
		return fmt.Errorf("--to %w", err)
	}
	source := s.Primary
	if len(m.pool.Sentinels) > 0 {
		if source, err = m.masterOf(ctx, s.MasterName()); err != nil {
			return err
		}
	}
	for _, o := range m.pool.Shards {
		if o.String() != s.String() && slices.Contains(o.Addresses(), target) {
			return fmt.Errorf("--to %s: a node of shard %s already: name one that no shard has", target, o)
		}
	}
	if source == target {
		return fmt.Errorf("--to %s: the shard's primary already: name another node", target)
	}
	if source.Network != "tcp" {
		return fmt.Errorf("shard %s is at %s: a replica reaches its primary at host:port only; give the shard such a primary", s, source)
	}
	m.setNodes(Header{Pool: m.pool.Name, Shard: s.String(), Source: source.Addr, Target: target.Addr, Way: m.opt.Way, Flush: m.opt.FlushTarget, Copy: m.opt.CopyConfig})
	return nil
}

func (m *Move) setNodes(h Header) {
	m.header, m.result.Header = h, h
	user, password := m.pool.Login()
	at := func(addr string) *node {
		return &node{addr: config.Address{Network: "tcp", Addr: addr}, user: user, password: password, within: m.opt.Timeout}
	}
	m.source, m.target = at(h.Source), at(h.Target)
}

// Preflight asks both nodes and checks everything that can be checked before anything
// is touched. The error is that something cannot be known at all; what is wrong with
// the nodes is in the Report.
func (m *Move) Preflight(ctx context.Context) (*Report, error) {
	if path := journalPath(m.path, m.pool.Name); exists(path) {
		return nil, fmt.Errorf("%s: %w", path, ErrUnfinished)
	}
	if err := m.plan(ctx); err != nil {
		return nil, err
	}
	j := judged{source: m.source.ask(ctx), target: m.target.ask(ctx), sentinels: len(m.pool.Sentinels) > 0, user: m.source.user}
	before := number(j.source.info, "master_repl_offset")
	if j.source.err == nil && j.target.err == nil {
		began := time.Now()
		if err := sleep(ctx, m.opt.Watch); err != nil {
			return nil, err
		}
		if info, err := m.source.info(ctx, "replication"); err == nil {
			j.rate = float64(number(info, "master_repl_offset")-before) / time.Since(began).Seconds()
		}
		r, _ := replication(ctx, m.target, m.source)
		j.isReplica = r == ofOther
	}
	m.header.Kept = j.isReplica
	m.header.Way = wayFor(m.opt.Way, j)
	m.result.Header, j.Header = m.header, m.header
	report := &Report{Header: m.header}
	if err := writable(m.path); err != nil {
		report.add("configuration", Refuse, "%v: it is rewritten after the switch; run this as who may write it", err)
	}
	judge(report, j)
	if err := wayFits(m.opt.Way, j); err != nil {
		report.add("switch", Refuse, "%v", err)
	}
	m.report = report
	return report, nil
}

// wayFor is the shortest way that the source knows.
func wayFor(asked Way, j judged) Way {
	switch {
	case j.sentinels:
		return BySentinels
	case asked != Auto:
		return asked
	case older(j.source.info["redis_version"], "6.2"):
		return ByFence
	}
	return ByPause
}

// wayFits says why the way that was asked for cannot be taken.
func wayFits(w Way, j judged) error {
	if w != Auto && j.sentinels {
		return fmt.Errorf("the pool has sentinels, which make the switch: leave --switch %s out", w)
	}
	v := j.source.info["redis_version"]
	if (w == ByPause || w == ByFailover) && v != "" && older(v, "6.2") {
		return fmt.Errorf("--switch %s needs Redis 6.2, the source has %s: say --switch fence", w, v)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// writable says whether the configuration can be replaced.
func writable(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// Run does the whole move. It makes the checks of Preflight, if they were not made,
// and refuses where one does. If ctx ends before the switch has begun, the source is left as it was (but
// for the target, a replica of it: see Abort); once it has begun, it is finished.
func (m *Move) Run(ctx context.Context) (*Result, error) {
	if m.report == nil {
		if _, err := m.Preflight(ctx); err != nil {
			return nil, err
		}
	}
	err := m.report.Refused()
	if err != nil {
		return nil, err
	}
	if m.journal, err = create(journalPath(m.path, m.pool.Name), m.header); err != nil {
		return nil, err
	}
	return m.loop(ctx)
}

// Resume goes on with a move that was stopped or killed, wherever that was.
func (m *Move) Resume(ctx context.Context) (*Result, error) {
	if err := m.reopen(); err != nil {
		return nil, err
	}
	m.say(m.journal.past.reached, "found a move of shard %s from %s to %s that came to %s", m.header.Shard, m.header.Source, m.header.Target, m.journal.past.reached)
	if err := m.unfreeze(ctx); err != nil { // what a killed move left
		m.warn(m.journal.past.reached, "%v", err)
	}
	return m.loop(ctx)
}

func (m *Move) reopen() error {
	j, err := load(journalPath(m.path, m.pool.Name))
	if err != nil {
		return err
	}
	m.journal = j
	m.setNodes(j.header)
	return nil
}

// Abort takes a move back that has not been switched: the source is what it was, the
// target is no replica and has no data, unless it was a replica before.
func (m *Move) Abort(ctx context.Context) (*Result, error) {
	if err := m.reopen(); err != nil {
		return nil, err
	}
	m.say(m.journal.past.reached, "found a move of shard %s from %s to %s that came to %s", m.header.Shard, m.header.Source, m.header.Target, m.journal.past.reached)
	for {
		s, err := m.look(ctx)
		if err != nil {
			return nil, err
		}
		step := Aborted
		if !m.detached {
			if step, err = decideAbort(m.journal.past, s); err != nil {
				return nil, err
			}
		}
		if err := m.step(ctx, step, s); err != nil {
			return nil, err
		}
		if step == Aborted {
			return &m.result, nil
		}
	}
}

// loop looks, decides and acts until the move is done.
func (m *Move) loop(ctx context.Context) (*Result, error) {
	for {
		s, err := m.look(ctx)
		if err != nil {
			return &m.result, err
		}
		step, err := decide(m.journal.past, s)
		if err != nil {
			return &m.result, err
		}
		if err := m.step(ctx, step, s); err != nil {
			return &m.result, err
		}
		if step == Done {
			return &m.result, nil
		}
	}
}

// step writes a step down and does it. From the moment that writes wait until the
// target is the primary, the end of ctx changes nothing.
func (m *Move) step(ctx context.Context, s Step, at seen) error {
	if at.source != primary || s == Freeze || s == Failover || m.journal.past.frozen {
		ctx = context.WithoutCancel(ctx)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("stopped before %s: %w; --resume goes on, --abort takes it back", s, err)
	}
	if past := m.journal.past; past.reached != s || past.redo || s == Revert || s == Freeze {
		if err := m.journal.begin(s); err != nil {
			return err
		}
		if m.opt.Before != nil {
			if err := m.opt.Before(s); err != nil {
				return err
			}
		}
	}
	if err := m.act(ctx, s, at); err != nil {
		return fmt.Errorf("%s: %w", s, err)
	}
	return nil
}

func (m *Move) say(s Step, format string, args ...any) {
	if m.opt.Progress != nil {
		m.opt.Progress(Event{Step: s, Text: fmt.Sprintf(format, args...), Lag: -1})
	}
}

func (m *Move) warn(s Step, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	m.result.Warnings = append(m.result.Warnings, text)
	if m.opt.Progress != nil {
		m.opt.Progress(Event{Step: s, Text: text, Lag: -1, Warning: true})
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
