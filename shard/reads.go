package shard

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/config"
)

// readFrom is a config.ReadFrom.
type readFrom uint8

const (
	fromPrimary readFrom = iota
	fromReplica
	fromPreferred // replicas, else the primary
	fromNearest
	fromAny
)

var readFroms = [...]config.ReadFrom{
	fromPrimary: config.Primary, fromReplica: config.OnlyReplica, fromPreferred: config.PreferReplica,
	fromNearest: config.Nearest, fromAny: config.Any,
}

func (f readFrom) String() string { return string(readFroms[f]) }

// parseReadFrom returns what a setting stands for; "" is the primary.
func parseReadFrom(s config.ReadFrom) (readFrom, error) {
	if s == "" {
		return fromPrimary, nil
	}
	for f, name := range readFroms {
		if s == name {
			return readFrom(f), nil
		}
	}
	return 0, fmt.Errorf("want primary, replica, prefer_replica, nearest or any")
}

type readFromKey struct{}

// WithReadFrom returns a context whose calls read from these servers, whatever
// Config.ReadFrom says:
//
//	client.Do(shard.WithReadFrom(ctx, config.PreferReplica), "GET", key)
//
// A value that config does not know counts as config.Primary. Config.ReadYourWrites
// holds for these calls too.
func WithReadFrom(ctx context.Context, from config.ReadFrom) context.Context {
	f, _ := parseReadFrom(from)
	return context.WithValue(ctx, readFromKey{}, f)
}

// writes are when a session wrote to the shards. The zero value has not.
type writes struct {
	shards atomic.Pointer[[]wrote] // only ever grows, by copying
}

// wrote is when a session wrote to a shard.
type wrote struct {
	shard string
	at    *atomic.Int64 // nanoseconds since the client was made
}

// last returns when a shard was written to, nil: it was not. i is where to look first.
func (w *writes) last(shard string, i int) *atomic.Int64 {
	all := w.shards.Load()
	if all == nil {
		return nil
	}
	if i < len(*all) && (*all)[i].shard == shard {
		return (*all)[i].at
	}
	for _, s := range *all {
		if s.shard == shard {
			return s.at
		}
	}
	return nil
}

// note remembers that a shard was written to.
func (w *writes) note(shard string, i int, at time.Duration) {
	for {
		if last := w.last(shard, i); last != nil {
			last.Store(int64(at))
			return
		}
		old := w.shards.Load()
		var next []wrote
		if old != nil {
			next = slices.Clone(*old)
		}
		next = append(next, wrote{shard, new(atomic.Int64)})
		w.shards.CompareAndSwap(old, &next)
	}
}

type sessionKey struct{ c *Client }

// WithSession returns a context whose calls are a session of their own: with
// Config.ReadYourWrites their reads are kept from replicas by their own writes only. All
// other calls of a Client are one session.
func (c *Client) WithSession(ctx context.Context) context.Context {
	return context.WithValue(ctx, sessionKey{c}, new(writes))
}

func (c *Client) session(ctx context.Context) *writes {
	if s, ok := ctx.Value(sessionKey{c}).(*writes); ok {
		return s
	}
	return &c.writes
}

// wrote notes that a session has written to a shard.
func (c *Client) wrote(ctx context.Context, shard string, i int) {
	if c.cfg.ReadYourWrites > 0 {
		c.session(ctx).note(shard, i, time.Since(c.born))
	}
}

// readsFrom returns which nodes answer a read of a shard, the i-th.
func (c *Client) readsFrom(ctx context.Context, shard string, i int) readFrom {
	from := c.from
	if f, ok := ctx.Value(readFromKey{}).(readFrom); ok {
		from = f
	}
	if from == fromPrimary || c.cfg.ReadYourWrites <= 0 {
		return from
	}
	last := c.session(ctx).last(shard, i)
	if last != nil && time.Since(c.born)-time.Duration(last.Load()) < c.cfg.ReadYourWrites {
		return fromPrimary
	}
	return from
}

// spreads reports whether a command may be answered by a replica. A cursor means
// something only to the node that gave it, and scripts are loaded into primaries.
func spreads(cmd *command.Command) bool {
	return readOnly(cmd) && !strings.HasSuffix(cmd.Name, "scan") && !runsScript(cmd)
}

// read sends a request that only reads to a node that may answer it. If that one cannot,
// another is asked, and then the primary.
func (c *Client) read(ctx context.Context, v *view, i int, from readFrom, deadline time.Time, cmd *command.Command, r *request) (any, error) {
	a := call{c: c, v: v, shard: i, cmd: cmd, r: r, deadline: deadline, l: v.links[i]}
	l := c.pick(v, i, from, nil)
	if l == nil {
		return nil, a.l.unsent(ctx, ErrNoReplica)
	}
	if c.cfg.HedgeReads {
		a.hedged(ctx, l, from)
	} else {
		a.attempt(ctx, l, v.leads(l, i))
	}
	if a.state != settled {
		if l = c.pick(v, i, from, a.l); l != nil {
			a.attempt(ctx, l, v.leads(l, i))
		}
	}
	if a.state != settled && from == fromReplica {
		return a.reply, a.l.gaveUp(ctx, a.state, a.err)
	}
	if a.state != settled && a.l != v.links[i] {
		a.attempt(ctx, v.links[i], i)
	}
	return a.persist(ctx)
}

// leads returns the shard if a link leads to its primary, or -1.
func (v *view) leads(l *link, shard int) int {
	if l == v.links[shard] {
		return shard
	}
	return -1
}
