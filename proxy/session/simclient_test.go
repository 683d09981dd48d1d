package session

import (
	"fmt"

	"github.com/shardring/shardring/shard/resp"
)

// simClient is a client: what it asked, in order, and what it may be told. It
// is the only one that writes its own keys, so it knows what they hold.
type simClient struct {
	w    *simWorld
	pool *simPool
	s    *Session
	id   int

	out  []byte // sent, and not read by the proxy
	in   []byte // in its socket, not read by it
	room int    // in holds no more
	got  []byte // read, and not yet a whole reply
	need int    // got wants to be so long before it is looked at

	listener
	db      int       // as it asked
	spoken  int       // the protocol, as it asked
	proto   int       // that of the replies
	tracked bool      // it may be told of keys
	hunted  bool      // somebody ends it
	target  bool      // it may be told of keys that others track
	waitFor *question // it says nothing more before its reply
	then    func()    // is what it says next

	largest int // of its requests, in bytes
	asked   []*question
	keys    map[string]*holding
	seq     int
	opaques int              // of memcached: requests with one
	written map[string]int   // by key: changes that it asked for
	stamps  map[string]stamp // by key
	started int64            // when it connected

	knocked bool // has sent AUTH
	logged  bool // has been told that it is logged in
	lazy    bool // does not read
	shut    bool // sends no more
	told    bool // the proxy knows that
	mute    bool // generates nothing more: QUIT, or the half-close, was the last
	ended   bool // the proxy has closed
	gone    bool
}

// question is a request and what its reply may be.
type question struct {
	name  string
	keys  []string
	sent  int64
	split bool
	last  bool // the proxy closes after the reply
	open  bool // needs no login
	waits bool // for something to happen
	muted bool // has no reply

	// Of memcached:
	reads  bool   // and nothing else
	quiet  bool   // has no reply if all is well
	long   bool   // such a line is read only if it comes at once
	opaque string // is in the reply, but in one of a failure
	pass   func() // told that there was no reply

	listens bool // failing, the session ends
	// check judges a reply that is not a failure. failed is told of one.
	check  func(r reply) error
	failed func(o outcome)
}

func (w *simWorld) accept() {
	p := w.pools[w.rng.IntN(len(w.pools))]
	if _, text := p.speaks.(textWords); text && w.one(2) { // two of three are Redis's
		p = w.pools[w.rng.IntN(len(w.pools))]
	}
	w.lastID++
	c := &simClient{
		w: w, pool: p, s: p.pool.Accept(), id: w.lastID, room: 1 << (6 + w.rng.IntN(14)),
		keys: map[string]*holding{}, written: map[string]int{}, stamps: map[string]stamp{}, started: w.now, spoken: 2, proto: 2,
		listener: listener{due: map[*simLink][]message{}},
	}
	c.s.Link = c
	w.clients = append(w.clients, c)
	if p.admits != "" && !w.one(4) {
		c.login()
	}
}

func (c *simClient) fatalf(format string, args ...any) {
	c.w.t.Helper()
	c.w.t.Fatalf("client %d of pool %s: %s", c.id, c.pool.pool.Name, fmt.Sprintf(format, args...))
}

// send adds a request and what is expected of it.
func (c *simClient) send(q *question, args ...string) {
	q.sent = c.w.now
	if q.name == "" {
		q.name = args[0]
	}
	c.asked = append(c.asked, q)
	before := len(c.out)
	c.out = resp.AppendRequest(c.out, args...)
	c.largest = max(c.largest, len(c.out)-before)
}

// sendLine adds a request as a line of text.
func (c *simClient) sendLine(q *question, line string) {
	q.sent, q.name = c.w.now, line
	c.asked = append(c.asked, q)
	c.out = append(c.out, line+"\r\n"...)
}

// event is something a client does by chance.
func (c *simClient) event() {
	w := c.w
	switch {
	case c.ended:
		c.read(w.cut(len(c.in)))
	case len(c.out) > 0 && w.one(2):
		c.arrive(w.cut(len(c.out)))
	case len(c.in) > 0 && !c.lazy && w.one(2):
		c.read(w.cut(len(c.in)))
	case !c.mute && c.waitFor == nil && len(c.asked) < 60 && len(c.out) < 4<<20:
		for range 1 + w.rng.IntN(6) {
			c.ask()
		}
	case w.one(10):
		c.lazy = !c.lazy
	case c.mute && len(c.out) == 0 && len(c.asked) == 0 && !c.told:
		c.halfClose()
	}
}

// misbehave: the client goes away, or sends no more, or what is no request.
func (c *simClient) misbehave() {
	switch c.w.rng.IntN(5) {
	case 0:
		c.reset()
	case 1:
		c.halfClose()
	case 2:
		c.lazy = true
	case 3:
		if c.mute {
			return
		}
		c.mute = true
		c.pool.speaks.garbage(c)
	case 4:
		c.quit()
	}
}

func (c *simClient) quit() {
	if !c.mute {
		c.pool.speaks.quit(c)
		c.mute = true
	}
}

func (c *simClient) halfClose() { c.mute, c.shut = true, true }

func (c *simClient) reset() {
	if !c.ended {
		c.s.Closed()
	}
	c.gone = true
}

// arrive lets the proxy read n bytes, if it wants to, or the end.
func (c *simClient) arrive(n int) {
	if c.ended {
		return
	}
	if n = min(n, 64<<10); n > 0 {
		if !c.s.WantsRead() {
			return
		}
		b := c.w.lend(c.out[:n])
		c.out = c.out[n:]
		if len(c.out) == 0 {
			c.out = nil
		}
		c.s.Received(b)
		clear(b)
	}
	// The end may come while the session is stalled.
	if len(c.out) == 0 && c.shut && !c.told {
		c.told = true
		c.s.EOF()
	}
}

// flushSession does what a driver does for a session that was touched.
func (w *simWorld) flushSession(s *Session) {
	defer s.Flushed()
	c := s.Link.(*simClient)
	if c.gone || c.ended {
		return
	}
	for s.Out.Len() > 0 && len(c.in) < c.room {
		f := s.Out.Front()
		n := w.cut(min(len(f), c.room-len(c.in)))
		c.in = append(c.in, f[:n]...)
		s.Out.Discard(w.core.Buffers(), n)
	}
	if s.Finished() && s.Out.Len() == 0 {
		c.ended = true
		s.Closed()
	}
}

// read takes n bytes and looks at the replies in them.
func (c *simClient) read(n int) {
	c.got = append(c.got, c.in[:n]...)
	c.in = append(c.in[:0], c.in[n:]...)
	if !c.ended && len(c.in) < c.room && c.s.Out.Len() > 0 {
		c.w.flushSession(c.s)
	}
	at := 0
	for at < len(c.got) && len(c.got)-at >= c.need {
		r, k, need, err := c.pool.speaks.reply(c.got[at:])
		if err != nil {
			c.fatalf("%v", err)
		}
		c.need = need
		if k == 0 {
			break
		}
		at += k
		c.w.replies++
		c.pool.speaks.answer(c, r)
	}
	c.got = append(c.got[:0], c.got[at:]...)
	if c.ended && len(c.in) == 0 {
		c.closed()
	}
}

// answer judges one reply.
func (c *simClient) answer(r reply) {
	if c.pushed(r) {
		return
	}
	for len(c.asked) > 0 && c.asked[0].muted {
		c.asked[0].failed(maybe)
		c.asked = c.asked[1:]
	}
	if len(c.asked) == 0 {
		c.fatalf("a reply that it did not ask for: %v", r)
	}
	q := c.asked[0]
	c.asked = c.asked[1:]
	if q == c.waitFor {
		c.waitFor = nil
	}
	if err := r.speak(c.proto); err != nil {
		c.fatalf("%s %q: %v: %v", q.name, q.keys, r, err)
	}
	if !c.logged && c.pool.admits != "" && !q.open {
		if err := want("-NOAUTH Authentication required.")(r); err != nil {
			c.fatalf("%s before login: %v: %v", q.name, r, err)
		}
		if q.failed != nil {
			q.failed(not)
		}
		return
	}
	if r.typ == '-' {
		if o, ok, err := c.failure(q, r.text); err != nil {
			c.fatalf("%s %q: %v: %v", q.name, q.keys, r, err)
		} else if ok {
			c.w.failures++
			if q.failed != nil {
				q.failed(o)
			}
			return
		}
	}
	if q.check == nil {
		c.fatalf("%s %q: unexpected reply %v", q.name, q.keys, r)
	}
	if err := q.check(r); err != nil {
		c.fatalf("%s %q: reply %v: %v", q.name, q.keys, r, err)
	}
}
