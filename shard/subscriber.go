package shard

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"
)

// form is one of the three ways to subscribe.
type form uint8

const (
	toChannel form = iota
	toPattern
	toShardChannel
	forms
)

// verb is what the form's command and its confirmation are called.
func (f form) verb(add bool) string {
	verb := [...]string{"subscribe", "psubscribe", "ssubscribe"}[f]
	if add {
		return verb
	}
	return verb[:strings.Index(verb, "sub")] + "un" + verb[strings.Index(verb, "sub"):]
}

func (f form) String() string { return f.verb(true) }

// maxQueued is how many messages wait for a receiver; then the servers' wait,
// each in its buffer, until the server loses patience (its setting
// client-output-buffer-limit) and closes the connection.
const maxQueued = 256

// errHeardAll: a subscriber has unsubscribed from everything, and been told so.
var errHeardAll = errors.New("nothing left to hear")

// subscriber hears channels on the shards they live on, with a listener each. The
// listeners put what they hear into one queue:
//
//	listener ──┐            more
//	listener ──┼──▶ queue ────────▶ receive, by one goroutine
//	listener ──┘     ▲ room
//
// What is asked of the servers is confirmed to the receiver in the order of
// asking, when every shard concerned has confirmed it.
type subscriber struct {
	c     *Client
	v     *view
	stays bool // a connection that is lost is made anew; else it is the end

	life context.Context // ends with err
	end  context.CancelCauseFunc
	work sync.WaitGroup
	more chan struct{} // a token after each change to queue, for the receiver

	mu        sync.Mutex // protects the following fields
	room      sync.Cond  // on mu: of the queue, or the end
	queue     []heard
	asks      []*ask                 // not confirmed to the receiver
	wanted    [forms]map[string]bool // once all asks are confirmed
	confirmed [forms]map[string]bool // as far as the receiver knows
	listeners map[int]*listener      // by shard
	ready     chan struct{}          // closed when everything is confirmed; nil: it is, or nobody waits
	err       error                  // why it ended
}

// heard is one thing for the receiver.
type heard struct {
	push  []any // as a server sends it
	err   error
	shard string // it comes from
	back  bool   // the shard is heard again
}

// ask is one name of a SUBSCRIBE or UNSUBSCRIBE.
type ask struct {
	form form
	add  bool
	name string
	none bool // an UNSUBSCRIBE from nothing
	left int  // shards that have not confirmed it
	// again is of a connection that was made anew: the receiver is told when
	// the last of its names is confirmed, and not in the order of asking, for
	// others must not wait for a shard that may be lost once more.
	again bool
}

func (c *Client) newSubscriber(v *view, stays bool) *subscriber {
	s := &subscriber{c: c, v: v, stays: stays, more: make(chan struct{}, 1), listeners: map[int]*listener{}}
	s.room.L = &s.mu
	for f := range forms {
		s.wanted[f], s.confirmed[f] = map[string]bool{}, map[string]bool{}
	}
	s.life, s.end = context.WithCancelCause(context.Background())
	stop := context.AfterFunc(c.life, func() { s.fail(ErrClosed) })
	context.AfterFunc(s.life, func() { stop() })
	if c.cfg.Timeout > 0 {
		s.spawn(s.beat)
	}
	return s
}

// shardsOf returns the shards that a name is to be heard on: that of the
// channel, which is a key as far as the ring goes; all for a pattern, and for
// the channels on which each server speaks of its own keys.
func (v *view) shardsOf(f form, name string) []int {
	if f == toPattern || f == toChannel && (strings.HasPrefix(name, "__keyspace@") || strings.HasPrefix(name, "__keyevent@")) {
		all := make([]int, len(v.links))
		for i := range all {
			all[i] = i
		}
		return all
	}
	return []int{v.Ring.OwnerString(name)}
}

// plan notes what is asked and returns it by shard, for tell. An UNSUBSCRIBE
// without names is from all of the form.
func (s *subscriber) plan(f form, add bool, names []string) map[int][]*ask {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !add && len(names) == 0 {
		for name := range s.wanted[f] {
			names = append(names, name)
		}
	}
	todo := map[int][]*ask{}
	for _, name := range names {
		a := &ask{form: f, add: add, name: name}
		s.asks = append(s.asks, a)
		if !add && !s.wanted[f][name] {
			continue // confirmed without asking
		}
		if s.wanted[f][name] = true; !add {
			delete(s.wanted[f], name)
		}
		for _, shard := range s.v.shardsOf(f, name) {
			todo[shard] = append(todo[shard], a)
			a.left++
		}
	}
	if !add && len(names) == 0 {
		s.asks = append(s.asks, &ask{form: f, none: true})
	}
	s.confirm()
	return todo
}

// confirm tells the receiver of the asks that all shards have confirmed, in the
// order of asking. mu is held.
func (s *subscriber) confirm() {
	for len(s.asks) > 0 && s.asks[0].left == 0 {
		a := s.asks[0]
		s.asks = s.asks[1:]
		if s.confirmed[a.form][a.name] = true; !a.add {
			delete(s.confirmed[a.form], a.name)
		}
		if s.stays {
			continue // Subscribe waits for ready instead
		}
		n := len(s.confirmed[toChannel]) + len(s.confirmed[toPattern])
		if a.form == toShardChannel {
			n = len(s.confirmed[toShardChannel])
		}
		var name any
		if !a.none {
			name = []byte(a.name)
		}
		s.queue = append(s.queue, heard{push: []any{[]byte(a.form.verb(a.add)), name, int64(n)}})
	}
	if len(s.asks) == 0 && s.ready != nil {
		close(s.ready)
		s.ready = nil
	}
	s.signal()
}

func (s *subscriber) signal() {
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// receive returns what was heard next. With errHeardAll it is over, until plan is
// called again.
func (s *subscriber) receive(ctx context.Context, deadline time.Time) (any, error) {
	h, err := s.next(ctx, deadline)
	if err != nil {
		return nil, err
	}
	if h.err != nil {
		return nil, h.err
	}
	return h.push, nil
}

func (s *subscriber) next(ctx context.Context, deadline time.Time) (heard, error) {
	late, stop := timer(deadline)
	defer stop()
	for {
		s.mu.Lock()
		if len(s.queue) > 0 {
			h := s.queue[0]
			s.queue[0], s.queue = heard{}, s.queue[1:]
			s.room.Broadcast()
			s.mu.Unlock()
			return h, nil
		}
		err := s.err
		if err == nil && s.quiet() {
			err = errHeardAll
		}
		s.mu.Unlock()
		if err != nil {
			return heard{}, err
		}
		select {
		case <-s.more:
		case <-ctx.Done():
			return heard{}, ctx.Err()
		case <-late:
			return heard{}, ErrTimeout
		}
	}
}

// quiet reports whether nothing is subscribed to, and the receiver knows. mu is
// held.
func (s *subscriber) quiet() bool {
	n := len(s.queue) + len(s.asks)
	for f := range forms {
		n += len(s.confirmed[f])
	}
	return n == 0
}

// put queues what a listener heard, when there is room. It reports whether the
// subscriber goes on.
func (s *subscriber) put(h heard) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) >= maxQueued && s.err == nil {
		s.room.Wait()
	}
	if s.err == nil {
		s.queue = append(s.queue, h)
		s.signal()
	}
	return s.err == nil
}

// fail ends the subscriber, once. What is queued can still be received.
func (s *subscriber) fail(err error) {
	s.mu.Lock()
	if s.err == nil {
		s.err = err
	}
	s.room.Broadcast()
	s.mu.Unlock()
	s.signal()
	s.end(err)
}

// close ends the subscriber and returns when its listeners have.
func (s *subscriber) close(err error) {
	s.fail(err)
	s.mu.Lock()
	s.queue = nil
	s.mu.Unlock()
	s.work.Wait()
}

// spawn runs f in a goroutine that close and Client.Close wait for, unless it is
// the end already.
func (s *subscriber) spawn(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil || !s.c.gate.enter() {
		return false
	}
	s.work.Go(func() {
		defer s.c.gate.leave()
		f()
	})
	return true
}
