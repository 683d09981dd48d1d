package engine

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/shardring/shardring/proxy/backend"
	"github.com/shardring/shardring/proxy/session"
)

// goroutineLoop runs a core on one goroutine. Each socket has a reader and a
// writer goroutine; what they have to say goes to the loop as functions, and
// what the core wants is handed to them over channels.
type goroutineLoop struct {
	base
	mail mailbox
	news chan struct{} // holds a token while there may be mail
	over chan struct{} // closed when the loop has ended

	taken []func() // mail, used

	socks     map[*pipe]struct{} // open sockets
	listeners []net.Listener
	conns     []*backend.Conn
	sessions  []*session.Session
	stopping  bool
	wg        sync.WaitGroup // readers, writers, acceptors
}

// pipe is a socket with its two goroutines. The loop's goroutine owns all
// fields but conn, which the two use.
type pipe struct {
	net  net.Conn
	read chan struct{} // one: the reader may read again
	out  chan []byte   // the writer's; at most one slice is under way
	busy bool          // the writer has not returned out's slice
	buf  []byte        // what the writer writes, used again

	session *session.Session
	conn    *backend.Conn
	pool    int
	idle    bool // the reader waits for read
	gone    bool
}

// writeSize is the most that is handed to a writer at once.
const writeSize = 256 << 10

func newGoroutineLoop(e *Engine, i int) loop {
	l := &goroutineLoop{
		base: newBase(e, i), news: make(chan struct{}, 1), over: make(chan struct{}),
		socks: map[*pipe]struct{}{},
	}
	if i == 0 {
		for _, p := range e.cfg.Pools {
			l.listeners = append(l.listeners, p.Listener)
		}
	}
	return l
}

func (l *goroutineLoop) close() {
	for _, ln := range l.listeners {
		ln.Close()
	}
}

func (l *goroutineLoop) post(f func()) bool {
	if !l.mail.put(f) {
		return false
	}
	select {
	case l.news <- struct{}{}:
	default:
	}
	return true
}

func (l *goroutineLoop) run(grace time.Duration) {
	for i, ln := range l.listeners {
		l.wg.Go(func() { l.accept(i, ln) })
	}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	deadline := int64(0)
	for !l.stopping || l.core.Sessions() > 0 {
		if l.stopping && deadline == 0 {
			deadline = clock() + int64(grace)
		}
		if deadline != 0 && clock() >= deadline {
			break
		}
		l.turn(timer, deadline)
	}
	close(l.over)
	for _, f := range l.mail.close() {
		f() // whoever waits for it must not wait for ever
	}
	for s := range l.socks {
		if s.session != nil {
			s.session.Closed()
			l.leave(s.pool)
		}
		s.gone = true
		s.net.Close()
		close(s.read)
		close(s.out)
	}
	clear(l.socks)
	l.core.End() // others may wait for what a session that ends has to say
	l.wg.Wait()
}

// turn waits for something to do, does all there is, and tells the writers.
func (l *goroutineLoop) turn(timer *time.Timer, deadline int64) {
	now := clock()
	wait := l.core.Wait(now)
	if deadline != 0 && (wait < 0 || wait > 10*time.Millisecond) {
		wait = 10 * time.Millisecond
	}
	switch {
	case wait == 0:
	case wait < 0:
		<-l.news
	default:
		timer.Reset(wait)
		select {
		case <-l.news:
		case <-timer.C:
		}
	}
	l.core.Begin(clock())
	l.taken = l.mail.take(l.taken)
	for _, f := range l.taken {
		f()
	}
	l.core.End()
	l.flush()
}

func (l *goroutineLoop) stop() {
	l.stopping = true
	l.close()
	for s := range l.socks {
		if s.session != nil {
			s.session.Stop()
		}
	}
}

func (l *goroutineLoop) flush() {
	l.conns = l.core.TakeConns(l.conns)
	for _, c := range l.conns {
		l.flushConn(c)
	}
	l.sessions = l.core.TakeSessions(l.sessions)
	for i, s := range l.sessions {
		l.flushSession(s)
		l.sessions[i] = nil
	}
}

// accept hands new clients to the loops.
func (l *goroutineLoop) accept(pool int, ln net.Listener) {
	for {
		c, err := ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			l.log.Error("accept failed, trying again in 100 ms", "pool", l.pools[pool].Name, "error", err)
			select {
			case <-time.After(100 * time.Millisecond):
				continue
			case <-l.over:
				return
			}
		}
		if !l.engine.gates[pool].enter() {
			io.WriteString(c, tooMany)
			c.Close()
			continue
		}
		i := l.engine.least()
		l.engine.load[i].Add(1)
		to := l.engine.loops[i].(*goroutineLoop)
		if !to.post(func() { to.client(c, pool) }) {
			to.leave(pool)
			c.Close()
		}
	}
}

func (l *goroutineLoop) leave(pool int) {
	l.engine.gates[pool].leave()
	l.engine.load[l.index].Add(-1)
}

func (l *goroutineLoop) client(c net.Conn, pool int) {
	if l.stopping {
		c.Close()
		l.leave(pool)
		return
	}
	if t, ok := c.(*net.TCPConn); ok {
		t.SetKeepAlive(l.pools[pool].Config().TCPKeepAlive)
	}
	s := &pipe{net: c, pool: pool, session: l.pools[pool].Accept()}
	s.session.Link = s
	l.start(s)
}

// start begins a socket's goroutines.
func (l *goroutineLoop) start(s *pipe) {
	s.read, s.out = make(chan struct{}, 1), make(chan []byte, 1)
	l.socks[s] = struct{}{}
	s.read <- struct{}{}
	l.wg.Go(func() { l.reader(s) })
	l.wg.Go(func() { l.writer(s) })
}

// reader reads when it may, until the socket ends.
func (l *goroutineLoop) reader(s *pipe) {
	buf := make([]byte, 16<<10)
	for range s.read {
		n, err := s.net.Read(buf)
		if !l.post(func() { l.received(s, buf[:n], err) }) || err != nil {
			return
		}
	}
}

// received is called on the loop with what a reader read.
func (l *goroutineLoop) received(s *pipe, b []byte, err error) {
	if s.gone {
		return
	}
	now := clock()
	s.idle = err == nil
	switch {
	case s.conn != nil:
		s.conn.Received(b, now)
		if err != nil {
			l.remove(s)
			s.conn.Broken(err, now)
			return
		}
	case s.session != nil:
		s.session.Received(b)
		if err == io.EOF {
			s.session.EOF()
			return
		}
		if err != nil {
			l.drop(s)
			return
		}
	}
	l.goOn(s)
}

// goOn lets the reader read again if its bytes are wanted.
func (l *goroutineLoop) goOn(s *pipe) {
	if s.idle && !s.gone && (s.conn != nil || s.session.WantsRead()) {
		s.idle = false
		s.read <- struct{}{}
	}
}

// writer writes what it is handed.
func (l *goroutineLoop) writer(s *pipe) {
	for b := range s.out {
		_, err := s.net.Write(b)
		if !l.post(func() { l.wrote(s, err) }) {
			return
		}
	}
}

// wrote is called on the loop when a writer has finished.
func (l *goroutineLoop) wrote(s *pipe, err error) {
	s.busy = false
	switch {
	case s.gone:
	case s.conn != nil:
		if err != nil {
			l.remove(s)
			s.conn.Broken(err, clock())
			return
		}
		l.flushConn(s.conn)
	case err != nil:
		l.drop(s)
	default:
		l.flushSession(s.session)
	}
}

// hand gives the writer the next bytes of a queue, if it has nothing to do.
func (l *goroutineLoop) hand(s *pipe, q interface {
	Len() int
	Peek([]byte) int
}, discard func(int)) {
	if s.busy || q.Len() == 0 {
		return
	}
	n := min(q.Len(), writeSize)
	if cap(s.buf) < n {
		s.buf = make([]byte, n)
	}
	b := s.buf[:n]
	q.Peek(b)
	discard(n)
	s.busy = true
	s.out <- b
}

func (l *goroutineLoop) flushSession(c *session.Session) {
	defer c.Flushed()
	s, _ := c.Link.(*pipe)
	if s == nil {
		return
	}
	l.hand(s, &c.Out, func(n int) { c.Out.Discard(l.core.Buffers(), n) })
	if c.Finished() && c.Out.Len() == 0 && !s.busy {
		l.drop(s)
		return
	}
	l.goOn(s)
}

// drop ends a client.
func (l *goroutineLoop) drop(s *pipe) {
	if s.gone {
		return
	}
	s.session.Closed()
	s.session.Link = nil
	l.leave(s.pool)
	l.remove(s)
}

// remove closes a socket; its goroutines end.
func (l *goroutineLoop) remove(s *pipe) {
	if s.gone {
		return
	}
	s.gone = true
	delete(l.socks, s)
	l.finish(s.net)
	close(s.read)
	close(s.out)
}

// finish closes a socket so that the peer gets what was written: the kernel
// resets a connection that is closed with unread bytes.
func (l *goroutineLoop) finish(c net.Conn) {
	t, ok := c.(interface{ CloseWrite() error })
	if !ok || t.CloseWrite() != nil {
		c.Close()
		return
	}
	l.wg.Go(func() {
		defer c.Close()
		for range 1 + lingerTimes {
			c.SetReadDeadline(time.Now().Add(time.Duration(lingerFor)))
			if _, err := io.Copy(io.Discard, c); !errors.Is(err, os.ErrDeadlineExceeded) || connUnsent(c) == 0 {
				return
			}
		}
	})
}

func (l *goroutineLoop) flushConn(c *backend.Conn) {
	defer c.Flushed()
	s, _ := c.Link.(*pipe)
	switch {
	case c.State() == backend.Closing:
		if s != nil {
			l.remove(s)
		}
		c.Broken(nil, clock())
	case c.State() == backend.Dialing && s == nil:
		l.dial(c)
	case s != nil && s.net != nil:
		l.hand(s, &c.Out, func(n int) { c.Out.Discard(l.core.Buffers(), n) })
	}
}

// dial connects beside the loop.
func (l *goroutineLoop) dial(c *backend.Conn) {
	s := &pipe{conn: c, gone: true} // no socket yet
	c.Link = s
	l.wg.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), c.DialTimeout)
		defer cancel()
		var d net.Dialer
		conn, err := d.DialContext(ctx, c.Network, c.Addr)
		posted := l.post(func() {
			switch {
			case c.Link != s:
				if err == nil {
					conn.Close() // given up meanwhile
				}
			case err != nil:
				c.Broken(cause(err), clock())
			default:
				s.net, s.gone = conn, false
				l.start(s)
				c.Connected(clock())
				l.flushConn(c)
			}
		})
		if !posted && err == nil {
			conn.Close()
		}
	})
}

// cause takes the address off an error that names it already.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return errors.New("could not connect in time")
	}
	return err
}

// Endpoint tells of a client's socket, as CLIENT LIST shows it.
func (s *pipe) Endpoint() (remote, local string, fd int) {
	return s.net.RemoteAddr().String(), s.net.LocalAddr().String(), -1
}
