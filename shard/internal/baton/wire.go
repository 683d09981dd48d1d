package baton

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/resp"
)

const (
	readBuffer = 64 << 10  // bytes; replies up to this size are framed before they are parsed
	keepBuffer = 256 << 10 // a larger write buffer is given back after use
)

// wire carries redigo's encoder and decoder over a net.Conn. redigo's own
// buffers are 4 KiB, its reads cannot be interrupted without losing the
// connection and its deadlines cost a timer each; here
//
//   - what redigo writes goes to memory, so encoding never blocks, and the
//     writer sends it in pieces with a time limit each;
//   - a reply is framed in a 64 KiB buffer before redigo parses it, so waiting
//     for one can be interrupted at any byte, and redigo never reads past
//     its end; the most common ones need not pass through its buffer then;
//   - deadlines are set only when the one that is set no longer serves.
type wire struct {
	nc net.Conn
	rc redis.Conn // redigo over this wire

	out   []byte // encoded, not taken by the writer; the line's mutex
	total int64  // bytes ever encoded; the line's mutex

	sending    []byte // the writer's: taken, not written yet
	spare      []byte // the writer's: an empty buffer for the next out
	writeArmed time.Time

	// The reader's.
	buf       []byte
	r, w      int // buf[r:w] has not been given to redigo
	framed    int // bytes from r that belong to the reply at hand
	complete  bool
	frame     resp.Cutter
	garbled   error // what frame found wrong; the connection is of no more use
	readArmed time.Time
	during    func() error // called about every tick while redigo waits for more of a large reply

	received atomic.Int64 // bytes ever read
}

func newWire(nc net.Conn, during func() error) *wire {
	w := &wire{nc: nc, buf: make([]byte, readBuffer), during: during}
	w.rc = redis.NewConn(rewired{w}, 0, 0)
	return w
}

// encode appends a command to the write buffer and returns the number of
// bytes encoded so far. The arguments are not needed afterwards.
func (w *wire) encode(cmd string, args []any) (int64, error) {
	if err := w.rc.Send(cmd, args...); err != nil {
		return 0, err
	}
	if err := w.rc.Flush(); err != nil {
		return 0, err
	}
	return w.total, nil
}

// unsent is asked by the writer, or when nobody writes.
func (w *wire) unsent() int { return len(w.out) + len(w.sending) }

// take moves what is encoded into the writer's hands, after the rest of what
// it holds.
func (w *wire) take() {
	if len(w.sending) > 0 {
		w.sending = append(w.sending, w.out...)
		w.out = w.out[:0]
		return
	}
	w.sending, w.out, w.spare = w.out, w.spare[:0], nil
}

// flush writes what take took, until that time at most. left is what remains;
// err is os.ErrDeadlineExceeded when the time is up.
func (w *wire) flush(until time.Time) (left int, err error) {
	if arm(&w.writeArmed, until) {
		w.nc.SetWriteDeadline(until)
	}
	whole := w.sending
	n, err := w.nc.Write(whole)
	if err != nil {
		w.writeArmed = time.Time{}
	}
	w.sending = whole[n:]
	if len(w.sending) == 0 {
		w.sending = nil
		if cap(whole) <= keepBuffer {
			w.spare = whole[:0]
		}
	}
	return len(w.sending), err
}

// await reads until one whole reply is in the buffer (whole is true), or the
// buffer is full of the beginning of one, or the time is up
// (os.ErrDeadlineExceeded), after which it may be called again.
func (w *wire) await(until time.Time) (whole bool, err error) {
	for {
		if w.buffered() {
			return true, nil
		}
		if w.garbled != nil {
			return false, w.garbled
		}
		if w.r > 0 {
			w.w = copy(w.buf, w.buf[w.r:w.w])
			w.r = 0
		}
		if w.w == len(w.buf) {
			return false, nil
		}
		if arm(&w.readArmed, until) {
			w.nc.SetReadDeadline(until)
		}
		n, err := w.nc.Read(w.buf[w.w:])
		w.w += n
		w.received.Add(int64(n))
		if n == 0 && err != nil {
			w.readArmed = time.Time{}
			return false, err
		}
	}
}

// buffered reports whether a whole reply is in the buffer.
func (w *wire) buffered() bool {
	if !w.complete && w.garbled == nil && w.framed < w.w-w.r {
		var n int
		n, w.complete, w.garbled = w.frame.Cut(w.buf[w.r+w.framed : w.w])
		w.framed += n
	}
	return w.complete
}

// alive looks at a connection on which nothing is awaited, without waiting:
// the server may have closed it, or have sent what nobody asked for.
func (w *wire) alive() error {
	if w.w > w.r {
		return errUnasked
	}
	return peek(w.nc)
}

// receive parses the reply that await has found, and reads on for one that
// is not whole.
func (w *wire) receive() (any, error) {
	if w.complete {
		if reply, ok := common(w.buf[w.r : w.r+w.framed]); ok {
			w.r += w.framed
			w.framed, w.complete = 0, false
			return reply, nil
		}
	}
	reply, err := w.rc.Receive()
	w.complete = false
	return reply, err
}

// common parses a whole reply as redigo does if it is one of those that most
// are: a bulk string, nil or OK.
func common(b []byte) (reply any, ok bool) {
	switch {
	case string(b) == "+OK\r\n":
		return "OK", true
	case string(b) == "$-1\r\n":
		return nil, true
	case resp.BulkLen(b) == len(b) && string(b[len(b)-2:]) == "\r\n":
		return bytes.Clone(b[bytes.IndexByte(b, '\n')+1 : len(b)-2]), true
	}
	return nil, false
}

func (w *wire) progress() int64 { return w.received.Load() }

// read gives redigo the bytes of the reply at hand and none after it.
func (w *wire) read(p []byte) (int, error) {
	for w.framed == 0 {
		if w.complete {
			return 0, errPastReply
		}
		if w.frame.Body() > int64(len(w.buf)) && len(p) >= len(w.buf) {
			n, err := w.readNet(p[:min(int64(len(p)), w.frame.Body())])
			if n > 0 {
				w.frame.Cut(p[:n])
			}
			return n, err
		}
		w.r, w.w = 0, 0
		n, err := w.readNet(w.buf)
		w.w = n
		if err != nil {
			return 0, err
		}
		if w.framed, w.complete, err = w.frame.Cut(w.buf[:n]); err != nil {
			return 0, err
		}
	}
	n := copy(p, w.buf[w.r:w.r+w.framed])
	w.r += n
	w.framed -= n
	if w.r == w.w {
		w.r, w.w = 0, 0
	}
	return n, nil
}

// readNet reads at least one byte, calling during whenever a tick passes.
func (w *wire) readNet(p []byte) (int, error) {
	for {
		until := time.Now().Add(tick)
		if arm(&w.readArmed, until) {
			w.nc.SetReadDeadline(until)
		}
		n, err := w.nc.Read(p)
		w.received.Add(int64(n))
		if n > 0 {
			return n, nil
		}
		w.readArmed = time.Time{}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return 0, err
		}
		if err := w.during(); err != nil {
			return 0, err
		}
	}
}

func (w *wire) close() error { return w.nc.Close() }

// arm decides whether a deadline must be set to be woken at until, or up to
// half a tick earlier. A deadline that has passed is forgotten by setting
// armed to zero.
func arm(armed *time.Time, until time.Time) bool {
	if d := until.Sub(*armed); d >= 0 && d < tick/2 {
		return false
	}
	*armed = until
	return true
}

var (
	errPastReply = errors.New("protocol error: the reply is longer than its length says")
	errUnasked   = errors.New("protocol error: the server sent what nobody asked for")
)

// rewired is the net.Conn that redigo sees.
type rewired struct{ *wire }

func (c rewired) Read(p []byte) (int, error) { return c.read(p) }

func (c rewired) Write(p []byte) (int, error) {
	c.out = append(c.out, p...)
	c.total += int64(len(p))
	return len(p), nil
}

// WriteString keeps redigo from cutting long strings into 4 KiB pieces.
func (c rewired) WriteString(s string) (int, error) {
	c.out = append(c.out, s...)
	c.total += int64(len(s))
	return len(s), nil
}

func (c rewired) Close() error                     { return c.nc.Close() }
func (c rewired) LocalAddr() net.Addr              { return c.nc.LocalAddr() }
func (c rewired) RemoteAddr() net.Addr             { return c.nc.RemoteAddr() }
func (c rewired) SetDeadline(time.Time) error      { return nil }
func (c rewired) SetReadDeadline(time.Time) error  { return nil }
func (c rewired) SetWriteDeadline(time.Time) error { return nil }

var _ io.StringWriter = rewired{}
