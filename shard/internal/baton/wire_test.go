package baton

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// listen accepts one connection and has serve answer it.
func listen(t *testing.T, serve func(net.Conn)) net.Conn {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		serve(nc)
	})
	nc, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		nc.Close()
		ln.Close()
		wg.Wait()
	})
	return nc
}

// ask reads the arguments of one command from r.
func ask(r *bufio.Reader) ([]string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	n, _ := strconv.Atoi(strings.TrimSpace(line[1:]))
	args := make([]string, n)
	for i := range args {
		if line, err = r.ReadString('\n'); err != nil {
			return nil, err
		}
		size, _ := strconv.Atoi(strings.TrimSpace(line[1:]))
		b := make([]byte, size+2)
		if _, err := io.ReadFull(r, b); err != nil {
			return nil, err
		}
		args[i] = string(b[:size])
	}
	return args, nil
}

// reply returns the reply to a seed, as redigo returns it and as bytes.
func reply(seed int) (any, string) {
	r := rand.New(rand.NewPCG(uint64(seed), 1))
	var value func(depth int) (any, string)
	value = func(depth int) (any, string) {
		switch k := r.IntN(10); {
		case k == 0:
			return nil, "$-1\r\n"
		case k == 1:
			return int64(seed), fmt.Sprintf(":%d\r\n", seed)
		case k == 2 && depth == 0:
			return "OK", "+OK\r\n"
		case k == 2:
			return fmt.Sprint("s", seed), fmt.Sprintf("+s%d\r\n", seed)
		case k == 3 && depth < 3:
			n := r.IntN(400 >> (3 * depth))
			values, text := make([]any, n), fmt.Sprintf("*%d\r\n", n)
			for i := range values {
				var s string
				values[i], s = value(depth + 1)
				text += s
			}
			return values, text
		}
		// Sizes around those of the buffers, more often small ones.
		sizes := []int{0, 1, 60, 4000, 4090, 4096, 65_000, readBuffer - 9, readBuffer - 8, readBuffer, readBuffer + 1, 300_000}
		n := sizes[r.IntN(3)]
		if depth == 0 && r.IntN(3) == 0 {
			n = sizes[r.IntN(len(sizes))]
		}
		s := strings.Repeat(fmt.Sprint(seed, "\r\n"), n/3+1)[:n]
		return []byte(s), fmt.Sprintf("$%d\r\n%s\r\n", n, s)
	}
	return value(0)
}

func TestRepliesInPiecesOfAnySize(t *testing.T) {
	nc := listen(t, func(nc net.Conn) {
		r, w := bufio.NewReader(nc), rand.New(rand.NewPCG(9, 9))
		for {
			args, err := ask(r)
			if err != nil {
				return
			}
			seed, _ := strconv.Atoi(args[1])
			_, text := reply(seed)
			for len(text) > 0 {
				n := min(len(text), 1+w.IntN(1<<w.IntN(19)))
				if w.IntN(2) == 0 {
					n = len(text)
				}
				if _, err := io.WriteString(nc, text[:n]); err != nil {
					return
				}
				if text = text[n:]; w.IntN(30) == 0 {
					time.Sleep(100 * time.Microsecond)
				}
			}
		}
	})
	l := New(nc, Options{Stall: 10 * time.Second})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 2))
			for i := range 60 {
				seed := g*1000 + i
				want, _ := reply(seed)
				ctx, cancel := context.WithCancel(context.Background())
				if r.IntN(5) == 0 {
					time.AfterFunc(time.Duration(r.IntN(2000))*time.Microsecond, cancel)
				}
				got, err := l.Do(ctx, time.Time{}, "ASK", []any{seed})
				if err == nil && !reflect.DeepEqual(got, want) {
					t.Errorf("seed %d: got %.60q, want %.60q", seed, got, want)
				}
				if err != nil && !errors.Is(err, context.Canceled) {
					t.Errorf("seed %d: %v", seed, err)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	l.Break(net.ErrClosed)
}

func TestUnaskedBytesBreakTheLine(t *testing.T) {
	for _, extra := range []string{"+MORE\r\n", ":", "$3\r\nab"} {
		nc := listen(t, func(nc net.Conn) {
			r := bufio.NewReader(nc)
			for {
				if _, err := ask(r); err != nil {
					return
				}
				io.WriteString(nc, "+OK\r\n"+extra)
			}
		})
		l := New(nc, Options{})
		if reply, err := l.Do(context.Background(), time.Time{}, "SET", []any{"k"}); reply != "OK" || err != nil {
			t.Fatalf("%v, %v", reply, err)
		}
		time.Sleep(idleCheck + 20*time.Millisecond)
		_, err := l.Do(context.Background(), time.Time{}, "SET", []any{"k"})
		var e *Error
		if !errors.As(err, &e) || e.Sent || !errors.Is(err, errUnasked) {
			t.Errorf("after %q nobody asked for: %v", extra, err)
		}
	}
}

// slowAlive takes its time to look whether an idle connection is still there.
type slowAlive struct{ *wire }

func (w slowAlive) alive() error {
	time.Sleep(50 * time.Millisecond)
	return w.wire.alive()
}

// While one caller looks whether an idle connection is still there, the reply to
// another is not taken for something that nobody asked for.
func TestBurstOnAnIdleLine(t *testing.T) {
	nc := listen(t, func(nc net.Conn) {
		r := bufio.NewReader(nc)
		for {
			if _, err := ask(r); err != nil {
				return
			}
			io.WriteString(nc, "+OK\r\n")
		}
	})
	l := New(nc, Options{})
	l.ch = slowAlive{l.ch.(*wire)}
	for range 2 {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if reply, err := l.Do(context.Background(), time.Time{}, "SET", []any{"k"}); reply != "OK" || err != nil {
					t.Errorf("%v, %v", reply, err)
				}
			})
		}
		wg.Wait()
		time.Sleep(idleCheck + 20*time.Millisecond)
	}
}

func TestGarbageBreaksTheLine(t *testing.T) {
	for _, bad := range []string{"HTTP/1.1 400\r\n", "$x\r\n", "*1\r\n!\r\n", "$3\r\nabcde", ":\r\n"} {
		nc := listen(t, func(nc net.Conn) {
			if _, err := ask(bufio.NewReader(nc)); err == nil {
				io.WriteString(nc, bad)
				time.Sleep(50 * time.Millisecond)
			}
		})
		l := New(nc, Options{})
		_, err := l.Do(context.Background(), time.Now().Add(time.Second), "SET", []any{"k"})
		var e *Error
		if !errors.As(err, &e) || !e.Broken || !e.Sent {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestServerThatReadsOnlyWhenItCanWrite: more goes both ways than sockets hold,
// so a client that only wrote until it was done would lock up with it.
func TestServerThatReadsOnlyWhenItCanWrite(t *testing.T) {
	value := strings.Repeat("v", 1<<20)
	nc := listen(t, func(nc net.Conn) {
		r := bufio.NewReader(nc)
		for {
			args, err := ask(r)
			if err != nil {
				return
			}
			if _, err := fmt.Fprintf(nc, "$%d\r\n%s\r\n", len(args[1]), args[1]); err != nil {
				return
			}
		}
	})
	l := New(nc, Options{Stall: 5 * time.Second})
	run := commands(slices.Repeat([]string{value}, 40)...)
	deadline := time.Now().Add(10 * time.Second)
	l.Start(run)
	l.Flush()
	l.Wait(context.Background(), run[39], deadline)
	for _, cmd := range run {
		if cmd.Err != nil || string(cmd.Reply.([]byte)) != value {
			t.Fatalf("%T, %v", cmd.Reply, cmd.Err)
		}
	}
}
