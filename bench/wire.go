package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"
)

// wire is a load as bytes, where every request is of one length and so is every reply: a
// client knows that it has been answered without looking.
type wire struct {
	load  Load
	redis bool
	reply int // bytes of the reply to a request
}

// wireKeys are so many of one length.
const wireKeys = 10_000

func wireOf(target string, load Load) wire {
	w := wire{load: load, redis: target == overRedis}
	one := len(fmt.Sprintf("VALUE %s 0 %d\r\n%s\r\n", w.key(0), load.Size, w.value()))
	switch {
	case w.redis && load.Command == "SET":
		w.reply = len("+OK\r\n")
	case w.redis:
		w.reply = load.Keys * len(fmt.Sprintf("$%d\r\n%s\r\n", load.Size, w.value()))
		if load.Command == "MGET" {
			w.reply += len(fmt.Sprintf("*%d\r\n", load.Keys))
		}
	case load.Command == "SET":
		w.reply = len("STORED\r\n")
	default:
		w.reply = load.Keys*one + len("END\r\n")
	}
	return w
}

func (w wire) key(i int) string { return fmt.Sprintf("key:%012d", i) }
func (w wire) value() []byte    { return bytes.Repeat([]byte("x"), w.load.Size) }

// request appends one for random keys.
func (w wire) request(dst []byte, rng *rand.Rand) []byte {
	if w.load.Command == "SET" {
		return w.set(dst, rng.IntN(wireKeys))
	}
	if w.redis {
		dst = fmt.Appendf(dst, "*%d\r\n$%d\r\n%s\r\n", w.load.Keys+1, len(w.load.Command), w.load.Command)
	} else {
		dst = append(dst, "get"...)
	}
	for range w.load.Keys {
		k := w.key(rng.IntN(wireKeys))
		if w.redis {
			dst = fmt.Appendf(dst, "$%d\r\n%s\r\n", len(k), k)
		} else {
			dst = append(append(dst, ' '), k...)
		}
	}
	if !w.redis {
		dst = append(dst, "\r\n"...)
	}
	return dst
}

func (w wire) set(dst []byte, i int) []byte {
	k := w.key(i)
	if w.redis {
		return fmt.Appendf(dst, "*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n", len(k), k, w.load.Size, w.value())
	}
	return fmt.Appendf(dst, "set %s 0 0 %d\r\n%s\r\n", k, w.load.Size, w.value())
}

// store sets all keys.
func (w wire) store(ctx context.Context, addr string) error {
	c, err := dialWire(ctx, addr)
	if err != nil {
		return err
	}
	defer c.Close()
	want := "STORED\r\n"
	if w.redis {
		want = "+OK\r\n"
	}
	got := make([]byte, len(want))
	for i := range wireKeys {
		if _, err := c.Write(w.set(nil, i)); err != nil {
			return err
		}
		if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
			return fmt.Errorf("set of %s: %q, %v", w.key(i), got, err)
		}
	}
	return nil
}

func dialWire(ctx context.Context, addr string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", addr)
	if err == nil {
		end, _ := ctx.Deadline()
		err = c.SetDeadline(end)
	}
	return c, err
}

// run asks n requests, each client its pipeline and then waiting for it.
func (w wire) run(ctx context.Context, addr string, n int) (clientFigures, error) {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		times []time.Duration
		errs  []error
	)
	each := max(1, n/w.load.Clients/w.load.Pipeline)
	began := time.Now()
	for i := range w.load.Clients {
		wg.Go(func() {
			own, err := w.client(ctx, addr, each, rand.New(rand.NewPCG(uint64(i), 1)))
			mu.Lock()
			defer mu.Unlock()
			times, errs = append(times, own...), append(errs, err)
		})
	}
	wg.Wait()
	took := time.Since(began)
	if err := errors.Join(errs...); err != nil {
		return clientFigures{}, err
	}
	slices.Sort(times)
	ms := func(p float64) float64 { return float64(times[int(p*float64(len(times)-1))]) / 1e6 }
	return clientFigures{Rate: float64(n) / took.Seconds(), P50: ms(.5), P99: ms(.99)}, nil
}

// client is one of them.
func (w wire) client(ctx context.Context, addr string, rounds int, rng *rand.Rand) (times []time.Duration, err error) {
	c, err := dialWire(ctx, addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var asked [16][]byte // made beforehand
	for i := range asked {
		for range w.load.Pipeline {
			asked[i] = w.request(asked[i], rng)
		}
	}
	reply := make([]byte, w.reply*w.load.Pipeline)
	for i := range rounds {
		began := time.Now()
		if _, err := c.Write(asked[i%len(asked)]); err != nil {
			return nil, err
		}
		if _, err := io.ReadFull(c, reply); err != nil {
			return nil, err
		}
		if !bytes.HasSuffix(reply, []byte("\r\n")) {
			return nil, fmt.Errorf("a reply of another length: %.80q", reply)
		}
		times = append(times, time.Since(began))
	}
	return times, nil
}
