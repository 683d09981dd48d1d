package engine

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"slices"
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

	socks    map[*pipe]struct{} // open sockets
	doors    []*door
	running  bool // so doors have their goroutines
	conns    []*backend.Conn
	sessions []*session.Session
	stopping bool
	dials    context.Context // done when the loop has ended; endDials does that
	endDials context.CancelFunc
	wg       sync.WaitGroup // readers, writers, acceptors
}

func newGoroutineLoop(e *Engine, i int) loop {
	l := &goroutineLoop{
		base: newBase(e, i), news: make(chan struct{}, 1), over: make(chan struct{}),
		socks: map[*pipe]struct{}{},
	}
	l.dials, l.endDials = context.WithCancel(context.Background())
	return l
}

func (l *goroutineLoop) close() {
	for _, d := range l.doors {
		d.close()
	}
}

func (l *goroutineLoop) open(d *door) error {
	if l.stopping {
		return errStopping
	}
	l.doors = append(l.doors, d)
	if l.running {
		l.wg.Go(func() { l.accept(d) })
	}
	return nil
}

func (l *goroutineLoop) shut(d *door) {
	if i := slices.Index(l.doors, d); i >= 0 {
		l.doors = slices.Delete(l.doors, i, i+1)
		d.closeSoon()
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
	for _, d := range l.doors {
		l.wg.Go(func() { l.accept(d) })
	}
	l.running = true
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
	l.endDials()
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
func (l *goroutineLoop) accept(d *door) {
	for {
		c, err := d.ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			d.close() // it is shut
			return
		}
		pool := d.to.Load()
		if err != nil {
			l.log.Error("accept failed, trying again in 100 ms", "pool", pool.name(), "error", err)
			select {
			case <-time.After(100 * time.Millisecond):
				continue
			case <-l.over:
				return
			}
		}
		if !pool.gate.enter() {
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

func (l *goroutineLoop) leave(pool *served) {
	pool.gate.leave()
	l.engine.load[l.index].Add(-1)
}

func (l *goroutineLoop) client(c net.Conn, pool *served) {
	p := pool.on[l.index]
	if l.stopping || p.Ending() {
		c.Close()
		l.leave(pool)
		return
	}
	if t, ok := c.(*net.TCPConn); ok {
		t.SetKeepAliveConfig(keepAliveOf(p.Config()))
	}
	s := &pipe{net: c, pool: pool, session: p.Accept()}
	s.session.Link = s
	l.start(s)
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

func (l *goroutineLoop) flushConn(c *backend.Conn) {
	defer c.Flushed()
	s, _ := c.Link.(*pipe)
	switch {
	case c.State() == backend.Closing:
		if s != nil {
			if s.giveUp != nil {
				s.giveUp()
			}
			l.remove(s)
		}
		c.Broken(nil, clock())
	case c.State() == backend.Dialing && s == nil:
		l.dial(c)
	case s != nil && s.net != nil:
		l.hand(s, &c.Out, c.Wrote)
	}
}

// dial connects beside the loop. How long that may take is the core's to say, which
// does not count time in which nothing here could run.
func (l *goroutineLoop) dial(c *backend.Conn) {
	ctx, giveUp := context.WithCancel(l.dials)
	s := &pipe{conn: c, gone: true, giveUp: giveUp} // no socket yet
	c.Link = s
	l.wg.Go(func() {
		defer giveUp()
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
	if op := (*net.OpError)(nil); errors.As(err, &op) {
		return op.Err
	}
	return err
}
