package migrate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
	// Of Sync: what the target has got of the copy, then what it has loaded of it, in
	// bytes; Total is 0 where it is not known. Rate is bytes a second, Left what remains
	// at that rate. Lag is what it lacks of the stream once it has the copy, else -1.
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
	Frozen   time.Duration // how long writes waited at the nodes, the longest of the attempts
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
	rewrites       int
	aborting       bool
	lapsed         bool             // a pause ended before it was renewed
	home           string           // of Abort: the third node that Sentinels gave the shard to, "": none
	others         map[string]*node // replicas of the source beside the target
	attachedAt     time.Time        // when the target was last seen with a link, or told to make one
	copying        time.Time        // when the copy began
	bothSince      time.Time        // since when both nodes are replicas
	cutoff         time.Time        // when the present pause ends
	frozenAt       time.Time
	steady         time.Time // since when the lag is small
}

// ErrLocked is that another move of the pool is under way.
var ErrLocked = errors.New("another move of this pool is under way: wait for its end, or end it with Ctrl-C there")

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
	m.say(Planned, "found a move of shard %s from %s to %s that came to %s", m.header.Shard, m.header.Source, m.header.Target, m.journal.past.reached)
	m.pickUp(ctx)
	if err := m.elected(ctx); err != nil {
		return nil, fmt.Errorf("%w; --resume looks again", err)
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

// loop looks, decides and acts until the move is done.
func (m *Move) loop(ctx context.Context) (*Result, error) {
	for {
		s, err := m.look(ctx)
		if err != nil {
			return &m.result, err
		}
		step, err := decide(m.journal.past, s)
		if err != nil {
			return &m.result, m.between(err)
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
		return m.stopped(err)
	}
	if past := m.journal.past; past.reached != s || past.redo || s == Revert || s == Freeze {
		begin := m.journal.begin
		if m.held() && (s == Demote || s == Promote) {
			begin = m.journal.beginHeld
		}
		if err := begin(s); err != nil {
			return err
		}
		if m.opt.Before != nil {
			if err := m.opt.Before(s); err != nil {
				return err
			}
		}
	}
	if err := m.act(ctx, s, at); err != nil {
		if ctx.Err() != nil {
			return m.stopped(ctx.Err())
		}
		if strings.Contains(err.Error(), "--resume") {
			return fmt.Errorf("%s: %w", s, err)
		}
		return fmt.Errorf("%s: %w; --resume goes on, --abort takes back what was not switched", s, err)
	}
	return nil
}

// stopped is that ctx ended before the switch.
func (m *Move) stopped(err error) error {
	return fmt.Errorf("stopped before the switch: %w: %s is the primary as before; --resume goes on, --abort takes the move back", err, m.header.Source)
}

// between names the nodes in an error of decide.
func (m *Move) between(err error) error {
	return fmt.Errorf("source %s, target %s: %w", m.header.Source, m.header.Target, err)
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
