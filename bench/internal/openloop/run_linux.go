package openloop

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"time"
	"unsafe"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"
)

// Run asks as the configuration says, on a thread of its own, and returns when
// every reply is in. A reply other than the expected one, a connection that
// ends and the end of the context are errors.
func Run(ctx context.Context, cfg Config) (Result, error) {
	addr, err := cfg.check()
	if err != nil {
		return Result{}, err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	g, err := newGenerator(addr, cfg)
	if err != nil {
		return Result{}, fmt.Errorf("openloop: %w", err)
	}
	defer g.close()
	if err := g.run(ctx); err != nil {
		return Result{}, fmt.Errorf("openloop: %w", err)
	}
	return g.result, nil
}

// conn is one connection. It is registered edge triggered for both directions:
// full stays set until epoll says that there is room again.
type conn struct {
	fd      int
	first   int // byte of the requests' stream at which it began
	sent    int // bytes
	asked   int // requests written whole
	due     int // requests to have been written
	full    bool
	replies replies
}

// generator is owned by the goroutine that runs it.
type generator struct {
	schedule
	requests
	drain    time.Duration
	ep       int
	conns    []conn
	events   []unix.EpollEvent
	buf      []byte
	start    time.Time
	released int // requests that were due so far
	answered int
	result   Result
}

const (
	readSize = 64 << 10
	maxSleep = 10 * time.Millisecond // after which the context is looked at
)

func newGenerator(addr netip.AddrPort, cfg Config) (*generator, error) {
	newHistogram := func() *hdrhistogram.Histogram {
		return hdrhistogram.New(1000, int64(time.Hour), 3) // from 1 µs on
	}
	g := &generator{
		schedule: schedule{cfg.Rate, cfg.Conns, cfg.Requests},
		requests: newRequests(cfg.Request),
		drain:    cfg.Drain,
		events:   make([]unix.EpollEvent, cfg.Conns),
		buf:      make([]byte, readSize),
		result:   Result{Latency: newHistogram(), Late: newHistogram()},
	}
	if g.drain == 0 {
		g.drain = 10 * time.Second
	}
	var err error
	if g.ep, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	for i := range cfg.Conns {
		fd, err := g.connect(addr, i)
		if err != nil {
			g.close()
			return nil, fmt.Errorf("connection %d: %w", i+1, err)
		}
		g.conns = append(g.conns, conn{fd: fd, first: i * g.size, replies: replies{want: cfg.Reply}})
	}
	return g, nil
}

// connect opens a socket whose events carry i.
func (g *generator) connect(addr netip.AddrPort, i int) (fd int, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	defer func() {
		if err != nil {
			unix.Close(fd)
		}
	}()
	if err := unix.Connect(fd, &unix.SockaddrInet4{Addr: addr.Addr().As4(), Port: int(addr.Port())}); err != nil {
		return -1, fmt.Errorf("connect %s: %w", addr, err)
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return -1, os.NewSyscallError("setsockopt", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return -1, os.NewSyscallError("fcntl", err)
	}
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLET | unix.EPOLLRDHUP, Fd: int32(i)}
	return fd, os.NewSyscallError("epoll_ctl", unix.EpollCtl(g.ep, unix.EPOLL_CTL_ADD, fd, &event))
}

func (g *generator) close() {
	for _, c := range g.conns {
		unix.Close(c.fd)
	}
	unix.Close(g.ep)
}

func (g *generator) clock() time.Duration { return time.Since(g.start) }

func (g *generator) run(ctx context.Context) error {
	g.start = time.Now()
	end := g.due(g.total-1) + g.drain
	for g.answered < g.total {
		if err := ctx.Err(); err != nil {
			return err
		}
		now := g.clock()
		if now > end {
			return fmt.Errorf("%d of %d requests not answered %v after the last was due", g.total-g.answered, g.total, g.drain)
		}
		if err := g.release(now); err != nil {
			return err
		}
		wait := maxSleep
		if g.released < g.total {
			wait = min(wait, max(0, g.due(g.released)-g.clock()))
		}
		n, err := g.wait(wait)
		if err != nil {
			return err
		}
		for _, ev := range g.events[:n] {
			if err := g.event(int(ev.Fd), ev.Events); err != nil {
				return err
			}
		}
	}
	g.result.Elapsed = g.clock()
	return nil
}

// release writes what has become due, of each connection in one piece.
func (g *generator) release(now time.Duration) error {
	due := g.dueBy(now)
	for i := g.released; i < min(due, g.released+len(g.conns)); i++ {
		conn := i % len(g.conns)
		g.conns[conn].due = g.share(conn, due)
		if err := g.write(conn, now); err != nil {
			return err
		}
	}
	g.released = due
	return nil
}

func (g *generator) write(i int, now time.Duration) error {
	c := &g.conns[i]
	for want := c.due*g.size - c.sent; want > 0 && !c.full; want = c.due*g.size - c.sent {
		b := g.from(c.first+c.sent, want)
		n, err := unix.Write(c.fd, b)
		if err != nil && err != unix.EAGAIN {
			return fmt.Errorf("connection %d: %w", i+1, os.NewSyscallError("write", err))
		}
		c.full = n < len(b)
		c.sent += max(n, 0)
		for ; c.asked < c.sent/g.size; c.asked++ {
			if err := g.result.Late.RecordValue(int64(now - g.due(g.index(i, c.asked)))); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *generator) event(i int, events uint32) error {
	if events&unix.EPOLLOUT != 0 && g.conns[i].full {
		g.conns[i].full = false
		if err := g.write(i, g.clock()); err != nil {
			return err
		}
	}
	if events&^unix.EPOLLOUT == 0 {
		return nil
	}
	if err := g.read(i, events&^(unix.EPOLLIN|unix.EPOLLOUT) != 0); err != nil {
		return fmt.Errorf("connection %d: %w", i+1, err)
	}
	return nil
}

// read takes what has come. All replies of one read have the same time. A read
// that does not fill the buffer was the last, unless the connection has ended.
func (g *generator) read(i int, ended bool) error {
	c := &g.conns[i]
	for {
		n, err := unix.Read(c.fd, g.buf)
		switch {
		case err == unix.EAGAIN:
			return nil
		case err != nil:
			return os.NewSyscallError("read", err)
		case n == 0:
			return fmt.Errorf("closed by the server with %d requests unanswered", c.asked-c.replies.done)
		}
		now, before := g.clock(), c.replies.done
		if err := c.replies.take(g.buf[:n], c.asked); err != nil {
			return err
		}
		for k := before; k < c.replies.done; k++ {
			if err := g.result.Latency.RecordValue(int64(now - g.due(g.index(i, k)))); err != nil {
				return err
			}
		}
		g.answered += c.replies.done - before
		if n < len(g.buf) && !ended {
			return nil
		}
	}
}

// wait is epoll_pwait2, whose time is not rounded to milliseconds. It is called
// raw: the runtime need not know of a wait this short, and telling it costs
// more than the wait itself.
func (g *generator) wait(d time.Duration) (int, error) {
	limit := unix.NsecToTimespec(int64(d))
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT2, uintptr(g.ep), uintptr(unsafe.Pointer(&g.events[0])),
		uintptr(len(g.events)), uintptr(unsafe.Pointer(&limit)), 0, 0)
	switch errno {
	case 0:
		return int(n), nil
	case unix.EINTR:
		return 0, nil
	}
	return 0, os.NewSyscallError("epoll_pwait2", errno)
}
