package backend

// Call is one request that a Conn owes an answer to. It is made by the caller
// and belongs to the Conn from Begin until its Receiver got the last part of
// the reply or Fail. The zero value with To set is ready.
type Call struct {
	To Receiver
	// Patient calls have no time limit: they wait for something to happen.
	Patient bool
	// Script calls run a program on the node, which may run for long: see Busy.
	Script bool

	next     *Call
	deadline int64 // ns; 0: none
}

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
	scripts    int // of them
	load       *Load
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
	if !c.Patient {
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
	if !c.Patient {
		q.load.N--
	}
	return c
}
