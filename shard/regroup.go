package shard

import (
	"context"
	"slices"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/internal/baton"
)

// persist sends the parts that were not executed again, shard by shard in their order,
// until all are settled or the time is over.
func (b *batch) persist(ctx context.Context, deadline time.Time) {
	end := until(deadline)
	for {
		again := b.regroup(ctx)
		if len(again) == 0 {
			return
		}
		v := b.c.pause(ctx, end, func(v *view) bool {
			for _, i := range again {
				p := &b.parts[i]
				if moved := v.to(p.shard, b.v) != p.link; p.state == refusal && !moved || p.state == down && !moved {
					return false
				}
			}
			return true
		}, func(v *view) bool {
			for _, i := range again {
				if p := &b.parts[i]; p.state != frozen || !v.frozen(p.shard, b.v) {
					return false
				}
			}
			return true
		})
		if v == nil {
			for _, i := range again {
				b.parts[i].giveUp()
			}
			return
		}
		second := batch{c: b.c, v: v, parts: make([]part, 0, len(again))}
		for _, i := range again {
			p := b.parts[i]
			if p.shard = v.index(p.shard, b.v); p.shard < 0 {
				b.parts[i].giveUp() // nobody has it any more
				continue
			}
			p.Command, p.state = baton.Command{Cmd: p.Cmd, Args: p.Args}, settled
			second.parts = append(second.parts, p)
		}
		again = slices.DeleteFunc(again, func(i int) bool { return b.parts[i].state == settled })
		second.pass(ctx, deadline)
		for j, i := range again {
			shard := b.parts[i].shard
			b.parts[i] = second.parts[j]
			b.parts[i].shard = shard
		}
	}
}

// regroup returns the parts that are to be sent again, and settles the others. Those of
// one shard keep their order, as far as that can still be had. What stands behind one that
// was refused was
//
//	refused too                 sent again
//	a read, and answered        read again
//	a write, or may have been   it cannot be taken back: what was refused before it
//	                            gets its error
func (b *batch) regroup(ctx context.Context) (again []int) {
	held := make([][]int, len(b.v.links)) // what a shard refused, and what was read behind it
	for i := range b.parts {
		p := &b.parts[i]
		if p.replica && p.state != settled {
			if p.tries > 1 && b.c.readsFrom(ctx, p.link.shard, p.shard) == fromReplica {
				p.giveUp()
			}
			continue
		}
		if p.state == lost {
			if p.losses++; p.losses > 1 {
				p.state = down
				if p.Err.(*ShardError).sent {
					p.state = settled
				}
			}
		}
		if p.state != settled && p.state != behind && !b.c.keeps(p.link, p.state, p.Err) {
			p.giveUp()
		}
		switch p.state {
		case refusal, frozen:
			held[p.shard] = append(held[p.shard], i)
		case settled, behind:
			if len(held[p.shard]) == 0 {
				p.state = settled
				continue
			}
			if p.readOnly {
				if _, replied := p.Err.(redis.Error); replied || p.Err == nil {
					p.state = behind
					held[p.shard] = append(held[p.shard], i)
				}
				continue
			}
			if se, failed := p.Err.(*ShardError); failed && se.SafeToRetry {
				continue
			}
			for _, j := range held[p.shard] {
				b.parts[j].giveUp()
			}
			held[p.shard] = nil
		}
	}
	for i := range b.parts {
		if b.parts[i].state != settled {
			again = append(again, i)
		}
	}
	return again
}

// giveUp settles a part that is not sent again with what is known of it.
func (p *part) giveUp() {
	if e, ok := p.Err.(redis.Error); ok && p.state == refusal {
		p.Reply, p.Err = nil, p.link.refusedBy(e)
	}
	p.state = settled
}
