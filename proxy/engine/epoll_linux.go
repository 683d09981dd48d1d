package engine

import (
	"fmt"
	"math"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shardring/shardring/proxy/backend"
	"github.com/shardring/shardring/proxy/session"
)

const (
	readSize    = 256 << 10 // one buffer a loop, for every socket's reads
	maxEvents   = 512       // taken by one epoll_wait
	maxAccepts  = 64        // new clients a turn
	shutAccepts = 64        // times maxAccepts, when a listener is shut
	maxWrite    = 1 << 20   // bytes to one socket a turn
	maxVectors  = 64        // chunks a writev
)

// epollLoop is a loop around epoll_wait. Every socket is registered once, edge
// triggered, for both directions; so what a socket is ready for is remembered
// in its sock until a system call says otherwise.
type epollLoop struct {
	base
	mail mailbox

	ep     int // the epoll instance
	wake   int // an eventfd: there is mail
	gen    uint32
	socks  []*sock // by descriptor
	events []unix.EpollEvent
	buf    []byte
	chunks [][]byte // of a writev
	iov    []unix.Iovec

	ready     []*sock // may be read, this turn or the next
	ready2    []*sock // the other of two slices used in turn
	unflushed []*sock // have more to write than one turn takes
	linger    []*sock
	listeners []*sock
	paused    int64 // accept again then: descriptors have run out

	conns    []*backend.Conn
	sessions []*session.Session
	stopping bool
	deadline int64 // of the stop
}

func newEpollLoop(e *Engine, i int) (loop, error) {
	l := &epollLoop{base: newBase(e, i), ep: -1, wake: -1}
	l.events = make([]unix.EpollEvent, maxEvents)
	l.buf = make([]byte, readSize)
	var err error
	if l.ep, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if l.wake, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		l.close()
		return nil, os.NewSyscallError("eventfd", err)
	}
	if _, err := l.add(l.wake, unix.EPOLLIN|unix.EPOLLET); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *epollLoop) close() {
	for _, s := range l.socks {
		if s != nil && s.fd != l.wake {
			unix.Close(s.fd)
		}
	}
	for _, fd := range []int{l.wake, l.ep} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

func (l *epollLoop) post(f func()) bool {
	if !l.mail.put(f) {
		return false
	}
	unix.Write(l.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	return true
}

func (l *epollLoop) run(grace time.Duration) {
	for !l.over() {
		l.turn()
		if l.stopping && l.deadline == 0 {
			l.deadline = clock() + int64(grace)
		}
	}
	for _, f := range l.mail.close() {
		f() // whoever waits for it must not wait for ever
	}
	for _, s := range l.socks {
		if s != nil && s.session != nil {
			l.drop(s)
		}
	}
	l.core.End() // others may wait for what a session that ends has to say
	l.close()
}

// over reports whether a stop has been carried out.
func (l *epollLoop) over() bool {
	return l.stopping && l.deadline != 0 &&
		(clock() >= l.deadline || l.core.Sessions() == 0 && len(l.linger) == 0)
}

func (l *epollLoop) stop() {
	l.stopping = true
	for _, s := range l.listeners {
		l.remove(s)
	}
	l.listeners = nil
	for _, s := range l.socks {
		if s != nil && s.session != nil {
			s.session.Stop()
		}
	}
}

// turn is one turn of the loop.
func (l *epollLoop) turn() {
	n := l.wait(0)
	now := clock()
	if n == 0 && len(l.ready)+len(l.unflushed) == 0 {
		if ms := l.sleep(now); ms != 0 {
			n = l.wait(ms)
			now = clock()
		}
	}
	l.core.Begin(now)
	for i := range l.events[:n] {
		l.event(&l.events[i], now)
	}
	ready := l.ready
	l.ready = l.ready2[:0]
	for i, s := range ready {
		s.queued = false
		l.read(s, now)
		ready[i] = nil
	}
	l.ready2 = ready[:0]
	l.core.End()
	l.flush(now)
	l.timers(now)
}

// sleep returns how long epoll_wait may block, in ms; -1 for ever.
func (l *epollLoop) sleep(now int64) int {
	wait := l.core.Wait(now)
	limit := func(at int64) {
		if at != 0 {
			if d := time.Duration(max(0, at-now)); wait < 0 || d < wait {
				wait = d
			}
		}
	}
	limit(l.deadline)
	limit(l.paused)
	if len(l.linger) > 0 {
		limit(l.linger[0].until)
	}
	if wait < 0 {
		return -1
	}
	return int(min((wait+time.Millisecond-1)/time.Millisecond, math.MaxInt32))
}

// wait returns the number of events, which come within ms; negative: for ever.
// A wait that may block lets the collector stop the world meanwhile.
func (l *epollLoop) wait(ms int) int {
	if ms == 0 {
		n, err := sysPoll(l.ep, l.events)
		if err != 0 {
			return 0
		}
		return n
	}
	n, err := unix.EpollWait(l.ep, l.events, ms)
	if err != nil && err != unix.EINTR {
		panic("engine: epoll_wait: " + err.Error()) // not reachable: the descriptor is ours
	}
	return max(n, 0)
}

// event notes what a socket has become ready for.
func (l *epollLoop) event(ev *unix.EpollEvent, now int64) {
	s := l.socks[ev.Fd]
	if s == nil || s.gen != uint32(ev.Pad) {
		return // an event of an earlier socket with this number
	}
	switch {
	case s.fd == l.wake:
		l.mailCall()
		return
	case s.door != nil:
		l.enqueue(s)
		return
	}
	if ev.Events&(unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		s.readable = true
		s.dead = s.dead || ev.Events&(unix.EPOLLHUP|unix.EPOLLERR) != 0
		s.hup = s.dead || s.hup || ev.Events&unix.EPOLLRDHUP != 0
		l.enqueue(s)
	}
	if ev.Events&(unix.EPOLLOUT|unix.EPOLLHUP|unix.EPOLLERR) != 0 && !s.writable {
		s.writable = true
		switch {
		case s.connecting:
			l.connected(s, now)
		case s.conn != nil:
			l.flushConn(s.conn, now)
		case s.session != nil:
			l.flushSession(s.session, now)
		}
	}
}

func (l *epollLoop) mailCall() {
	var b [8]byte
	unix.Read(l.wake, b[:])
	for _, f := range l.mail.take(nil) {
		f()
	}
}

// flush does what the core wants of sockets: once each, after all reads.
func (l *epollLoop) flush(now int64) {
	more := l.unflushed
	l.unflushed = nil
	for _, s := range more {
		s.more = false
		switch {
		case s.gone:
		case s.conn != nil:
			l.flushConn(s.conn, now)
		case s.session != nil:
			l.flushSession(s.session, now)
		}
	}
	l.conns = l.core.TakeConns(l.conns)
	for _, c := range l.conns {
		l.flushConn(c, now)
	}
	l.sessions = l.core.TakeSessions(l.sessions)
	for i, s := range l.sessions {
		l.flushSession(s, now)
		l.sessions[i] = nil
	}
}

// timers ends what has lingered long enough, and accepts again.
func (l *epollLoop) timers(now int64) {
	for len(l.linger) > 0 && (l.linger[0].gone || now >= l.linger[0].until) {
		s := l.linger[0]
		l.linger[0] = nil
		l.linger = l.linger[1:]
		switch {
		case s.gone:
		case unsent(s.fd) > 0 && s.lingered < lingerTimes:
			s.lingered++
			s.until = now + lingerFor
			l.linger = append(l.linger, s)
		default:
			l.remove(s)
		}
	}
	if l.paused != 0 && now >= l.paused {
		l.paused = 0
		for _, s := range l.listeners {
			l.enqueue(s)
		}
	}
}

// open registers a listener. Its descriptor is duplicated out of Go's hands,
// which would wake a thread of the runtime for every client.
func (l *epollLoop) open(d *door) error {
	if l.stopping {
		return errStopping
	}
	ln := d.ln
	f, ok := ln.(interface{ File() (*os.File, error) })
	if !ok {
		return fmt.Errorf("listener %T on %v has no descriptor", ln, ln.Addr())
	}
	file, err := f.File()
	if err != nil {
		return fmt.Errorf("listener on %v: %w", ln.Addr(), err)
	}
	defer file.Close()
	fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return os.NewSyscallError("fcntl", err)
	}
	s, err := l.add(fd, unix.EPOLLIN|unix.EPOLLET)
	if err != nil {
		return err
	}
	s.door = d
	l.listeners = append(l.listeners, s)
	d.close()
	return nil
}

func (l *epollLoop) shut(d *door) {
	for i, s := range l.listeners {
		if s.door != d {
			continue
		}
		for range shutAccepts { // who is connected was let in by the kernel
			if !l.accept(s) {
				break
			}
		}
		l.remove(s)
		l.listeners = append(l.listeners[:i], l.listeners[i+1:]...)
		return
	}
}
