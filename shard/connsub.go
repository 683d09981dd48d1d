package shard

import (
	"context"
	"slices"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/command"
)

// hears reports whether the Conn is a subscriber for what is sent next: it has
// subscribed, and not unsubscribed from everything since.
func (c *conn) hears() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hearing == nil {
		return false
	}
	c.hearing.mu.Lock()
	defer c.hearing.mu.Unlock()
	for f := range forms {
		if len(c.hearing.wanted[f]) > 0 {
			return true
		}
	}
	return false
}

// subscribe executes what a subscriber may say, and refuses the rest as Redis
// does. What comes of it is queued behind the messages.
func (c *conn) subscribe(ctx context.Context, v *view, deadline time.Time, cmd *command.Command, err error, r *request) error {
	switch {
	case err != nil:
		err = errorReply(err)
	case kindOf(cmd) == subscribes:
		return c.change(ctx, v, deadline, cmd, r)
	case cmd.Name == "ping":
		data := []byte{}
		if r.Len() > 1 {
			data = append(data, r.At(1)...)
		}
		c.tellReceiver(heard{push: []any{[]byte("pong"), data}})
		return nil
	case cmd.Name == "quit":
		return c.Close()
	default:
		err = redis.Error("ERR Can't execute '" + cmd.Name +
			"': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context")
	}
	c.tellReceiver(heard{err: err})
	return nil
}

// tellReceiver queues an answer of our own among what is heard.
func (c *conn) tellReceiver(h heard) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.hearing; s != nil {
		s.mu.Lock()
		s.queue = append(s.queue, h)
		s.signal()
		s.mu.Unlock()
	}
}

// change executes a SUBSCRIBE or UNSUBSCRIBE of some form.
func (c *conn) change(ctx context.Context, v *view, deadline time.Time, cmd *command.Command, r *request) error {
	f, add := toChannel, true
	for f.verb(add) != cmd.Name {
		if add = !add; add {
			f++
		}
	}
	names := make([]string, 0, r.Len()-1)
	for i := 1; i < r.Len(); i++ {
		names = append(names, string(r.At(i)))
	}
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return c.err
	}
	s := c.hearing
	if s == nil {
		s = c.c.newSubscriber(v, false)
		c.hearing = s
		c.flights = append(c.flights, &flight{hears: s})
	}
	todo := s.plan(f, add, names) // before the receiver can find it quiet
	c.mu.Unlock()
	c.signal()
	// What fails ends the subscriber, which Receive says.
	s.tell(ctx, deadline, todo)
	return nil
}

// heard notes an error that ends the Conn.
func (c *conn) heard(s *subscriber, err error) error {
	s.mu.Lock()
	over := err != nil && err == s.err
	s.mu.Unlock()
	if over {
		c.mu.Lock()
		if c.err == nil {
			c.err = err
		}
		c.mu.Unlock()
		s.close(err)
	}
	return err
}

// unhear puts away a subscriber that has heard all, unless it has been asked for
// more since, and frees the way for the replies behind it.
func (c *conn) unhear(f *flight) {
	s := f.hears
	c.mu.Lock()
	s.mu.Lock()
	quiet := s.quiet()
	s.mu.Unlock()
	if quiet && len(c.flights) > 0 && c.flights[0] == f {
		c.flights = c.flights[1:]
		c.hearing = nil
	} else {
		quiet = false
	}
	c.mu.Unlock()
	if quiet {
		s.close(ErrClosed)
	}
}

// unsubscribe is RESET for a subscriber.
func (c *conn) unsubscribe() {
	c.mu.Lock()
	s := c.hearing
	c.hearing = nil
	c.flights = slices.DeleteFunc(c.flights, func(f *flight) bool { return s != nil && f.hears == s })
	c.mu.Unlock()
	if s != nil {
		s.close(ErrClosed)
	}
}
