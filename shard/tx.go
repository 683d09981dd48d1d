package shard

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gomodule/redigo/redis"
)

// Tx is a transaction being written down: the commands that the shard will
// execute together. It belongs to the function that Client.Tx calls.
type Tx struct {
	draft
	err error // the first command that cannot be part of it
}

// Tx executes a transaction on one shard: the keys of watch are watched, fn
// adds commands, and if fn returns nil the shard executes them all, with nobody
// else's between them, or none.
//
//	replies, err := client.Tx(ctx, []string{"stock:7"}, func(tx *shard.Tx) error {
//		n, err := redis.Int(client.Do(ctx, "GET", "stock:7"))
//		if err != nil {
//			return err
//		}
//		tx.Add("SET", "stock:7", n-1)
//		return nil
//	})
//
// fn reads with client.Do, which needs no connection of the transaction's: the
// keys are watched by then. There is a Reply for each command of Add, and the
// error joins theirs; commands that follow one that failed are executed, as in
// Redis. Otherwise the error is
//
//   - ErrTxAborted if a watched key was changed after it was watched: nothing
//     was executed, and the caller may call Tx again;
//   - ErrCrossSlot if keys are on two shards, or another redis.Error if a
//     command cannot be part of a transaction or the shard refuses it: nothing
//     was executed;
//   - fn's own: nothing was executed;
//   - a *ShardError if the shard gave no reply. SafeToRetry says that nothing
//     was executed. A transaction that may have been is never sent twice;
//   - a *ShardError that wraps ErrTxRefused, and the server's redis.Error if it
//     said so, with SafeToRetry: the node is not the primary, or not able to
//     execute it now. Without watched keys it is sent again until its time is
//     over; with them, which only that node watches, it is up to the caller.
//
// If watch names keys and fn adds nothing, a nil error means that what fn read
// of them was there at the same time.
//
// Config.Timeout bounds each exchange with the shard, the context all of it.
func (c *Client) Tx(ctx context.Context, watch []string, fn func(tx *Tx) error) ([]Reply, error) {
	v, err := c.current()
	if err != nil {
		return nil, err
	}
	if !c.gate.enter() {
		return nil, ErrClosed
	}
	defer c.gate.leave()
	ctx, done := c.untilClose(ctx)
	defer done()
	tx := &Tx{draft: draft{c: c, v: v, shard: anyShard}}
	defer tx.release(ctx)
	if len(watch) > 0 {
		r := request{cmd: "WATCH", args: redis.Args{}.AddFlat(watch)}
		if err := tx.watch(ctx, c.deadline(ctx, time.Now(), c.cfg.Timeout), &r); err != nil {
			return nil, err
		}
	}
	if err := fn(tx); err != nil {
		return nil, err
	}
	if tx.err != nil {
		return nil, tx.err
	}
	reply, err := tx.exec(ctx, c.deadline(ctx, time.Now(), c.cfg.Timeout))
	switch {
	case err != nil:
		return nil, err
	case reply == nil:
		return nil, ErrTxAborted
	}
	values, err := redis.Values(reply, nil)
	if err != nil {
		return nil, err
	}
	replies := make([]Reply, len(values))
	var errs []error
	for i, value := range values {
		replies[i].Value = value
		if e, ok := value.(error); ok {
			replies[i].Value, replies[i].Err = answer(e)
			errs = append(errs, e)
		}
	}
	return replies, errors.Join(errs...)
}

// Add appends a command. Its keys must be on the shard of the others' and of
// those that are watched. Commands without keys go along (PING, ECHO, TIME,
// scripts); blocking ones do not wait in a transaction; what asks every shard, or
// is about the connection, is refused. What was refused is the error of Client.Tx.
//
// A PUBLISH whose channel is on another shard is sent there when the transaction
// has been executed, if it was. It can fail by itself then: with a *ShardError in
// its Reply, as from Do.
func (tx *Tx) Add(cmd string, args ...any) *Tx {
	r := request{cmd: cmd, args: slices.Clone(plain(args))}
	if err := tx.add(r.own()); err != nil && tx.err == nil {
		tx.err = err
	}
	return tx
}

// own returns the request with copies of its byte slices.
func (r request) own() request {
	for i, a := range r.args {
		if b, ok := a.([]byte); ok {
			r.args[i] = bytes.Clone(b)
		}
	}
	return r
}
