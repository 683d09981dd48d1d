package watch

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/gomodule/redigo/redis"
)

// listen subscribes to a Sentinel's events, again and again, and passes them on.
// What is said while nobody listens is asked for when somebody does again.
func (s *sentry) listen(ctx context.Context) {
	h := health{interval: s.wire.interval}
	for ctx.Err() == nil {
		s.subscription(ctx, &h)
		h.failed(time.Now())
		wait(ctx, h.next(rand.Float64()), nil)
	}
}

// subscription lasts until the connection is lost or ctx ends.
func (s *sentry) subscription(ctx context.Context, h *health) {
	c, err := s.wire.open(ctx, s.node, s.wire.sentinel, h.state == Down)
	if err != nil {
		return
	}
	defer c.close()
	sub := redis.PubSubConn{Conn: c.Conn}
	if sub.Subscribe(channels()...) != nil || sub.PSubscribe(abortPattern) != nil {
		return
	}
	// A Sentinel that hangs is found by PINGs, which are answered on a subscription.
	every := max(s.wire.interval, s.wire.within)
	ctx, cancel := context.WithCancel(ctx)
	pinged := make(chan struct{})
	go func() {
		defer close(pinged)
		for ctx.Err() == nil {
			wait(ctx, every, nil)
			if ctx.Err() == nil && sub.Ping("") != nil {
				return
			}
		}
	}()
	defer func() {
		cancel()
		<-pinged
	}()
	for {
		switch m := sub.ReceiveWithTimeout(2*every + s.wire.within).(type) {
		case redis.Subscription:
			if m.Channel == abortPattern { // the last one
				h.answered(time.Now())
				s.ask()
			}
		case redis.Message:
			if e, ok := parseEvent(m.Channel, string(m.Data)); ok {
				s.hear(ctx, e)
			}
		case error:
			return
		}
	}
}
