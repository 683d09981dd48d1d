package shard

import (
	"context"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/command"
)

// Do sends a command to the shard of its keys and returns what redigo's Do
// would return, so redis.String and the like work on it. Arguments are
// converted as redigo converts them.
//
//   - MGET, MSET, DEL, UNLINK, EXISTS and TOUCH may have keys on any shards:
//     they are split and the replies put together. Across shards they are not
//     atomic.
//   - DBSIZE, FLUSHALL, FLUSHDB, KEYS, INFO, SCRIPT, FUNCTION, CONFIG, PUBSUB,
//     SLOWLOG, LATENCY, MEMORY and others that are not about keys go to every
//     shard; the README of package command says what becomes of the replies.
//   - SCRIPT KILL, FUNCTION KILL and FUNCTION STATS overtake what runs, over a
//     connection to each shard that is made for them.
//   - SCAN goes through the shards one after another: its cursor carries the
//     shard. Begin with 0, go on with what it returned, end when that is 0.
//   - SUNION, SINTER, SDIFF, SINTERCARD, ZUNION, ZINTER, ZDIFF, ZINTERCARD and
//     PFCOUNT may too with Config.CrossShardReads; see package crossread.
//   - Other commands with several keys need them on one shard (a key tag does
//     that), else the error is ErrCrossSlot.
//   - PING, ECHO, TIME, SELECT and others about the connection are answered
//     here.
//   - Commands that may wait (BLPOP, BRPOP, BLMOVE, BLMPOP, BZPOPMIN, BZPOPMAX,
//     BZMPOP, XREAD and XREADGROUP with BLOCK) do so on a connection of their
//     own. Config.Timeout bounds getting it, not their waiting; see README.md
//     for what can happen when the context ends. WAIT is Client.Wait.
//   - PUBLISH and SPUBLISH go to the shard that the channel hashes to.
//   - RANDOMKEY draws among the keys of all shards.
//   - A script that this client has sent, with EVAL or SCRIPT LOAD, is sent
//     again when EVALSHA meets a shard that lacks it.
//   - MULTI and SUBSCRIBE are for Tx and Subscribe, or for a Conn of Get.
//
// An error that a server, or the command table in its place, replied is a
// redis.Error, returned as the reply too, as redigo does. A shard that gave
// no reply is a *ShardError. The call ends with its context or after
// Config.Timeout; a command that was sent may be executed even so.
//
// A command is sent a second time, once, over a new connection or to another
// node, if the first is lost and the command only reads or was not sent whole.
// One that a node refuses to execute now (READONLY, LOADING, MASTERDOWN,
// NOREPLICAS, CLUSTERDOWN, TRYAGAIN) is sent again, to the node that has the
// shard then, until the call's time is over. The error is a *ShardError then,
// with SafeToRetry, in which errors.As finds the server's redis.Error too.
func (c *Client) Do(ctx context.Context, cmd string, args ...any) (any, error) {
	return c.do(ctx, c.cfg.Timeout, cmd, args)
}

// do is Do with a time limit of its own; 0: none.
func (c *Client) do(ctx context.Context, timeout time.Duration, cmd string, args []any) (any, error) {
	r := c.requests.Get().(*request)
	r.cmd, r.args = cmd, plain(args)
	reply, err := c.execute(ctx, timeout, r)
	r.cmd, r.args = "", nil
	c.requests.Put(r)
	return reply, err
}

// execute plans and executes one request.
func (c *Client) execute(ctx context.Context, timeout time.Duration, r *request) (any, error) {
	now := time.Now()
	v, err := c.current()
	if err != nil {
		return nil, err
	}
	cmd, err := c.table.Resolve(r)
	if err != nil {
		return answer(errorReply(err))
	}
	c.scripts.note(cmd, r)
	deadline := c.deadline(ctx, now, timeout)
	if cmd.Route == command.Single {
		i, err := v.single(cmd, r)
		if err == nil {
			reply, err := c.one(ctx, v, i, deadline, cmd, r)
			if err != nil {
				if again := c.scripts.instead(cmd, r, err); again != nil {
					return c.one(ctx, v, i, deadline, cmd, again)
				}
			}
			return reply, err
		}
		if err != ErrCrossSlot || !c.crossReads(cmd) {
			return answer(err)
		}
	} else if k := kindOf(cmd); k != ordinary {
		return c.special(ctx, v, deadline, k, cmd, r)
	}
	if !c.gate.enter() {
		return nil, ErrClosed
	}
	b := c.batch()
	b.v = v
	b.add(r)
	b.exchange(ctx, deadline)
	c.gate.leave()
	reply := b.reply(0)
	b.free()
	return reply.Value, reply.Err
}

// special executes what kinds.go knows.
func (c *Client) special(ctx context.Context, v *view, deadline time.Time, k kind, cmd *command.Command, r *request) (any, error) {
	switch k {
	case waits:
		return c.block(ctx, v, cmd, r)
	case replicates:
		return c.wait(ctx, v, nil, r.args)
	case draws:
		return c.draw(ctx, v, deadline, cmd, r)
	case interrupts:
		return c.interrupt(ctx, v, deadline, cmd, r)
	}
	return answer(unfit(cmd, k))
}

// one sends a request to one shard.
func (c *Client) one(ctx context.Context, v *view, i int, deadline time.Time, cmd *command.Command, r *request) (any, error) {
	l := v.links[i]
	if err := ctx.Err(); err != nil {
		return nil, l.unsent(ctx, err)
	}
	if v.AllEjected() {
		return nil, v.ejected()
	}
	reads := readOnly(cmd)
	switch {
	case !reads && v.Shards[i].Frozen:
		return hold(ctx, &call{c: c, v: v, shard: i, cmd: cmd, r: r, deadline: deadline, l: l, state: frozen})
	case reads:
		if from := c.readsFrom(ctx, l.shard, i); from != fromPrimary && spreads(cmd) {
			return c.read(ctx, v, i, from, deadline, cmd, r)
		}
	}
	if !l.gate.enter() {
		return nil, ErrClosed
	}
	reply, again, err := l.try(ctx, deadline, reads, r.cmd, r.args)
	l.gate.leave()
	c.answered(ctx, l, i, !reads, err)
	if err == nil {
		return reply, nil
	}
	if state := troubled(ctx, err, again, runsScript(cmd)); state != settled {
		return hold(ctx, &call{c: c, v: v, shard: i, cmd: cmd, r: r, deadline: deadline, l: l, reply: reply, err: err, state: state})
	}
	return reply, err
}

// ejected answers what no shard is left for.
func (v *view) ejected() error {
	s := &v.Shards[v.Ejected[0]]
	return &ShardError{Shard: s.Name, Node: s.Primary.Addr, Err: ErrEjected, SafeToRetry: true}
}

// answered notes what the primary of shard i said, over l: it ends a shard's row of
// failures, and may say that the shard is elsewhere.
func (c *Client) answered(ctx context.Context, l *link, i int, wrote bool, err error) {
	e, replied := err.(redis.Error)
	if replied && (refuses(e, false) || refusesTx(e) || thrownOff(e)) {
		c.doubt(l.shard)
	}
	if wrote {
		c.wrote(ctx, l.shard, i)
	}
	if c.cfg.AutoEject && (err == nil || replied) {
		c.topo.ReportSuccess(i)
	}
}

// answer returns an error as redigo does: one that is a reply is both.
func answer(err error) (any, error) {
	if e, ok := err.(redis.Error); ok {
		return e, e
	}
	return nil, err
}
