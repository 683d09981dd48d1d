package shard

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// execute sends the transaction until a node takes it. One with watched keys is bound to
// the connection that watches, so it is sent once, and only while that is the primary's.
func (d *draft) execute(ctx context.Context, deadline time.Time) (reply any, err error) {
	f := func(l *link) (err error) {
		if err = d.borrow(ctx, l, deadline); err != nil {
			return err
		}
		reply, err = d.p.within(ctx, deadline, d.send)
		d.c.answered(ctx, l, d.shard, true, err)
		return err
	}
	at := d.v.links[d.shard]
	if d.p != nil {
		at = d.p.link
		v := d.c.pause(ctx, until(deadline), always, d.frozen)
		switch {
		case v == nil:
			return nil, at.gaveUp(ctx, frozen, nil)
		case v.to(d.shard, d.v) != at:
			return nil, at.refusedTx(errMoved)
		}
		d.watches = false
		err = f(at)
	} else {
		err = d.again(ctx, deadline, f)
	}
	if refusesTx(err) {
		err = at.refusedTx(err)
	}
	return reply, err
}

// errMoved is of a transaction whose keys were watched at a node that lost its place.
var errMoved = errors.New("another node has the shard now")

func always(*view) bool { return true }

func (d *draft) frozen(v *view) bool { return v.frozen(d.shard, d.v) }

// again calls f, with the link to the node that has the transaction's shard, until that
// does not refuse, or the time is over. A connection that f borrowed and that was refused
// is given up.
func (d *draft) again(ctx context.Context, deadline time.Time, f func(l *link) error) error {
	v, err := d.c.current()
	end := until(deadline)
	for {
		if err != nil {
			return err
		}
		l, state := v.to(d.shard, d.v), frozen
		if l == nil {
			l = d.v.links[d.shard] // nobody has the shard any more
		}
		if !d.frozen(v) {
			err = f(l)
			if state = troubled(ctx, err, false, false); refusesTx(err) {
				state = refusal
			}
		}
		if state == settled || !d.c.keeps(l, state, err) {
			return err
		}
		d.drop()
		v = d.c.pause(ctx, end, func(v *view) bool { return state == frozen || v.to(d.shard, d.v) != l }, d.frozen)
		if v == nil || v.to(d.shard, d.v) == nil {
			if refusesTx(err) {
				return err
			}
			return l.gaveUp(ctx, state, err)
		}
		err = nil
	}
}

// refusedTx is the error of a transaction that was refused.
func (l *link) refusedTx(e error) error {
	return &ShardError{Shard: l.shard, Node: l.node.Addr, Err: fmt.Errorf("%w: %w", ErrTxRefused, e), SafeToRetry: true}
}
