package backend

// Call is one request that a Conn owes an answer to. It is made by the caller
// and belongs to the Conn from Begin until its Receiver got the last part of
// the reply or Fail. The zero value with To set is ready.
type Call struct {
	To Receiver
	// Patient calls have no time limit: they wait for something to happen.
	Patient bool
	// ReadOnly calls change nothing: one that is lost with its connection is said again.
	ReadOnly bool
	// Inert calls neither read nor write keys: they have no order with what is held.
	Inert bool
	// Key tells whose it is: calls of one Key keep their order, held or not.
	Key uint64
	// Script calls run a program on the node, which may run for long: see Busy.
	Script bool
	// Get is the length of a request to a memcached that is "get " and its keys, and ends in
	// CRLF: then Begin may have it go on the line of another; see Joined. 0: it is something else.
	Get int

	next     *Call
	deadline int64  // ns; 0: none
	at       uint64 // where its request begins; see Conn and stash
	again    bool   // it was lost once
	joined   bool   // its keys are on the line of the call before it: see share.go
}

// Joined reports whether the request goes on the line of the one before: then it is appended
// without its "get".
func (c *Call) Joined() bool { return c.joined }

// Receiver is told what became of a Call, exactly once with done or by Fail.
// It must not begin another call from within.
type Receiver interface {
	// Reply takes the next part of the reply; part is valid during the call
	// only. done: it was the last part, the Conn has let go of c.
	Reply(c *Call, part []byte, done bool)
	// Fail takes the reason why no (further) reply will come; the Conn has
	// let go of c.
	Fail(c *Call, err *Error)
}

// fifo is a queue of calls in the order of their requests.
type fifo struct {
	head, tail *Call
	n          int
	scripts    int   // of them
	load       *Load // counts them; nil: nobody does
}

func (q *fifo) push(c *Call) {
	c.next = nil
	if q.tail == nil {
		q.head = c
	} else {
		q.tail.next = c
	}
	q.tail = c
	q.n++
	if c.Script {
		q.scripts++
	}
	if q.load != nil && !c.Patient {
		q.load.N++
	}
}

func (q *fifo) pop() *Call {
	c := q.head
	q.head, c.next = c.next, nil
	if q.head == nil {
		q.tail = nil
	}
	q.n--
	if c.Script {
		q.scripts--
	}
	if q.load != nil && !c.Patient {
		q.load.N--
	}
	return c
}
