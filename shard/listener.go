package shard

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"
)

// listener hears one shard for a subscriber, on a connection of its own.
//
//	hearing ──lost──▶ (told to the receiver) ──▶ away ──▶ hearing, told when all is confirmed
//	   │                                          │ a subscriber that does not stay
//	   └────────────── the subscriber's end ──────┴──▶ over
type listener struct {
	s     *subscriber
	shard int
	name  string // of the shard

	// turn is for writing to p: it is held while a few small commands are
	// written, so that awaiting has their order.
	turn sync.Mutex
	p    *private // nil: away, or over; turn

	awaiting []*ask // what the server will confirm, in this order; the subscriber's mu
}

// tell sends what plan returned to the shards, all at the same time. What cannot
// be sent ends the subscriber.
func (s *subscriber) tell(ctx context.Context, deadline time.Time, todo map[int][]*ask) error {
	var wg sync.WaitGroup
	for shard, asks := range todo {
		l := s.listener(shard)
		wg.Go(func() {
			if err := l.tell(ctx, deadline, asks); err != nil {
				s.fail(err)
			}
		})
	}
	wg.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *subscriber) listener(shard int) *listener {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listeners[shard] == nil {
		s.listeners[shard] = &listener{s: s, shard: shard, name: s.v.Shards[shard].Name}
	}
	return s.listeners[shard]
}

// borrow takes a connection to the node that has the shard now.
func (l *listener) borrow(ctx context.Context, deadline time.Time) (*private, error) {
	v, err := l.s.c.current()
	if err != nil {
		return nil, err
	}
	return v.links[l.shard].borrow(ctx, deadline)
}

func (l *listener) tell(ctx context.Context, deadline time.Time, asks []*ask) error {
	l.turn.Lock()
	defer l.turn.Unlock()
	if l.p == nil {
		p, err := l.borrow(ctx, deadline)
		if err != nil {
			return err
		}
		if !l.s.spawn(func() { l.run(p) }) {
			p.kill()
			p.close()
			return ErrClosed
		}
		l.p = p
	}
	l.s.mu.Lock()
	l.awaiting = append(l.awaiting, asks...)
	l.s.mu.Unlock()
	l.write(asks)
	return nil
}

// write sends a command for each name, so that each has its own answer. If it
// fails, who reads finds the connection lost. turn is held.
func (l *listener) write(asks []*ask) {
	for _, a := range asks {
		l.p.Send(strings.ToUpper(a.form.verb(a.add)), a.name)
	}
	l.p.Flush()
}

// run hears until the end.
func (l *listener) run(p *private) {
	for p != nil {
		stop := context.AfterFunc(l.s.life, p.kill)
		err := l.hear(p)
		stop()
		err = p.failed(l.s.life, err, true)
		l.turn.Lock()
		l.p = nil
		l.turn.Unlock()
		p.kill()
		p.close()
		if p = nil; l.lost(err) {
			p = l.again()
		}
	}
}

// hear reads until the connection is lost. Every Timeout it is asked whether it
// is there, so one that says nothing for twice as long is not.
func (l *listener) hear(p *private) error {
	for {
		reply, err := p.ReceiveWithTimeout(2 * l.s.c.cfg.Timeout)
		if err != nil {
			return err // an error reply too: the server refused a name
		}
		if push, ok := reply.([]any); ok && len(push) > 0 {
			l.take(push)
		}
	}
}

func (l *listener) take(push []any) {
	switch kind, _ := redis.String(push[0], nil); kind {
	case "message", "pmessage", "smessage":
		l.s.put(heard{push: push, shard: l.name})
	case "pong":
	default:
		l.s.mu.Lock()
		defer l.s.mu.Unlock()
		if len(l.awaiting) == 0 {
			return
		}
		a := l.awaiting[0]
		l.awaiting = l.awaiting[1:]
		if a.left--; a.again && len(l.awaiting) == 0 {
			l.s.queue = append(l.s.queue, heard{shard: l.name, back: true})
		}
		l.s.confirm()
	}
}

// lost says what a lost connection means: the end, or an error for the receiver,
// after which the shard is to be heard again.
func (l *listener) lost(err error) bool {
	_, shard := err.(*ShardError)
	l.s.mu.Lock()
	goesOn := l.s.stays && l.s.ready == nil && shard
	l.s.mu.Unlock()
	if !goesOn {
		l.s.fail(err)
		return false
	}
	return l.s.put(heard{err: err, shard: l.name})
}

// again connects until it succeeds or the subscriber ends, and subscribes to all
// names anew.
func (l *listener) again() *private {
	for n := 1; ; n++ {
		p, err := l.borrow(l.s.life, l.s.c.deadline(l.s.life, time.Now(), l.s.c.cfg.Timeout))
		if err == nil {
			l.resume(p)
			return p
		}
		select {
		case <-l.s.life.Done():
			return nil
		case <-time.After(backoff(n)):
		}
	}
}

func (l *listener) resume(p *private) {
	l.turn.Lock()
	defer l.turn.Unlock()
	var asks []*ask
	l.s.mu.Lock()
	for f := range forms {
		for name := range l.s.wanted[f] {
			if slices.Contains(l.s.v.shardsOf(f, name), l.shard) {
				asks = append(asks, &ask{form: f, add: true, name: name, again: true})
			}
		}
	}
	l.awaiting = slices.Clone(asks)
	l.s.mu.Unlock()
	l.p = p
	l.write(asks)
}

// beat asks every connection from time to time whether it is there.
func (s *subscriber) beat() {
	tick := time.NewTicker(s.c.cfg.Timeout)
	defer tick.Stop()
	for {
		select {
		case <-s.life.Done():
			return
		case <-tick.C:
		}
		s.mu.Lock()
		var all []*listener
		for _, l := range s.listeners {
			all = append(all, l)
		}
		s.mu.Unlock()
		for _, l := range all {
			l.turn.Lock()
			if l.p != nil {
				l.p.Send("PING")
				l.p.Flush()
			}
			l.turn.Unlock()
		}
	}
}
