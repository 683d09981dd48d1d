package session

import (
	"bytes"
	"errors"
	"io"
	"slices"

	"github.com/shardring/shardring/proxy/backend"
)

var (
	errRefused = errors.New("connect: connection refused")
	errReset   = errors.New("read: connection reset by peer")
)

// simLink is a connection between the core and a node: the socket, what is in
// it, and the driver's part of a backend.Conn.
type simLink struct {
	w    *simWorld
	node *simNode
	conn *backend.Conn

	linkState

	connected bool
	gone      bool
	in, out   []byte // on their way to the node, and from it
	refused   bool   // out has a refusal
	room      int    // in holds no more
	timeouts  uint64 // that the connection had when it was last without anything under way
}

// flushConn does what a driver does for a connection that Wake named.
func (w *simWorld) flushConn(c *backend.Conn) {
	defer c.Flushed()
	l, _ := c.Link.(*simLink)
	switch {
	case c.State() == backend.Closing:
		if l != nil {
			l.drop()
		}
		c.Broken(nil, w.now)
	case c.State() == backend.Dialing && l == nil:
		w.dial(c)
	case l != nil && l.connected:
		l.write()
	}
}

func (w *simWorld) dial(c *backend.Conn) {
	n := w.nodes[c.Addr]
	l := &simLink{w: w, node: n, conn: c, room: 1 << (8 + w.rng.IntN(12)), timeouts: c.Stats.Timeouts}
	c.Link = l
	if n.mode == down && w.one(2) {
		c.Broken(errRefused, w.now)
		return
	}
	n.links = append(n.links, l)
	w.links = append(w.links, l)
	if n.mode != down && w.one(8) {
		l.connect()
	}
}

func (l *simLink) connect() {
	l.connected = true
	l.w.lastLink++
	l.linkState = linkState{id: l.w.lastLink, proto: 2}
	l.conn.Connected(l.w.now)
	l.w.flushConn(l.conn)
}

// write takes what the connection has to say, as far as there is room.
func (l *simLink) write() {
	q := &l.conn.Out
	for q.Len() > 0 && len(l.in) < l.room {
		f := q.Front()
		n := l.w.cut(min(len(f), l.room-len(l.in)))
		l.in = append(l.in, f[:n]...)
		l.conn.Wrote(n)
	}
}

// work lets the node execute up to limit commands.
func (l *simLink) work(limit int) {
	at := 0
	for range limit {
		if l.waiting != nil {
			break
		}
		args, n, err := l.node.pool.speaks.parse(l.in[at:])
		if err != nil {
			l.w.t.Fatalf("%s: the proxy sent no command: %v", l.node.name, err)
		}
		if n == 0 {
			// Room for the rest of a command that is larger than the socket's.
			l.room = max(l.room, 2*(len(l.in)-at))
			break
		}
		l.out = append(l.out, l.execute(args)...)
		at += n
	}
	l.in = append(l.in[:0], l.in[at:]...)
	if len(l.in) < l.room && l.conn.Out.Len() > 0 {
		l.w.flushConn(l.conn)
	}
}

// execute has the node answer one command.
func (l *simLink) execute(args [][]byte) []byte {
	return l.node.pool.speaks.execute(l.node, l, args)
}

// deliver hands the core n bytes of what the node said. They are overwritten
// afterwards, for the core may not keep them.
func (l *simLink) deliver(n int) {
	n = min(n, 64<<10)
	for _, refusal := range [...]string{"-READONLY You", "-LOADING Redis"} {
		l.refused = l.refused || bytes.Contains(l.out, []byte(refusal))
	}
	if l.refused || l.node.pool.password != "" && !l.login {
		l.node.wrong() // however long ago it said so
	}
	b := l.w.lend(l.out[:n])
	l.out = l.out[n:]
	if len(l.out) == 0 {
		l.out, l.refused = nil, false
	}
	l.conn.Received(b, l.w.now)
	clear(b)
}

// drop forgets the socket, which the proxy closed: what is in it may still be
// executed.
func (l *simLink) drop() {
	for l.connected && l.waiting == nil && !l.w.one(3) {
		args, n, _ := l.node.pool.speaks.parse(l.in)
		if n == 0 {
			break
		}
		l.execute(args)
		l.in = l.in[n:]
	}
	l.remove()
}

// kill ends the connection from the node's side: some of what came is executed,
// some of what it said arrives.
func (l *simLink) kill() {
	l.node.wrong()
	if !l.connected {
		l.remove()
		l.conn.Broken(errRefused, l.w.now)
		return
	}
	for len(l.in) > 0 && l.waiting == nil && !l.w.one(3) {
		args, n, _ := l.node.pool.speaks.parse(l.in)
		if n == 0 {
			break
		}
		l.out = append(l.out, l.execute(args)...)
		l.in = l.in[n:]
	}
	for k := l.w.rng.IntN(len(l.out) + 1); k > 0 && !l.gone; {
		n := min(l.w.cut(k), 64<<10)
		l.deliver(n)
		k -= n
	}
	if l.gone {
		return
	}
	l.remove()
	err := io.EOF
	if l.w.one(2) {
		err = errReset
	}
	l.conn.Broken(err, l.w.now)
}

// babble says something that is no reply, between two replies.
func (l *simLink) babble() {
	if !l.connected || len(l.out) > 0 || len(l.in) > 0 {
		return
	}
	l.node.wrong()
	idle := l.conn.InFlight() == 0 && l.conn.Out.Len() == 0 && l.conn.State() == backend.Ready
	l.out = append(l.out, l.node.pool.speaks.noise(idle)...)
	l.deliver(l.w.cut(len(l.out)))
}

func (l *simLink) remove() {
	l.gone = true
	same := func(o *simLink) bool { return o == l }
	l.node.links = slices.DeleteFunc(l.node.links, same)
	l.w.links = slices.DeleteFunc(l.w.links, same)
}

// event is something that happens on a connection by chance.
func (l *simLink) event() {
	n, w := l.node, l.w
	if l.conn.Spotless() {
		l.timeouts = l.conn.Stats.Timeouts
	}
	switch {
	case !l.connected:
		if n.mode != down {
			l.connect()
		} else if w.one(4) { // or it hangs
			l.kill()
		}
	case len(l.out) > 0 && (n.mode != stalled || w.one(20)) && !w.one(3):
		l.deliver(w.cut(len(l.out)))
	case n.mode != stalled:
		l.work(1 + w.rng.IntN(8))
	}
}

// finish does everything there is to do on a connection to a healthy node.
func (l *simLink) finish() (busy bool) {
	if !l.connected {
		l.connect()
	}
	for !l.gone && (len(l.in) > 0 || len(l.out) > 0) {
		before := len(l.in)
		if l.work(1000); l.waiting != nil && len(l.in) == before && len(l.out) == 0 {
			break // a script runs
		}
		busy = true
		for len(l.out) > 0 && !l.gone {
			l.deliver(l.w.cut(len(l.out)))
		}
		if len(l.in) == before {
			break // half a command: the rest is in the core
		}
	}
	return busy
}
