package engine

import (
	"io"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/shardring/shardring/proxy/backend"
	"github.com/shardring/shardring/proxy/iobuf"
	"github.com/shardring/shardring/proxy/session"
)

// sock is a descriptor of an epollLoop and whose it is: at most one of session,
// conn and door.
type sock struct {
	fd  int
	gen uint32 // tells it from earlier sockets with the same number

	session *session.Session
	conn    *backend.Conn
	door    *door   // a listener's
	pool    *served // of a session

	readable   bool // a read may return something
	writable   bool // a write may take something
	hup        bool // the peer will send no more: read until the end
	dead       bool // nor does it read any more
	eof        bool // the end has been read
	more       bool // in loop.unflushed
	queued     bool // in loop.ready
	connecting bool
	gone       bool  // closed
	until      int64 // lingering: closed then
	lingered   int   // how often until was put off
}

// add registers a descriptor, which is closed on an error.
func (l *epollLoop) add(fd int, events uint32) (*sock, error) {
	l.gen++
	ev := unix.EpollEvent{Events: events, Fd: int32(fd), Pad: int32(l.gen)}
	if err := unix.EpollCtl(l.ep, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("epoll_ctl", err)
	}
	for fd >= len(l.socks) {
		l.socks = append(l.socks, nil)
	}
	s := &sock{fd: fd, gen: l.gen}
	l.socks[fd] = s
	return s, nil
}

const bothWays = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET

// remove closes a socket.
func (l *epollLoop) remove(s *sock) {
	if s.gone {
		return
	}
	s.gone = true
	if s.fd >= 0 {
		l.socks[s.fd] = nil
		unix.Close(s.fd)
	}
}

func (l *epollLoop) enqueue(s *sock) {
	if !s.queued {
		s.queued = true
		l.ready = append(l.ready, s)
	}
}

// accept takes new clients, and reports whether there may be more.
func (l *epollLoop) accept(ls *sock) bool {
	if l.paused != 0 || ls.gone {
		return false
	}
	pool := ls.door.to.Load()
	for range maxAccepts {
		fd, _, err := unix.Accept4(ls.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch err {
		case nil:
		case unix.EINTR, unix.ECONNABORTED:
			continue
		case unix.EAGAIN:
			return false
		default:
			// Out of descriptors or memory: wait for some to come back.
			l.log.Error("accept failed, trying again in 100 ms", "pool", pool.name(), "error", err)
			l.paused = clock() + 100e6
			return false
		}
		if !pool.gate.enter() {
			unix.Write(fd, []byte(tooMany))
			unix.Close(fd)
			continue
		}
		i := l.engine.least()
		l.engine.load[i].Add(1)
		if other := l.engine.loops; i == l.index || !other[i].post(func() { other[i].(*epollLoop).client(fd, pool) }) {
			l.client(fd, pool)
		}
	}
	return true
}

// client begins a session on a new socket.
func (l *epollLoop) client(fd int, pool *served) {
	p := pool.on[l.index]
	if cfg := p.Config(); cfg.Listen.Network == "tcp" {
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		keepAlive(fd, cfg)
	}
	s, err := l.add(fd, bothWays)
	if err != nil || l.stopping || p.Ending() {
		if err == nil {
			l.remove(s)
		}
		l.leave(pool)
		return
	}
	s.pool, s.writable = pool, true
	s.session = p.Accept()
	s.session.Link = s
}

func (l *epollLoop) leave(pool *served) {
	pool.gate.leave()
	l.engine.load[l.index].Add(-1)
}

// read reads once from a socket and hands the bytes to whom they are for.
func (l *epollLoop) read(s *sock, now int64) {
	if s.door != nil {
		if l.accept(s) {
			l.enqueue(s) // next turn
		}
		return
	}
	if s.gone || !s.readable || s.connecting {
		return
	}
	if s.session != nil && s.until == 0 && !s.session.WantsRead() && !s.dead {
		return // flushSession comes back to it
	}
	n, err := sysRead(s.fd, l.buf)
	switch {
	case err == unix.EAGAIN:
		s.readable = false
		return
	case err == unix.EINTR:
		l.enqueue(s)
		return
	case err != 0:
		l.lost(s, os.NewSyscallError("read", err), now)
		return
	case n == 0:
		l.lost(s, io.EOF, now)
		return
	}
	// A short read has drained the socket, unless its end comes after it.
	if n == len(l.buf) || s.hup {
		l.enqueue(s)
	} else {
		s.readable = false
	}
	switch {
	case s.conn != nil:
		s.conn.Received(l.buf[:n], now)
	case s.until == 0:
		s.session.Received(l.buf[:n])
	}
}

// lost is called when nothing more can be read from a socket.
func (l *epollLoop) lost(s *sock, err error, now int64) {
	s.readable = false
	switch {
	case s.conn != nil:
		c := s.conn
		l.remove(s)
		c.Broken(err, now)
	case s.until != 0:
		l.remove(s)
	case err == io.EOF:
		s.eof = true
		s.session.EOF() // it may still take its replies
	default:
		l.drop(s)
	}
}

// drop closes a client's socket at once.
func (l *epollLoop) drop(s *sock) {
	if s.until == 0 {
		l.release(s)
	}
	l.remove(s)
}

// release ends the session of a socket.
func (l *epollLoop) release(s *sock) {
	s.session.Closed()
	s.session.Link = nil
	l.leave(s.pool)
}

// flushSession writes to a client, and ends its socket when it is time.
func (l *epollLoop) flushSession(c *session.Session, now int64) {
	defer c.Flushed()
	s, _ := c.Link.(*sock)
	if s == nil || s.until != 0 {
		return
	}
	if err := l.write(s, &c.Out); err != nil {
		l.drop(s)
		return
	}
	switch {
	case c.Finished() && c.Out.Len() == 0:
		l.finish(s, now)
	case c.WantsRead() && s.readable:
		l.enqueue(s)
	}
}

// finish ends a client that has been told everything: the end of the stream is
// sent after the last reply, and what it still says is read and thrown away for
// a while.
func (l *epollLoop) finish(s *sock, now int64) {
	l.release(s)
	if s.eof || unix.Shutdown(s.fd, unix.SHUT_WR) != nil {
		l.remove(s)
		return
	}
	s.until = now + lingerFor
	l.linger = append(l.linger, s)
	l.enqueue(s)
}

// write writes as much of q as the socket takes.
func (l *epollLoop) write(s *sock, q *iobuf.Queue) error {
	for wrote := 0; q.Len() > 0 && s.writable; {
		if wrote >= maxWrite { // the others' turn
			if !s.more {
				s.more = true
				l.unflushed = append(l.unflushed, s)
			}
			return nil
		}
		var n int
		var err unix.Errno
		if f := q.Front(); len(f) == q.Len() {
			n, err = sysWrite(s.fd, f)
		} else {
			n, err = l.writev(s.fd, q)
		}
		switch err {
		case 0:
			if s.conn != nil {
				s.conn.Wrote(n)
			} else {
				q.Discard(l.core.Buffers(), n)
			}
			wrote += n
		case unix.EAGAIN:
			s.writable = false
		case unix.EINTR:
		default:
			return os.NewSyscallError("write", err)
		}
	}
	return nil
}

// writev writes the first chunks of q.
func (l *epollLoop) writev(fd int, q *iobuf.Queue) (int, unix.Errno) {
	l.chunks = q.Vectors(l.chunks[:0], maxVectors)
	l.iov = l.iov[:0]
	for _, b := range l.chunks {
		v := unix.Iovec{Base: unsafe.SliceData(b)}
		v.SetLen(len(b))
		l.iov = append(l.iov, v)
	}
	n, err := sysWritev(fd, l.iov)
	clear(l.chunks)
	clear(l.iov)
	return n, err
}
