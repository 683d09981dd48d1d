package shard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/internal/baton"
)

// pooled is what a link's pool holds: redigo's connection, and what redigo
// keeps to itself.
type pooled struct {
	fullConn
	nc   net.Conn
	id   int64       // what the server calls it, for CLIENT UNBLOCK; 0: it does not say
	line *baton.Line // the one that served when this one was last known to live; who has borrowed it
	dead atomic.Bool
}

// fullConn is what redigo's connections are.
type fullConn interface {
	redis.ConnWithTimeout
	redis.ConnWithContext
}

// kill ends whatever is under way. The pool does not take it back.
func (c *pooled) kill() {
	c.dead.Store(true)
	c.nc.Close()
}

func (c *pooled) Err() error {
	if c.dead.Load() {
		return net.ErrClosed
	}
	return c.fullConn.Err()
}

// slotKey is the context key under which borrow tells the pool's hooks where
// to leave what they found: a redis.Pool hides its connections.
type slotKey struct{}

func (l *link) newPool() *redis.Pool {
	return &redis.Pool{
		MaxIdle: l.cfg.MaxIdle, MaxActive: l.cfg.MaxActive, Wait: true, IdleTimeout: l.cfg.IdleTimeout,
		DialContext: func(ctx context.Context) (redis.Conn, error) {
			c, err := l.open(ctx)
			if err != nil {
				return nil, err
			}
			c.leave(ctx)
			return c, nil
		},
		TestOnBorrowContext: func(ctx context.Context, rc redis.Conn, used time.Time) error {
			c := rc.(*pooled)
			c.leave(ctx)
			return c.test(ctx, l, used)
		},
	}
}

func (c *pooled) leave(ctx context.Context) {
	if slot, ok := ctx.Value(slotKey{}).(**pooled); ok {
		*slot = c
	}
}

// open dials a connection for the pool.
func (l *link) open(ctx context.Context) (*pooled, error) {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.DialTimeout)
	defer cancel()
	node, err := l.where(ctx)
	if err != nil {
		return nil, err
	}
	nc, err := dial(ctx, l.cfg, node.Network, node.Addr)
	if err != nil {
		return nil, err
	}
	c := &pooled{
		fullConn: redis.NewConn(withBuffer(nc), l.cfg.Timeout, l.cfg.Timeout).(fullConn),
		nc:       nc, line: l.serving(),
	}
	c.id, err = redis.Int64(c.ask(ctx, l.cfg.DialTimeout, "CLIENT", "ID"))
	if _, replied := err.(redis.Error); err != nil && !replied {
		c.kill()
		return nil, err
	}
	return c, nil
}

// test looks whether an idle connection lives. One that was used a moment ago
// does, unless the shared line has been lost since.
func (c *pooled) test(ctx context.Context, l *link, used time.Time) error {
	line := l.serving()
	if line == c.line && time.Since(used) < time.Second {
		return nil
	}
	c.line = line
	_, err := c.ask(ctx, l.cfg.DialTimeout, "PING")
	return err
}

// ask sends a command and is killed if the context ends before the reply.
func (c *pooled) ask(ctx context.Context, limit time.Duration, cmd string, args ...any) (any, error) {
	stop := context.AfterFunc(ctx, c.kill)
	reply, err := c.DoWithTimeout(limit, cmd, args...)
	if !stop() {
		return nil, ctx.Err()
	}
	return reply, err
}

// private is a connection that one caller has to itself, until close.
type private struct {
	*pooled
	conn redis.Conn // the pool's: it follows the connection's state, and closing it gives it back
	link *link
}

// borrow returns a connection of the caller's own, waiting for one until the
// deadline. A node that is down is left alone as it is for the shared line:
// none is dialled unless that stands. The error is a *ShardError or ErrClosed.
func (l *link) borrow(ctx context.Context, deadline time.Time) (*private, error) {
	if _, err := l.dialled(ctx, deadline); err != nil {
		return nil, l.unsent(ctx, err)
	}
	p := &private{link: l}
	wait, cancel := context.WithValue(ctx, slotKey{}, &p.pooled), func() {}
	if !deadline.IsZero() {
		wait, cancel = context.WithDeadline(wait, deadline)
	}
	defer cancel()
	conn, err := l.pool.GetContext(wait)
	switch {
	case err == nil:
		p.conn = conn
		return p, nil
	case err == wait.Err(): // the pool's own word: it has not begun to dial
		if err = ended(ctx); err == nil {
			err = ErrTimeout
		}
		err = fmt.Errorf("%w: %w", err, ErrExhausted)
	case ended(ctx) != nil: // in the middle of a dial
		err = ended(ctx)
	case wait.Err() != nil:
		err = ErrTimeout
		l.report()
	default:
		l.report()
	}
	return nil, l.unsent(ctx, err)
}

// unsent is the error of a command that was not sent.
func (l *link) unsent(ctx context.Context, err error) error {
	if err == ErrClosed || context.Cause(ctx) == ErrClosed {
		return ErrClosed
	}
	return &ShardError{Shard: l.shard, Node: l.node.Addr, Err: blame(ctx, err), SafeToRetry: true}
}

// close gives the connection back. What it watches is unwatched.
func (p *private) close() { p.conn.Close() }

// do sends a command and returns its reply. A connection whose context ends or
// whose deadline passes before that is of no more use.
func (p *private) do(ctx context.Context, deadline time.Time, cmd string, args ...any) (any, error) {
	return p.within(ctx, deadline, func(limit time.Duration) (any, error) {
		return redis.DoWithTimeout(p.conn, limit, cmd, args...)
	})
}

// within has f talk to the server, with a limit for each reply, 0 for none. The
// error is a redis.Error, or a *ShardError as of a command that changes
// something, or ErrClosed.
func (p *private) within(ctx context.Context, deadline time.Time, f func(limit time.Duration) (any, error)) (any, error) {
	if err := ctx.Err(); err != nil {
		return nil, p.link.unsent(ctx, err)
	}
	limit := time.Duration(0)
	if !deadline.IsZero() {
		if limit = time.Until(deadline); limit <= 0 {
			return nil, p.link.unsent(ctx, ErrTimeout)
		}
	}
	stop := context.AfterFunc(ctx, p.kill)
	reply, err := f(limit)
	if !stop() {
		p.kill() // before it is given back
	}
	if err != nil {
		return reply, p.failed(ctx, err, false)
	}
	return reply, nil
}

// failed turns what redigo says of a command that was sent into the error that
// the caller gets.
func (p *private) failed(ctx context.Context, err error, safe bool) error {
	if _, replied := err.(redis.Error); replied {
		return err
	}
	switch {
	case context.Cause(ctx) == ErrClosed:
		return ErrClosed
	case ended(ctx) != nil:
		err = ended(ctx)
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = ErrTimeout
		p.link.report()
	default:
		p.link.report()
	}
	return &ShardError{Shard: p.link.shard, Node: p.link.node.Addr, Err: err, SafeToRetry: safe}
}

// ended is ctx.Err, but for a context whose clock is a moment behind its
// deadline.
func ended(ctx context.Context) error {
	if d, ok := ctx.Deadline(); ok && ctx.Err() == nil && !time.Now().Before(d) {
		return context.DeadlineExceeded
	}
	return ctx.Err()
}

// untilClose returns a context that ends with the client too, then with the
// cause ErrClosed, and what to call when it is not needed any more.
func (c *Client) untilClose(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(c.life, func() { cancel(ErrClosed) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}
