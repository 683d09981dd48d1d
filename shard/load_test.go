package shard

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

// load counts in many ways at once, each in keys of its own, and knows how often it was
// told that it did.
type load struct {
	t     *testing.T
	c     *Client
	stop  chan struct{}
	wg    sync.WaitGroup
	calls atomic.Int64

	mu      sync.Mutex // protects the following fields
	acked   map[string]int64
	maybe   map[string]int64 // may or may not have been executed
	errs    map[string]int
	wrong   []string
	longest time.Duration
}

func newLoad(t *testing.T, c *Client) *load {
	return &load{
		t: t, c: c, stop: make(chan struct{}),
		acked: map[string]int64{}, maybe: map[string]int64{}, errs: map[string]int{},
	}
}

// run calls f with numbers until end.
func (l *load) run(f func(key string, i int) error, key string) {
	l.wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-l.stop:
				return
			default:
			}
			begun := time.Now()
			err := f(key, i)
			l.calls.Add(1)
			l.mu.Lock()
			if key != "block" {
				l.longest = max(l.longest, time.Since(begun))
			}
			if err != nil {
				l.errs[fmt.Sprintf("%.4s: %v", key, err)]++
			}
			l.mu.Unlock()
			if err != nil {
				time.Sleep(5 * time.Millisecond)
			}
		}
	})
}

// told notes what a command that counts came to.
func (l *load) told(key string, err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var se *ShardError
	switch {
	case err == nil:
		l.acked[key]++
	case errors.As(err, &se) && !se.SafeToRetry:
		l.maybe[key]++
	}
	return err
}

func (l *load) everything() {
	for i := range 8 {
		l.run(func(key string, _ int) error {
			n, err := redis.Int64(l.c.Do(bg, "INCR", key))
			if err == nil && n == 0 {
				l.t.Error("counted to 0")
			}
			return l.told(key, err)
		}, fmt.Sprint("do:", i))
	}
	for i := range 4 {
		l.run(func(key string, i int) error {
			// A read behind a write sees it, or what came later.
			replies, _ := l.c.Pipeline().Add("INCR", key).Add("GET", key).Add("INCR", key).Exec(bg)
			first, err := redis.Int64(replies[0].Value, l.told(key, replies[0].Err))
			if read, rerr := redis.Int64(replies[1].Value, replies[1].Err); err == nil && rerr == nil && read < first {
				l.mu.Lock()
				l.wrong = append(l.wrong, fmt.Sprintf("%s: read %d after it was %d", key, read, first))
				l.mu.Unlock()
			}
			return errors.Join(err, replies[1].Err, l.told(key, replies[2].Err))
		}, fmt.Sprint("pipe:", i))
	}
	for i := range 2 {
		l.run(func(key string, _ int) error {
			_, err := l.c.Tx(bg, nil, func(tx *Tx) error { tx.Add("INCR", key); return nil })
			return l.told(key, err)
		}, fmt.Sprint("tx:", i))
	}
	l.run(func(key string, _ int) error {
		conn := l.c.Get()
		defer conn.Close()
		conn.Send("INCR", key)
		conn.Send("GET", key)
		conn.Flush()
		_, err := conn.Receive()
		_, rerr := conn.Receive()
		return errors.Join(l.told(key, err), rerr)
	}, "conn")
	l.run(func(key string, _ int) error {
		_, err := l.c.Do(bg, "EVAL", "return redis.call('INCR', KEYS[1])", 1, key)
		return l.told(key, err)
	}, "eval")
	l.run(func(key string, _ int) error {
		v, err := redis.Strings(l.c.Do(bg, "BLPOP", key, "0.7"))
		if err == redis.ErrNil {
			err = nil
		}
		if err == nil && len(v) > 0 {
			return fmt.Errorf("got %v", v)
		}
		return err
	}, "block")
}

// end stops the load and compares.
func (l *load) end() {
	l.t.Helper()
	close(l.stop)
	l.wg.Wait()
	for key, want := range l.acked {
		got, err := redis.Int64(l.c.Do(bg, "GET", key))
		if err != nil || got < want || got > want+l.maybe[key] {
			l.t.Errorf("%s: counted %d times and %d times maybe, but it is %d, %v", key, want, l.maybe[key], got, err)
		}
	}
	for _, w := range l.wrong {
		l.t.Error(w)
	}
	l.t.Logf("%d calls, the longest took %v, errors: %v", l.calls.Load(), l.longest, l.errs)
}

// noErrors fails the test unless every call succeeded.
func (l *load) noErrors() {
	l.t.Helper()
	for text, n := range l.errs {
		l.t.Errorf("%d times: %s", n, text)
	}
}
