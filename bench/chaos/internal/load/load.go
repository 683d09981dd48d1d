package load

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/bench/chaos/internal/history"
	"github.com/shardring/shardring/shard"
)

// Spec says who asks what.
type Spec struct {
	Control string        // address of a redis-server that no fault meets, to know the machine by
	Proxy   string        // address of shardproxy, or of what stands before it; empty: nobody asks it
	File    string        // the pool's file, for the library and its placement
	Pool    string        // its name there
	Library bool          // ask through the library too
	Workers int           // for each shard and way, default 2; as many ask all shards
	Depth   int           // requests in a pipeline at most, default 6
	Think   time.Duration // between two pipelines of a worker, on average; 0: none
	Durable int           // replicas that must have a write before it counts as acknowledged
	Old     bool          // replicas may answer reads
	Timeout time.Duration // after which a client gives its connection up, default 15 s
}

// Way is how a worker reaches the shards.
type Way string

const (
	ByProxy   Way = "proxy"
	ByLibrary Way = "library"
	Direct    Way = "direct" // to the control, which is no shard
)

// All stands in place of a shard for those who ask all at once.
const All = -1

// Load is running clients.
type Load struct {
	spec    Spec
	history *history.History
	client  *shard.Client
	shards  []*keys
	workers []*worker

	phase  atomic.Int32
	gate   sync.RWMutex // read-held by a worker while it awaits replies
	epoch  atomic.Int32 // how often the load has rested
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// Start starts the clients.
func Start(spec Spec) (*Load, error) {
	if spec.Workers == 0 {
		spec.Workers = 2
	}
	if spec.Depth == 0 {
		spec.Depth = 6
	}
	if spec.Timeout == 0 {
		spec.Timeout = 15 * time.Second
	}
	client, err := shard.Open(spec.File, spec.Pool)
	if err != nil {
		return nil, err
	}
	l := &Load{spec: spec, history: history.New(), client: client}
	for _, name := range client.Shards() {
		l.shards = append(l.shards, &keys{name: name, history: l.history.Shard(name)})
	}
	if spec.Durable > 0 {
		for _, k := range l.shards {
			k.history.Dirty()
		}
	}
	ways := []Way{}
	if spec.Proxy != "" {
		ways = append(ways, ByProxy)
	}
	if spec.Library {
		ways = append(ways, ByLibrary)
	}
	for _, way := range ways {
		for where := All; where < len(l.shards); where++ {
			for range spec.Workers {
				l.workers = append(l.workers, l.newWorker(way, where))
			}
		}
	}
	if spec.Control != "" {
		l.workers = append(l.workers, l.newControl(), l.newControl())
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	for _, w := range l.workers {
		l.done.Go(func() { w.run(ctx) })
	}
	return l, nil
}

// owned returns a key of this kind that the shard owns.
func (l *Load) owned(kind string, where int) string {
	for i := 0; ; i++ {
		if key := fmt.Sprintf("%s:%d", kind, i); l.client.ShardFor(key) == l.shards[where].name {
			return key
		}
	}
}

// Shards are the names of the shards, in the order of their numbers here.
func (l *Load) Shards() []string { return l.client.Shards() }

// History tells the shard's history; for Allow.
func (l *Load) History(where int) *history.Shard { return l.shards[where].history }

// Verdict is what history says so far.
func (l *Load) Verdict() history.Verdict { return l.history.Verdict() }

// Phase is one stretch of a run; latencies and errors are kept by phase.
type Phase int32

// Phases of a run.
const (
	Warming Phase = iota // not looked at
	Before
	During
	After
	phases
)

// Enter begins a phase, for requests that are answered from now on.
func (l *Load) Enter(p Phase) { l.phase.Store(int32(p)) }

// Rest waits until nothing is under way and keeps it so until resume is called.
func (l *Load) Rest() (resume func()) {
	l.gate.Lock()
	for _, w := range l.workers {
		w.stats.rest(time.Now())
	}
	l.epoch.Add(1)
	return l.gate.Unlock
}

// Audit asks the server of a shard itself for every key, while the load rests.
func (l *Load) Audit(where int, c redis.Conn) error {
	return l.shards[where].audit(c)
}

// Stop ends the clients and returns what they saw.
func (l *Load) Stop() *Result {
	l.Rest()()
	l.cancel()
	l.done.Wait()
	r := &Result{}
	for _, w := range l.workers {
		r.workers = append(r.workers, w.stats)
	}
	return r
}

// Close closes the library's client, once the load has stopped.
func (l *Load) Close() error { return l.client.Close() }

// outcome is what an error says of a write. It believes every word: an error that does
// not say that the command may have been executed says that it was not. But when a
// command is split, what one server answered says nothing of the others.
func outcome(r request, err error) history.Outcome {
	var own *shard.ShardError
	var reply redis.Error
	switch {
	case err == nil:
		return history.Acked
	case errors.As(err, &own):
		if own.SafeToRetry {
			return history.Failed
		}
	case errors.As(err, &reply):
		ofServer := !strings.HasPrefix(string(reply), "ERR shard ")
		if !maybe.MatchString(string(reply)) && !(ofServer && len(r.keys) > 1) {
			return history.Failed
		}
	case errors.Is(err, errNotSent):
		return history.Failed
	}
	return history.Unknown
}
