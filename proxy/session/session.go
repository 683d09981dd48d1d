package session

import (
	"github.com/shardring/shardring/proxy/acl"
	"github.com/shardring/shardring/proxy/backend"
	"github.com/shardring/shardring/proxy/iobuf"
	"github.com/shardring/shardring/shard/command"
)

// Session is one client: the requests it has under way, in order, and the
// replies it has not taken.
type Session struct {
	// Out is what the driver has to write; it calls Flushed afterwards.
	Out iobuf.Queue
	// Link is the driver's own.
	Link any

	core    *Core
	pool    *Pool
	lane    *lane
	private *private // what only few sessions have; nil: nothing
	id      uint64
	who     *identity        // what the client says of itself; nil: nothing
	last    *command.Command // the last one
	since   int64            // when it began, ns
	active  int64            // when it last said something, ns
	paid    int64            // see handlePaced
	lookAt  int64            // whether it is idle, ns
	inIdle  int              // its place in Pool.idle; -1: none
	wrote   uint64           // bit i&63: a write was sent to shard i
	writes  []int64          // by shard: when it last wrote, ns; nil: nobody wants to know

	// The FIFO of requests whose replies have not gone out.
	head, tail *Request
	inside     *Request // what begin returns next, instead of one in the FIFO; nil: nothing
	inFlight   int
	average    int // bytes of a reply, decaying: see window
	held       int // bytes of replies that have come and wait for others

	kept  *kept // input that is not handled yet; nil if there is none
	owned *kept // whose buffer the request being handled may take over

	swallow   int // bytes of input that are no request any more
	phase     phase
	user      *acl.User // nil: the client has to log in first
	fenced    bool      // nothing is handled until all before it is answered
	mute      muteness
	reads     reads
	postponed bool // until the end of a pause
	hot       bool // a request with one key may go straight to its shard: see heat
	touched   bool // in Core.touched
	stalled   bool // at a soft limit: not read until it is below half
	queued    bool // in Core.resume
	waits     int  // connections that are full and that it added to
}

// phase is where a session is in its life. It changes in Session.to only.
//
//	open --> draining --> ending --> over
//	  |                     ^ ^       ^
//	  +---------------------+-|-------+  (from any)
type phase uint8

const (
	open     phase = iota
	draining       // nothing more is read; stalled, with input yet to be handled
	ending         // no further request is handled; replies under way still go out
	over           // closed: what is under way has no client
)

func (p phase) String() string { return [...]string{"open", "draining", "ending", "over"}[p] }

// firstWindow is how many requests of a new session may be under way.
const firstWindow = 16

// window returns how many requests may be under way: as many as will not ask for
// more than limits.Output of replies, judging by the last ones. So a client that
// pipelines and does not read costs bounded memory whatever it asks for.
func (s *Session) window() int {
	l := &s.core.limits
	return max(1, min(l.InFlight, l.Output/max(1, s.average)))
}

// measure takes the size of a reply that is whole.
func (s *Session) measure(size int) { s.average += (size - s.average) / 8 }

// Accept begins a session with a new client of the pool.
func (p *Pool) Accept() *Session {
	c := p.core
	p.Stats.Accepted++
	s := &Session{core: c, pool: p, lane: p.lanes[0], id: c.nextID(), since: c.now, active: c.now, user: p.users.Initial(), average: c.limits.Output / firstWindow}
	c.open[s] = struct{}{}
	p.watchIdle(s)
	p.shared.clients.Add(1)
	s.lane.enter()
	s.heat()
	return s
}

// heat decides whether the short way in handle may be taken. It is called
// whenever something changes that the decision depends on.
func (s *Session) heat() {
	pr := s.private
	s.hot = s.user != nil && s.user.Unlimited() && s.pool.pause.until == 0 &&
		(pr == nil || !pr.tx.open && !s.listens() && (pr.track == nil || pr.track.caching == ""))
}

// Pool returns the session's pool.
func (s *Session) Pool() *Pool { return s.pool }

// WantsRead reports whether the driver should read from the client. One that waits for
// something to happen is read, within bounds: else nobody would see it leave, and what
// it waits for would be given to nobody.
func (s *Session) WantsRead() bool {
	if s.phase != open || !s.stalled {
		return s.phase == open
	}
	waits := s.private != nil && s.private.wait != nil
	return waits && (s.kept == nil || len(s.kept.buf) < s.core.limits.Output)
}

// Finished reports whether the driver should close the socket when Out is
// written.
func (s *Session) Finished() bool { return s.phase == over || s.phase == ending && s.head == nil }

// begin adds a request to the FIFO.
func (s *Session) begin() *Request {
	if r := s.inside; r != nil {
		s.inside = nil
		return r
	}
	r := s.core.requests.get()
	r.core, r.session = s.core, s
	if s.mute != speaking {
		r.mute = true
		if s.mute == skipping {
			s.mute = speaking
		}
	}
	if s.tail == nil {
		s.head = r
	} else {
		s.tail.next = r
	}
	s.tail = r
	s.inFlight++
	return r
}

// advance moves the replies that are whole from the FIFO to the output.
func (s *Session) advance() {
	c := s.core
	if s.private != nil && s.head != nil && s.head.done {
		s.private.forgot = s.private.forgot && s.private.held.Len() > 0
	}
	for r := s.head; r != nil && r.done; r = s.head {
		r.goOut()
		s.measure(r.sent)
		s.head = r.next
		if s.head == nil {
			s.tail = nil
		}
		s.inFlight--
		c.release(r)
	}
	if s.private != nil {
		s.tidy()
	}
	if r := s.head; r != nil && r.gather == nil && r.reply.Len() >= c.limits.Stream {
		r.goOut()
		r.started = true
	}
	s.touch()
	s.unstall()
	s.bound()
}

// unread returns the bytes of replies that the client has not taken.
func (s *Session) unread() int { return s.Out.Len() + s.held }

// bound gives a client up that lets too much output pile up.
func (s *Session) bound() {
	if s.unread() > s.pool.most {
		s.cut()
	}
}

// stall reports whether the session has to wait, and remembers it.
func (s *Session) stall() bool {
	l := &s.core.limits
	if s.waits > 0 || s.inFlight >= s.window() || s.unread() >= l.Output {
		s.stalled = true
	}
	return s.stalled
}

// fence makes the session wait until everything under way is answered, and
// reports whether it has to.
func (s *Session) fence() bool {
	if s.inFlight == 0 {
		return false
	}
	s.fenced, s.stalled = true, true
	return true
}

// unstall lets a stalled session go on at the end of the turn if enough has
// gone.
func (s *Session) unstall() {
	l := &s.core.limits
	if s.stalled && !s.queued && s.waits == 0 && s.inFlight <= s.window()/2 && s.unread() <= l.Output/2 && (!s.fenced || s.inFlight == 0) && !s.postponed {
		s.queued = true
		s.core.resume = append(s.core.resume, s)
	}
}

// goOn handles the input that a stalled session kept.
func (s *Session) goOn() {
	s.queued = false
	if s.phase > draining || s.fenced && s.inFlight > 0 { // fenced since then
		return
	}
	s.stalled, s.fenced = false, false
	if k := s.kept; k != nil {
		used := s.run(k.buf, &k.parser)
		if s.phase > draining {
			return
		}
		if used == len(k.buf) {
			s.discardKept(k)
		} else if used > 0 {
			k.buf = append(k.buf[:0], k.buf[used:]...)
		}
	}
	if s.phase == draining && !s.stalled {
		s.end()
	}
	s.touch()
}

// await stalls the session until conn is less full.
func (s *Session) await(conn *backend.Conn) {
	list := s.pool.waiting[conn]
	for _, o := range list {
		if o == s {
			return
		}
	}
	s.pool.waiting[conn] = append(list, s)
	s.waits++
}

// touch tells the driver that the session wants something.
func (s *Session) touch() {
	if !s.touched {
		s.touched = true
		s.core.touched = append(s.core.touched, s)
	}
}

// Flushed is called by the driver after it did what TakeSessions asked for.
func (s *Session) Flushed() {
	s.touched = false
	s.unstall()
}

// EOF is called by the driver when the client has sent everything it will
// send. Requests that have come whole are still answered.
func (s *Session) EOF() {
	if s.phase == open {
		s.pool.Stats.ClientEOF++
	}
	s.Stop()
}

// Stop ends the session after the requests that have come whole: the proxy
// stops. What waits for something to happen is not waited for.
func (s *Session) Stop() {
	switch {
	case s.phase > draining:
	case s.private != nil && s.private.wait != nil:
		s.hangUp()
	case s.phase != open:
	case s.stalled:
		s.to(draining)
	default:
		s.end()
	}
}

// end handles no further request.
func (s *Session) end() {
	if s.phase <= draining {
		s.to(ending)
		s.touch()
	}
}

// cut gives the client up: the driver closes the socket at once.
func (s *Session) cut() {
	s.pool.Stats.ClientErr++
	s.Closed()
	s.touch()
}

// breakOff ends the session within a reply whose end will not come: nothing can
// follow it. What is in the output still goes out.
func (s *Session) breakOff() {
	s.pool.Stats.ClientErr++
	s.hangUp()
}

// hangUp ends the session without the replies under way; what is in the output
// still goes out.
func (s *Session) hangUp() {
	s.to(ending)
	s.abandon()
	s.touch()
}

// Closed is called by the driver when it has closed the socket, for whatever
// reason. What is under way is answered to nobody.
func (s *Session) Closed() {
	if s.phase == over {
		return
	}
	s.to(over)
	delete(s.core.open, s)
	s.pool.forgetIdle(s)
	s.pool.shared.clients.Add(-1)
	s.goAhead()
	s.Out.Reset(s.core.buffer)
	s.abandon()
	s.giveBackAll()
	s.pool.leave(s.lane)
}

// abandon takes the client from all that is under way.
func (s *Session) abandon() {
	for r := s.head; r != nil; {
		next := r.next
		r.session, r.next = nil, nil
		if r.done {
			s.core.release(r)
		} else {
			r.drop()
		}
		r = next
	}
	s.head, s.tail, s.inFlight, s.held = nil, nil, 0, 0
}

func (s *Session) to(p phase) {
	s.phase = p
	if p > draining && s.kept != nil {
		s.discardKept(s.kept)
	}
}
