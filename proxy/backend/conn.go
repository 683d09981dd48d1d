package backend

import (
	"errors"
	"time"

	"github.com/shardring/shardring/proxy/iobuf"
	"github.com/shardring/shardring/proxy/memcache"
	"github.com/shardring/shardring/shard/resp"
)

// Config is what a Conn connects to and how patient it is.
type Config struct {
	Shard    string // the shard's name, for errors
	Network  string // "tcp" or "unix"
	Addr     string // host:port or path; "": nobody knows it yet, and calls wait for an heir
	Password string // sent by AUTH before anything else; "" sends none
	Username string // with Password: an ACL user; "" is the default user
	Database int    // selected before anything else; 0 selects none
	Proto    int    // 3: the node is asked for RESP3 before anything else
	Identify bool   // ask the node for RemoteID before anything else
	// Memcached: the node speaks memcached's text protocol, not Redis's.
	Memcached bool

	DialTimeout time.Duration // how long a connect may take; 0: 1 s
	Timeout     time.Duration // how long a call may take; 0: no limit
	MinBackoff  time.Duration // after the first failed connect; 0: 10 ms
	MaxBackoff  time.Duration // after many; 0: 500 ms
	HighWater   int           // Full is true above so many unsent bytes; 0: 1 MiB
	Load        *Load         // of the node; nil: of this connection alone, without a limit
}

// Host is what a Conn needs of the loop it lives in.
type Host interface {
	// Wake is called when the driver has something to do for c: to dial,
	// to write or to close. It is called once until the driver has done so.
	Wake(c *Conn)
	// Failed reports that c's node could not be reached, went away with
	// calls under way, or kept a call waiting past its time.
	Failed(c *Conn, err *Error)
	// Recovered reports the first reply after a failure.
	Recovered(c *Conn)
	// Doubted reports that c's node refused a call, as one does that has lost its
	// place: see hold.go.
	Doubted(c *Conn)
	// Drained is called when c stops being Full.
	Drained(c *Conn)
	// Rand returns a number in [0, 1): the jitter of back-offs.
	Rand() float64
}

// Conn is one connection to a node, from before it is dialled to after it is
// lost, and over again.
//
// Invariants: the node owes late+calls.n replies, in this order: first those of
// calls whose time ran out (dropped when they come), then those of calls; but one only to
// those of a line of memcached's, see share.go. The requests
// of calls are in kept (written) and Out, in order, call.at is where they begin, counted
// from the connection's first byte. What is in again and next has not been given to
// the connection; see hold.go.
type Conn struct {
	Config

	// Out is what the driver has to write; it calls Flushed afterwards.
	Out iobuf.Queue
	// Link is the driver's own; nil when it has no socket for this Conn.
	Link any
	// Stats only grow; they are read on the loop.
	Stats Stats
	// Owner is told what is not the answer to a call; nil for a connection that
	// many share, on which that ends the connection. See private.go.
	Owner Owner
	// Fallback takes the calls that this Conn's node refuses or loses, which must all be
	// ReadOnly: a Conn to the primary of a replica. nil: there is none.
	Fallback *Conn
	// Subscriber says that every array is a push once the calls have their replies,
	// as on a connection of RESP2 that has subscribed.
	Subscriber bool
	// RemoteID is the node's CLIENT ID of this connection, if Identify asked.
	RemoteID int64
	// Scripts are the digests, in hexadecimal, of the scripts that were loaded over this
	// connection, those of ScriptsEpoch; whoever loads them keeps them.
	Scripts      map[[40]byte]bool
	ScriptsEpoch uint64

	host  Host
	pool  *iobuf.Pool
	state State
	woken bool // Wake was called and the driver has not come yet
	full  bool // Full was reported and Drained was not

	calls   fifo        // under way
	kept    iobuf.Queue // their requests, as far as they were written, from keptAt on
	keptAt  uint64
	written uint64 // bytes that have left Out
	ended   uint64 // calls that were under way
	late    int    // replies still owed for calls that timed out
	cut     resp.Cutter
	text    memcache.Cutter // in the place of cut, with Memcached
	share   share           // likewise, while several calls have one reply
	getter  *Call           // the last call, if more keys may be added to its line; see join
	lineAt  uint64          // where that line begins
	mid     bool            // a part of the first call's reply has come
	push    bool            // the reply being cut is a push
	greet   greeting

	next     stash               // begun while they could not be sent
	again    stash               // to be said again, before next
	behind   map[uint64]struct{} // sessions with calls in again or next, or in another Conn's calls; by Call.Key
	stale    map[uint64]struct{} // sessions with a refused call in again
	holding  bool                // behind or frozen
	frozen   bool
	skip     bool   // the reply being cut is dropped, its call held
	line     []byte // of an error that may be a refusal, as far as it has come
	refusal  string // the last
	resumeAt int64  // say again what is held from then on, ns
	barrier  uint64 // and when so many calls have ended
	heir     *Conn  // to the node that has this one's place now
	prev     *Conn  // whose heir this is, while it may have calls under way
	leaveBy  int64  // with an heir: give up what is under way then, ns

	dialBy   int64 // in Dialing and Greeting: give up then, ns
	heardAt  int64 // since when the node is silent while it owes a reply, ns
	askedAt  int64 // when pushes were asked for that have not all come, ns; 0: none were
	retryAt  int64 // in Waiting: dial again from then on, ns
	failures int   // failures in a row
	silent   bool  // the last connection was given up because the node said nothing
	lastErr  error // why the last connection ended
	retire   bool  // retire as soon as nothing is under way
}

// Stats counts what happened on a Conn, in units of one.
type Stats struct {
	Requests, RequestBytes uint64
	Replies, ReplyBytes    uint64
	Connects               uint64 // connections made
	EOF, Errors, Timeouts  uint64 // connections ended by the node, by an error; calls timed out
}

// NewConn returns a Conn in state Idle; cfg has the defaults of its fields.
func NewConn(cfg Config, host Host, pool *iobuf.Pool) *Conn {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&cfg.DialTimeout, dialTimeout)
	def(&cfg.MinBackoff, 10*time.Millisecond)
	def(&cfg.MaxBackoff, 500*time.Millisecond)
	if cfg.HighWater == 0 {
		cfg.HighWater = 1 << 20
	}
	if cfg.Load == nil {
		cfg.Load = new(Load)
	}
	c := &Conn{Config: cfg, host: host, pool: pool}
	c.calls.load, c.again.calls.load, c.next.calls.load = cfg.Load, cfg.Load, cfg.Load
	return c
}

// State returns where the Conn is in its life.
func (c *Conn) State() State { return c.state }

// InFlight returns the number of calls that wait for a reply.
func (c *Conn) InFlight() int { return c.calls.n + c.again.calls.n + c.next.calls.n }

// Unsent returns the bytes of requests that have not been written.
func (c *Conn) Unsent() int { return c.Out.Len() + c.again.bytes.Len() + c.next.bytes.Len() }

// Full reports whether so much is unsent, or unanswered, that whoever adds to it
// should stop until Host.Drained.
func (c *Conn) Full() bool {
	if c.Unsent() > c.HighWater || c.kept.Len() > maxKept {
		c.full = true
	}
	return c.full
}

// Open dials if there is no connection: for connecting before the first call.
func (c *Conn) Open(now int64) {
	if c.state == Idle || c.state == Waiting && now >= c.retryAt {
		c.dial(now)
	}
}

// Begin takes a call and returns the queue to which its request is appended at
// once, before anything else happens to the Conn. An error means that nothing
// was taken.
func (c *Conn) Begin(call *Call, now int64) (*iobuf.Queue, *Error) {
	if err := c.tooMany(call); err != nil {
		return nil, err
	}
	if err := c.use(now); err != nil {
		return nil, err
	}
	call.deadline, call.again = 0, false
	if c.Timeout > 0 && !call.Patient {
		call.deadline = now + int64(c.Timeout)
	}
	return c.place(call, now), nil
}

// place takes a call and returns where its request goes.
func (c *Conn) place(call *Call, now int64) *iobuf.Queue {
	if c.state != Ready || c.holding && c.holds(call) {
		if c.state == Ready && call.deadline == 0 {
			call.deadline = now + heldFor
		}
		return c.next.push(call)
	}
	if c.late+c.calls.n == 0 {
		c.heardAt = max(c.heardAt, now) // it had nothing to say until now
	}
	if call.Get > 0 {
		call.joined = c.join(call)
	} else {
		c.getter = nil
	}
	call.at = c.end()
	c.calls.push(call)
	c.wake()
	return &c.Out
}

// Send returns the queue to which a request is appended at once that no reply
// answers, but pushes to the Conn's Owner.
func (c *Conn) Send(now int64) (*iobuf.Queue, *Error) {
	if err := c.use(now); err != nil {
		return nil, err
	}
	if c.state != Ready {
		return &c.next.bytes, nil
	}
	c.wake()
	return &c.Out, nil
}

// use has a connection made if there is none.
func (c *Conn) use(now int64) *Error {
	if c.stuck(now) {
		return c.fault(Down, errStuck(c.Timeout), false)
	}
	switch c.state {
	case Ready:
	case Idle:
		c.dial(now)
	case Waiting:
		if now >= c.retryAt {
			c.dial(now)
		} else if !c.loading() {
			return c.fault(c.why(), c.lastErr, false)
		}
	case Closing, Retired:
		return c.fault(c.why(), c.lastErr, false)
	}
	c.Stats.Requests++
	return nil
}

// Connected is called by the driver when its dial has succeeded.
func (c *Conn) Connected(now int64) {
	if c.state != Dialing {
		return
	}
	c.heardAt = now
	c.Stats.Connects++
	if c.greet.begin(c) {
		c.to(Greeting)
		c.wake()
		return
	}
	c.ready()
}

func (c *Conn) ready() {
	c.to(Ready)
	c.silent = false
	c.Out.Reset(c.pool)
	c.kept.Reset(c.pool)
	c.written, c.keptAt = 0, 0
	c.holding, c.resumeAt, c.barrier = true, 0, 0
	if c.resume(c.heardAt); c.holding {
		c.keepBehind()
	}
	if c.retire {
		c.Retire()
	}
	c.wake()
	if c.Owner != nil {
		c.Owner.Ready(c)
	}
}

// Ask is Send for a request that pushes answer, and gives the node as long as for a
// reply to say something, until Answered is called.
func (c *Conn) Ask(now int64) (*iobuf.Queue, *Error) {
	q, err := c.Send(now)
	if err == nil {
		c.askedAt = now
	}
	return q, err
}

// Answered is told that all has come that Ask asked for.
func (c *Conn) Answered() { c.askedAt = 0 }

// Received takes bytes from the node. After an error in them the Conn is
// Closing and the rest was ignored.
func (c *Conn) Received(b []byte, now int64) {
	c.heardAt = now
	c.Stats.ReplyBytes += uint64(len(b))
	for len(b) > 0 {
		if c.state != Ready && c.state != Greeting {
			return
		}
		if c.Owner != nil && !c.cut.Begun() && c.greet.left == 0 {
			c.push = b[0] == '>' || b[0] == '*' && c.Subscriber && c.late+c.calls.n == 0
		}
		if !c.push && c.late == 0 && c.calls.n == 0 && c.greet.left == 0 {
			c.abort(Lost, errUnexpected)
			return
		}
		if c.Memcached && c.shared() {
			n, err := c.shareOut(b)
			if err != nil {
				c.abort(Lost, err)
				return
			}
			b = b[n:]
			continue
		}
		n, done, err := 0, false, error(nil)
		if c.Memcached {
			n, done, err = c.text.Cut(b)
		} else {
			n, done, err = c.cut.Cut(b)
		}
		if err != nil {
			c.abort(Lost, err)
			return
		}
		if c.push {
			c.pushed(b[:n], done)
		} else {
			c.deliver(b[:n], done)
		}
		b = b[n:]
	}
	c.forget()
	if c.full {
		c.relieve()
	}
	if c.heir != nil && c.calls.n == 0 {
		c.last().resume(now)
	}
	if c.retire {
		c.Retire()
	}
}

// deliver hands a part of a reply to whom it belongs.
func (c *Conn) deliver(part []byte, done bool) {
	switch {
	case c.greet.left > 0:
		if err := c.greet.reply(c, part, done); err != nil {
			c.refused(err)
		} else if c.greet.left == 0 {
			c.ready()
		}
	case c.late > 0:
		if done {
			c.late--
		}
	default:
		call := c.calls.head
		if !c.mid && (part[0] == '-' || c.stale != nil || c.heir != nil) || c.skip || len(c.line) > 0 {
			if c.Owner == nil && c.diverted(call, part, done) {
				return
			}
		}
		c.answered(call, part, done)
	}
}

// answered hands a part of the first call's reply to it.
func (c *Conn) answered(call *Call, part []byte, done bool) {
	c.mid = !done
	if done {
		c.pop()
		c.Stats.Replies++
		if c.failures > 0 {
			c.failures = 0
			c.host.Recovered(c)
		}
	}
	call.To.Reply(call, part, done)
}

// Flushed is called by the driver after it wrote from Out, and after it did
// whatever else Wake asked for.
func (c *Conn) Flushed() {
	c.woken = false
	c.relieve()
}

// relieve ends being Full when enough has gone.
func (c *Conn) relieve() {
	if c.full && c.Unsent() <= c.HighWater/2 && c.kept.Len() <= maxKept/2 {
		c.full = false
		c.host.Drained(c)
	}
}

func (c *Conn) dial(now int64) {
	c.clear()
	c.dialBy = now + int64(c.DialTimeout)
	c.to(Dialing)
	if c.Addr == "" {
		c.dialBy = now + heldFor
		return // there is nothing for the driver to do
	}
	c.wake()
}

func (c *Conn) to(s State) { c.state = s }

func (c *Conn) wake() {
	if !c.woken {
		c.woken = true
		c.host.Wake(c)
	}
}

var errUnexpected = errors.New("a reply that nobody asked for")
