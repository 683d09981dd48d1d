package shard

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/command"
)

// grace is how long a blocking command whose context has ended may take to say
// what it did. A server needs as long as for a PING.
const grace = 200 * time.Millisecond

// unblockAgain is when a server that said that nothing was blocked is asked
// again: the command had not arrived, or its reply is under way.
const unblockAgain = 5 * time.Millisecond

// block executes a command that may wait, on the shard of its keys.
func (c *Client) block(ctx context.Context, v *view, cmd *command.Command, r *request) (any, error) {
	i, err := v.single(cmd, r)
	if err != nil {
		return answer(err)
	}
	if v.AllEjected() {
		return nil, v.ejected()
	}
	if !c.gate.enter() {
		return nil, ErrClosed
	}
	defer c.gate.leave()
	ctx, done := c.untilClose(ctx)
	defer done()
	w := wait{c: c, v: v, shard: i, cmd: cmd, r: r}
	return w.persist(ctx)
}

// wait is a command that may wait, on its way from node to node.
type wait struct {
	c     *Client
	v     *view // the call began with
	shard int   // there
	cmd   *command.Command
	r     *request
}

// errOver ends an attempt whose shard has another primary now.
var errOver = errors.New("another node has the shard now")

// persist asks the node that has the shard, and the next one when it loses its place: it
// throws off who waits (UNBLOCKED), or is told to, which says that nothing was taken. The
// command's own limit is for all of it.
func (w *wait) persist(ctx context.Context) (any, error) {
	deadline := w.c.deadline(ctx, time.Now(), w.c.cfg.Timeout)
	end := until(deadline)
	begun, r := time.Now(), w.r
	isFrozen := func(v *view) bool { return !readOnly(w.cmd) && v.frozen(w.shard, w.v) }
	v, err := w.c.current()
	for {
		if err != nil {
			return nil, err
		}
		l, state := v.to(w.shard, w.v), frozen
		if l == nil {
			l = w.v.links[w.shard] // nobody has the shard any more
		}
		var reply any
		if !isFrozen(v) {
			reply, err = w.attempt(ctx, l, deadline, r)
			state = troubled(ctx, err, false, false)
		}
		if err == errOver || thrownOff(err) {
			if fromNow(w.cmd, w.r) {
				return nil, l.unsent(ctx, errOver) // what came meanwhile would be left out
			}
			if r = remaining(w.cmd, w.r, time.Since(begun)); r == nil {
				return nil, nil // its time is over
			}
			deadline = w.c.deadline(ctx, time.Now(), w.c.cfg.Timeout) // it has waited as it was to
			state, end = refusal, until(deadline)
		}
		if state == settled || !w.c.keeps(l, state, err) {
			return reply, err
		}
		v = w.c.pause(ctx, end, func(v *view) bool { return state == frozen || v.to(w.shard, w.v) != l }, isFrozen)
		if v == nil || v.to(w.shard, w.v) == nil {
			if ended(ctx) != nil {
				return nil, l.unsent(ctx, ended(ctx))
			}
			if err == errOver {
				return nil, l.unsent(ctx, err)
			}
			return nil, l.gaveUp(ctx, state, err)
		}
		err = nil
	}
}

func (w *wait) attempt(ctx context.Context, l *link, deadline time.Time, r *request) (any, error) {
	p, err := l.borrow(ctx, deadline)
	if err != nil {
		return nil, err
	}
	defer p.close()
	here, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel(nil)
	watching.Go(func() { w.follow(here, l, cancel) })
	reply, err := p.block(here, silence(w.cmd, r, w.c.cfg.Timeout), readOnly(w.cmd), r.cmd, r.args...)
	w.c.answered(ctx, l, w.shard, !readOnly(w.cmd), err)
	if thrownOff(err) {
		p.kill() // the server closes it
	}
	if se, ok := err.(*ShardError); ok && context.Cause(here) == errOver && ctx.Err() == nil && se.SafeToRetry {
		return nil, errOver
	}
	return reply, err
}

// follow ends a context when the shard has another primary than a link's.
func (w *wait) follow(ctx context.Context, l *link, over context.CancelCauseFunc) {
	for ctx.Err() == nil {
		changed := w.c.news.after()
		if v, err := w.c.current(); err == nil && v.to(w.shard, w.v) != nil && v.to(w.shard, w.v) != l {
			over(errOver)
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// block sends a command that may wait and returns its reply. After limit, if it
// is not 0, the server counts as gone.
//
// When the context ends the server is told to end the wait (CLIENT UNBLOCK),
// over the shared line, and says on this connection what came of the command:
//
//	nil, so nothing was taken        the context's error, SafeToRetry
//	an element, taken just before    the element
//	nothing within the grace         the connection is closed; it may have taken one
func (p *private) block(ctx context.Context, limit time.Duration, readOnly bool, cmd string, args ...any) (any, error) {
	if err := ctx.Err(); err != nil {
		return nil, p.link.unsent(ctx, err)
	}
	answered, asked := make(chan struct{}), make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		p.unblock(answered)
		close(asked)
	})
	reply, err := redis.DoWithTimeout(p.conn, limit, cmd, args...)
	close(answered)
	ended := !stop()
	if ended {
		<-asked // the id must not be unblocked when somebody else has it
	}
	switch {
	case err != nil:
		return reply, p.failed(ctx, err, readOnly)
	case ended && reply == nil:
		return nil, p.link.unsent(ctx, ctx.Err())
	}
	return reply, nil
}

// unblock ends the wait of the command under way, or kills the connection.
func (p *private) unblock(answered <-chan struct{}) {
	until := time.Now().Add(grace)
	for p.id > 0 && time.Now().Before(until) {
		n, err := redis.Int(p.link.do(context.Background(), until, true, "CLIENT", []any{"UNBLOCK", p.id}))
		if err != nil && !errors.Is(err, ErrTooMany) {
			break
		}
		patience := unblockAgain
		if n == 1 {
			patience = time.Until(until)
		}
		t := time.NewTimer(patience)
		select {
		case <-answered:
			t.Stop()
			return
		case <-t.C:
		}
	}
	p.kill()
}

// limitOf returns where a command that waits says for how long, and in which unit. An
// index that is not there stands for no limit.
func limitOf(cmd *command.Command, r *request) (at int, unit time.Duration) {
	switch cmd.Name {
	case "blmpop", "bzmpop":
		return 1, time.Second
	case "wait":
		return r.Len() - 1, time.Millisecond
	case "xread", "xreadgroup":
		return command.BlockOption(r), time.Millisecond
	}
	return r.Len() - 1, time.Second
}

// remaining returns the request for what is left of its own limit after it has waited for
// so long, nil if nothing is.
func remaining(cmd *command.Command, r *request, waited time.Duration) *request {
	at, unit := limitOf(cmd, r)
	if at >= r.Len() {
		return r
	}
	n, err := strconv.ParseFloat(string(r.At(at)), 64)
	if err != nil || n <= 0 {
		return r // the server objects, or there is none
	}
	left := n - float64(waited)/float64(unit)
	if left <= 0 {
		return nil
	}
	args := slices.Clone(r.args)
	if unit == time.Second {
		args[at-1] = strconv.FormatFloat(left, 'f', 3, 64)
	} else {
		args[at-1] = strconv.FormatInt(int64(left)+1, 10)
	}
	if left < 0.001 {
		return nil
	}
	return &request{cmd: r.cmd, args: args}
}

// fromNow reports whether an XREAD asks for what comes after it.
func fromNow(cmd *command.Command, r *request) bool {
	if cmd.Name != "xread" {
		return false
	}
	for i := 1; i < r.Len(); i++ {
		if string(r.At(i)) == "$" {
			return true
		}
	}
	return false
}

// silence returns for how long a server may say nothing to a command that
// waits: what the command allows it, and timeout; 0 is for ever.
func silence(cmd *command.Command, r *request, timeout time.Duration) time.Duration {
	at, unit := limitOf(cmd, r)
	if at >= r.Len() {
		return timeout // the server will object
	}
	n, err := strconv.ParseFloat(string(r.At(at)), 64)
	const longest = float64(24 * time.Hour)
	if d := n * float64(unit); err == nil && d > 0 && d < longest && timeout > 0 {
		return time.Duration(d) + timeout
	}
	return 0
}
