package shard

import (
	"context"
	"time"

	"github.com/gomodule/redigo/redis"
)

// Message is what a Subscription receives.
type Message struct {
	Channel string
	Pattern string // the pattern of PSubscribe that matched, else ""
	Payload []byte
	Shard   string // the shard it came from

	// Missed marks a message that no one published: Shard, whose loss Receive
	// has told, is heard again. What was published there between is lost; a
	// cache that is kept by messages should be dropped now.
	Missed bool
}

// Subscription hears channels until Close.
type Subscription struct{ s *subscriber }

// Subscribe hears channels:
//
//	sub, err := client.Subscribe(ctx, "news", "sport")
//	...
//	defer sub.Close()
//	for {
//		m, err := sub.Receive(ctx)
//		...
//	}
//
// A channel lives on the shard that owns its name as a key, where PUBLISH sends
// its messages. Channels that begin with __keyspace@ or __keyevent@, on which
// each server tells of its own keys, are heard on all shards.
//
// When it returns nil every shard concerned has confirmed the subscription.
// Until then the context and Config.Timeout bound it; later they do not. It uses
// one connection for each shard concerned, of Config.MaxActive.
func (c *Client) Subscribe(ctx context.Context, channels ...string) (*Subscription, error) {
	return c.listen(ctx, toChannel, channels)
}

// PSubscribe is Subscribe with patterns, which are heard on all shards.
func (c *Client) PSubscribe(ctx context.Context, patterns ...string) (*Subscription, error) {
	return c.listen(ctx, toPattern, patterns)
}

// SSubscribe is Subscribe for the channels of SPUBLISH.
func (c *Client) SSubscribe(ctx context.Context, channels ...string) (*Subscription, error) {
	return c.listen(ctx, toShardChannel, channels)
}

func (c *Client) listen(ctx context.Context, f form, names []string) (*Subscription, error) {
	if len(names) == 0 {
		return nil, redis.Error("ERR wrong number of arguments for '" + f.verb(true) + "' command")
	}
	now := time.Now()
	v, err := c.current()
	if err != nil {
		return nil, err
	}
	if !c.gate.enter() {
		return nil, ErrClosed
	}
	defer c.gate.leave()
	deadline := c.deadline(ctx, now, c.cfg.Timeout)
	s := c.newSubscriber(v, true)
	ready := make(chan struct{})
	s.ready = ready
	err = s.tell(ctx, deadline, s.plan(f, true, names))
	if err == nil {
		err = s.await(ctx, ready, deadline)
	}
	if err != nil {
		s.close(ErrClosed)
		return nil, err
	}
	return &Subscription{s}, nil
}

// await returns when everything is confirmed.
func (s *subscriber) await(ctx context.Context, ready <-chan struct{}, deadline time.Time) error {
	if !deadline.IsZero() {
		dctx, cancel := context.WithDeadlineCause(ctx, deadline, ErrTimeout)
		defer cancel()
		ctx = dctx
	}
	select {
	case <-ready:
		return nil
	case <-s.life.Done():
		return context.Cause(s.life)
	case <-ctx.Done():
	}
	err := ctx.Err()
	if context.Cause(ctx) == ErrTimeout {
		err = ErrTimeout
	}
	// Any shard that has not answered will do to name.
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.listeners {
		if len(l.awaiting) > 0 {
			return s.v.links[l.shard].unsent(ctx, err)
		}
	}
	return err
}

// Receive returns the next message. One goroutine at a time may call it.
//
// A *ShardError says that the connection to a shard is lost. The subscription
// goes on: the other shards' messages come as before, the connection is made
// anew for as long as it takes, and a Message with Missed says when it is. Call
// Receive again, or Close and Subscribe anew. After any other error but the
// context's own, as ErrClosed, there is nothing more to come. The context ends
// this call only; nothing is lost by that.
func (s *Subscription) Receive(ctx context.Context) (Message, error) {
	h, err := s.s.next(ctx, time.Time{})
	switch {
	case err != nil:
		return Message{}, err
	case h.err != nil:
		return Message{}, h.err
	case h.back:
		return Message{Shard: h.shard, Missed: true}, nil
	}
	m := Message{Shard: h.shard}
	push := h.push[1:]
	if len(push) == 3 {
		m.Pattern, _ = redis.String(push[0], nil)
		push = push[1:]
	}
	if len(push) == 2 {
		m.Channel, _ = redis.String(push[0], nil)
		m.Payload, _ = redis.Bytes(push[1], nil)
	}
	return m, nil
}

// Close ends the subscription and gives up what was not received. It may be
// called while another goroutine is in Receive, which then returns ErrClosed.
func (s *Subscription) Close() error {
	s.s.close(ErrClosed)
	return nil
}
