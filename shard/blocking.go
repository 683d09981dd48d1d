package shard

import (
	"context"
	"strconv"
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
	p, err := v.links[i].borrow(ctx, c.deadline(ctx, time.Now(), c.cfg.Timeout))
	if err != nil {
		return nil, err
	}
	defer p.close()
	reply, err := p.block(ctx, silence(cmd, r, c.cfg.Timeout), readOnly(cmd), r.cmd, r.args...)
	c.answered(i, err)
	return reply, err
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
		if err != nil {
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

// silence returns for how long a server may say nothing to a command that
// waits: what the command allows it, and timeout; 0 is for ever.
func silence(cmd *command.Command, r *request, timeout time.Duration) time.Duration {
	at, unit := r.Len()-1, time.Second
	switch cmd.Name {
	case "blmpop", "bzmpop":
		at = 1
	case "wait":
		unit = time.Millisecond
	case "xread", "xreadgroup":
		at, unit = command.BlockOption(r), time.Millisecond
	}
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
