package shard

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/internal/baton"
	"github.com/shardring/shardring/shard/quantile"
	"github.com/shardring/shardring/shard/topology"
)

// link is the way to one shard's node: the line that everybody shares, how it
// is made anew, and the pool of connections of one's own.
//
//	connected: line serves
//	           │ broken                                   ▲ dialled
//	           ▼                                          │
//	dialling:  one attempt for all; callers wait for it ──┤
//	           │ failed                                   │
//	           ▼                                          │
//	down:      callers get the last error at once; ───────┘
//	           the first after retryAt starts an attempt and waits for it
type link struct {
	shard string
	node  topology.Node
	cfg   *Config
	// failed is told of every failure that says something of the server.
	failed func(shard string, n topology.Node)
	topo   *topology.Pool  // who is the primary, for a link made while nobody knew
	life   context.Context // of the client

	gate     gate                       // calls that use this link only
	batched  atomic.Int64               // commands under way of batches, which are not inside
	pool     *redis.Pool                // connections of one's own
	line     atomic.Pointer[baton.Line] // nil: none yet
	awaiting atomic.Int64               // calls that wait for an attempt
	usual    quantile.P95               // how long reads take, with Config.HedgeReads
	racing   atomic.Int64               // hedged reads under way

	mu       sync.Mutex // protects the following fields
	attempt  *attempt   // under way, or nil
	failures int        // attempts in a row
	since    time.Time  // of the first of these
	retryAt  time.Time
	last     error // of the last attempt
	closed   bool
	dialling sync.WaitGroup
}

// attempt is one dial, for all who want the line. Its result is written
// before done is closed.
type attempt struct {
	done chan struct{}
	line *baton.Line
	err  error
}

func newLink(shard string, node topology.Node, cfg *Config, failed func(string, topology.Node)) *link {
	l := &link{shard: shard, node: node, cfg: cfg, failed: failed}
	l.pool = l.newPool()
	return l
}

// serving returns the line if it is there and whole as far as known.
func (l *link) serving() *baton.Line { return l.line.Load() }

// get returns the line, waiting for an attempt to make one if it must, with no more than
// Config.MaxInFlight calls.
func (l *link) get(ctx context.Context, deadline time.Time) (*baton.Line, error) {
	if line := l.serving(); line != nil {
		return line, nil
	}
	defer l.awaiting.Add(-1)
	if n, limit := l.awaiting.Add(1), l.cfg.MaxInFlight; limit > 0 && n > int64(limit) {
		return nil, baton.TooMany(limit)
	}
	return l.dialled(ctx, deadline)
}

// dialled is get for who uses no line, but needs a node that has one.
func (l *link) dialled(ctx context.Context, deadline time.Time) (*baton.Line, error) {
	if line := l.serving(); line != nil {
		return line, nil
	}
	a, err := l.begin()
	if err != nil {
		return nil, err
	}
	if a == nil {
		return l.dialled(ctx, deadline)
	}
	late, stop := timer(deadline)
	defer stop()
	select {
	case <-a.done:
		return a.line, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-late:
		return nil, ErrTimeout
	}
}

// timer returns a channel that tells when the deadline passes, nil for none, and
// what to call when it is not needed any more.
func timer(deadline time.Time) (late <-chan time.Time, stop func() bool) {
	if deadline.IsZero() {
		return nil, func() bool { return false }
	}
	t := time.NewTimer(time.Until(deadline))
	return t.C, t.Stop
}

// begin starts or joins an attempt. It returns neither attempt nor error if
// there is a line by now, and the last error while the node is left alone.
func (l *link) begin() (*attempt, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return nil, ErrClosed
	case l.serving() != nil:
		return nil, nil
	case l.attempt != nil && l.failures == 0:
		return l.attempt, nil
	case l.attempt != nil, l.failures > 0 && time.Now().Before(l.retryAt):
		return nil, l.last
	}
	a := &attempt{done: make(chan struct{})}
	l.attempt = a
	l.dialling.Go(func() { l.connect(a) })
	return a, nil
}

func (l *link) connect(a *attempt) {
	node, err := l.where(l.life)
	if err != nil {
		a.err = err
		close(a.done)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), l.cfg.DialTimeout)
	defer cancel()
	nc, err := dial(ctx, l.cfg, node.Network, node.Addr)

	l.mu.Lock()
	l.attempt = nil
	if err == nil && l.closed {
		nc.Close()
		err = ErrClosed
	}
	if err != nil {
		a.err = err
		if l.failures++; l.failures == 1 {
			l.since = time.Now()
		}
		l.last, l.retryAt = err, time.Now().Add(backoff(l.failures))
	} else {
		// The line gives the server up a little before the calls on it do.
		a.line = baton.New(nc, baton.Options{
			Stall: l.cfg.Timeout * 7 / 8, NoYield: l.cfg.NoYield, MaxUnsent: l.cfg.MaxUnsent,
			MaxInFlight: l.cfg.MaxInFlight,
		})
		l.failures, l.last = 0, nil
		l.line.Store(a.line)
	}
	l.mu.Unlock()
	close(a.done)
	if err != nil && err != ErrClosed {
		l.report()
	}
}

func (l *link) report() {
	if l.failed != nil {
		l.failed(l.shard, l.node)
	}
}

// lost puts a broken line away. Each is reported once.
func (l *link) lost(line *baton.Line) {
	if l.line.CompareAndSwap(line, nil) {
		l.report()
	}
}

// judge turns what a line says into a ShardError, acts on it, and says
// whether the command may be sent once more.
func (l *link) judge(ctx context.Context, line *baton.Line, err error, readOnly bool) (se *ShardError, again bool) {
	se = &ShardError{Shard: l.shard, Node: l.node.Addr, Err: blame(ctx, err), SafeToRetry: true}
	var be *baton.Error
	if !errors.As(err, &be) {
		return se, false // there was no line
	}
	se.sent = be.Sent
	se.Err = blame(ctx, be.Err)
	se.SafeToRetry = !be.Sent || readOnly
	switch {
	case be.Broken:
		l.lost(line)
		return se, se.SafeToRetry
	case se.Err == ErrTimeout:
		l.report()
	}
	return se, false
}

// blame returns the context's error for a timeout if it is the context's
// deadline that passed: the context's own clock may be a moment behind.
func blame(ctx context.Context, err error) error {
	if d, ok := ctx.Deadline(); ok && errors.Is(err, ErrTimeout) && !time.Now().Before(d) {
		return context.DeadlineExceeded
	}
	return err
}

// try sends one command over the line, once. again says that the connection was lost
// and that sending the command once more does no harm.
func (l *link) try(ctx context.Context, deadline time.Time, readOnly bool, cmd string, args []any) (reply any, again bool, err error) {
	line, err := l.get(ctx, deadline)
	if err == nil {
		reply, err = line.Do(ctx, deadline, cmd, args)
	}
	return l.concluded(ctx, line, readOnly, reply, err)
}

// concluded makes what a line says of a command, or the lack of a line, what try returns.
func (l *link) concluded(ctx context.Context, line *baton.Line, readOnly bool, said any, err error) (reply any, again bool, _ error) {
	if err == nil {
		return said, false, nil
	}
	if _, ok := err.(redis.Error); ok {
		return said, false, err
	}
	if err == ErrClosed {
		return nil, false, err
	}
	se, again := l.judge(ctx, line, err, readOnly)
	return nil, again, se
}

// do is try, and once more if that does no harm: for what is about this node.
func (l *link) do(ctx context.Context, deadline time.Time, readOnly bool, cmd string, args []any) (any, error) {
	reply, again, err := l.try(ctx, deadline, readOnly, cmd, args)
	if again && ctx.Err() == nil {
		reply, _, err = l.try(ctx, deadline, readOnly, cmd, args)
	}
	return reply, err
}

// close ends the link, whose gate is shut, when the calls that use it are
// over.
func (l *link) close() {
	l.gate.wait()
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.dialling.Wait()
	if line := l.line.Swap(nil); line != nil {
		line.Break(net.ErrClosed)
	}
	l.pool.Close()
}
