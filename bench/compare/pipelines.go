package main

import (
	"context"
	"errors"
	"sync"

	redigo "github.com/gomodule/redigo/redis"
	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"
)

// operation is one command of a pipeline.
type operation struct {
	key   string
	value []byte // of a SET; nil: a GET
	got   []byte // what the GET returned
}

func (s shardringClient) Pipeline(ctx context.Context, ops []operation) error {
	p := s.c.Pipeline()
	for i := range ops {
		if o := &ops[i]; o.value == nil {
			p.Add("GET", o.key)
		} else {
			p.Add("SET", o.key, o.value)
		}
	}
	replies, err := p.Exec(ctx)
	if err != nil {
		return err
	}
	for i := range ops {
		if o := &ops[i]; o.value == nil {
			if o.got, err = redigo.Bytes(replies[i].Value, replies[i].Err); err != nil {
				return err
			}
		}
	}
	return nil
}

// Pipeline sends each shard its commands with DoMulti, all shards at once.
func (r rueidisClient) Pipeline(ctx context.Context, ops []operation) error {
	commands := make([]rueidis.Commands, len(r.shards))
	positions := make([][]int, len(r.shards)) // in ops, of the commands
	for i := range ops {
		o := &ops[i]
		at := r.ring.OwnerString(o.key)
		b := r.shards[at].B()
		if o.value == nil {
			commands[at] = append(commands[at], b.Get().Key(o.key).Build())
		} else {
			commands[at] = append(commands[at], b.Set().Key(o.key).Value(rueidis.BinaryString(o.value)).Build())
		}
		positions[at] = append(positions[at], i)
	}
	errs := make([]error, len(r.shards))
	one := func(at int) {
		for i, result := range r.shards[at].DoMulti(ctx, commands[at]...) {
			o := &ops[positions[at][i]]
			if o.value != nil {
				errs[at] = errors.Join(errs[at], result.Error())
				continue
			}
			var err error
			if o.got, err = result.AsBytes(); err != nil {
				errs[at] = errors.Join(errs[at], err)
			}
		}
	}
	var done sync.WaitGroup
	for at := 1; at < len(r.shards); at++ {
		if len(commands[at]) > 0 {
			done.Go(func() { one(at) })
		}
	}
	if len(commands[0]) > 0 {
		one(0)
	}
	done.Wait()
	return errors.Join(errs...)
}

func (g goRedisClient) Pipeline(ctx context.Context, ops []operation) error {
	p := g.Ring.Pipeline()
	gets := make([]*goredis.StringCmd, len(ops))
	for i := range ops {
		if o := &ops[i]; o.value == nil {
			gets[i] = p.Get(ctx, o.key)
		} else {
			p.Set(ctx, o.key, o.value, 0)
		}
	}
	if _, err := p.Exec(ctx); err != nil {
		return err
	}
	for i := range ops {
		if gets[i] != nil {
			var err error
			if ops[i].got, err = gets[i].Bytes(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Pipeline sends to all shards and then takes the replies, in one goroutine.
func (r redigoClient) Pipeline(_ context.Context, ops []operation) error {
	conns := make([]redigo.Conn, len(r.shards))
	for i, s := range r.shards {
		conns[i] = s.Get()
		defer conns[i].Close()
	}
	owners := make([]int, len(ops))
	for i := range ops {
		o := &ops[i]
		owners[i] = r.ring.OwnerString(o.key)
		var err error
		if conn := conns[owners[i]]; o.value == nil {
			err = conn.Send("GET", o.key)
		} else {
			err = conn.Send("SET", o.key, o.value)
		}
		if err != nil {
			return err
		}
	}
	for _, conn := range conns {
		if err := conn.Flush(); err != nil {
			return err
		}
	}
	for i := range ops {
		reply, err := conns[owners[i]].Receive()
		if o := &ops[i]; o.value == nil {
			o.got, err = redigo.Bytes(reply, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
