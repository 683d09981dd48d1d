package shard

import (
	"context"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/command"
)

// interrupt executes a command that a server answers while it runs a script: SCRIPT
// KILL, FUNCTION KILL and FUNCTION STATS, on every shard. On the shared line they would
// wait behind the script that they are about.
func (c *Client) interrupt(ctx context.Context, v *view, deadline time.Time, cmd *command.Command, r *request) (any, error) {
	if !c.gate.enter() {
		return nil, ErrClosed
	}
	defer c.gate.leave()
	ctx, done := c.untilClose(ctx)
	defer done()
	b := batch{c: c, v: v, spans: []span{{merge: cmd.Merge, n: len(v.links)}}}
	for i := range v.links {
		b.parts = append(b.parts, newPart(i, cmd, r.cmd, r.args))
	}
	var wg sync.WaitGroup
	for i, l := range v.links {
		wg.Go(func() {
			p := &b.parts[i]
			p.Reply, p.Err = l.aside(ctx, deadline, p.Cmd, p.Args)
		})
	}
	wg.Wait()
	reply := b.reply(0)
	return reply.Value, reply.Err
}

// aside sends a command over a connection of its own that is made for it and that is
// not one of the pool's.
func (l *link) aside(ctx context.Context, deadline time.Time, cmd string, args []any) (any, error) {
	dctx, cancel := context.WithTimeout(ctx, l.cfg.DialTimeout)
	defer cancel()
	nc, err := dialAs(dctx, l.cfg, l.node.Network, l.node.Addr, aside)
	if err != nil {
		return nil, l.unsent(ctx, err)
	}
	conn := redis.NewConn(withBuffer(nc), 0, 0)
	p := &private{pooled: &pooled{fullConn: conn.(fullConn), nc: nc}, conn: conn, link: l}
	defer p.kill()
	return p.do(ctx, deadline, cmd, args...)
}
