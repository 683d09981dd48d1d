package engine

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/shardring/shardring/proxy/backend"
	"github.com/shardring/shardring/proxy/session"
)

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
	giveUp  context.CancelFunc // ends the dial of a conn
	pool    *served
	idle    bool // the reader waits for read
	gone    bool
}

// writeSize is the most that is handed to a writer at once.
const writeSize = 256 << 10

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

// Endpoint tells of a client's socket, as CLIENT LIST shows it.
func (s *pipe) Endpoint() (remote, local string, fd int) {
	return s.net.RemoteAddr().String(), s.net.LocalAddr().String(), -1
}
